import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { JWK } from '../../../src/base/jose.ts'
import { verifyJwt, type JwtVerdict } from '../../../src/protocol/jwt/verify-jwt.ts'
import { doesJoseAccept, findIn } from '../../support/tokens.ts'

const file = new URL('../../vectors/wso2-2018.json', import.meta.url)
const vector = JSON.parse(readFileSync(file, 'utf8')) as {
  validAt: string
  jwks: { keys: JWK[] }
  tokenResponse: { access_token: string }
}
const token = vector.tokenResponse.access_token
const validAtMs = Date.parse(vector.validAt)
const todayMs = Date.parse('2026-11-23T16:33:27Z')

function verdictOf(text: string, nowMs: number): JwtVerdict {
  return verifyJwt(text, findIn(vector.jwks), { nowMs, clockToleranceSeconds: 60 })
}

/** Returns the token with one bit flipped in the decoded bytes of a part. */
function flipBit(part: number, bit: number): string {
  const parts = token.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return parts.with(part, bytes.toString('base64url')).join('.')
}

describe('token of the WSO2 guide of 2018', () => {
  it('the WSO2 token verifies with WSO2’s key at its time', () => {
    expect(verdictOf(token, validAtMs)).toEqual({
      outcome: 'valid',
      expiresAtMs: 1_534_891_778_000,
      claims: {
        aud: 'PoEgXP6uVO45IsENRngDXj5Au5Ya',
        azp: 'PoEgXP6uVO45IsENRngDXj5Au5Ya',
        iss: 'https://localhost:9443/oauth2/token',
        exp: 1_534_891_778,
        iat: 1_534_888_178,
        jti: '1844329c-d65a-48a3-8228-9df73fe83d56',
      },
    })
  })

  it('the WSO2 token has expired today', () => {
    expect(verdictOf(token, todayMs)).toEqual({ outcome: 'expired', message: 'token is expired' })
  })

  it('the WSO2 token was not valid an hour before its time', () => {
    expect(verdictOf(token, validAtMs - 2 * 3_600_000).outcome).toBe('not-yet-valid')
  })

  it.each([
    ['payload', 1],
    ['signature', 2],
  ])('the WSO2 token is refused with any bit of its %s changed', (_name, part) => {
    const bits = Buffer.from(token.split('.')[part] ?? '', 'base64url').length * 8
    for (let bit = 0; bit < bits; bit += 1)
      expect(verdictOf(flipBit(part, bit), validAtMs).outcome).not.toBe('valid')
  })

  it('jose agrees on the WSO2 token', async () => {
    expect(await doesJoseAccept(token, vector.jwks, validAtMs)).toBe(true)
    expect(await doesJoseAccept(token, vector.jwks, todayMs)).toBe(false)
  })
})
