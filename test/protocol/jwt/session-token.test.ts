import { createHmac, createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signSessionToken, verifySessionToken } from '../../../src/protocol/jwt/session-token.ts'
import { encodePart, makeHmacToken, makeToken, signers } from '../../support/tokens.ts'

const secretText = 'a-root-secret-of-some-length-000'
const secret = createSecretKey(secretText, 'utf8')
const content = { sub: 'alice', exp: 5, accessKey: 'AKEY' }
const token = signSessionToken(content, secret)
const [header = '', payload = '', signature = ''] = token.split('.')

describe('session token', () => {
  it('a session token yields its signed claims, expired or not', () => {
    expect(verifySessionToken(token, secret)).toEqual(content)
  })

  it('a session token is HS512 with the secret’s bytes and sorted claims, as in MinIO', () => {
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"HS512","typ":"JWT"}')
    expect(Buffer.from(payload, 'base64url').toString()).toBe(
      '{"accessKey":"AKEY","exp":5,"sub":"alice"}',
    )
    const expected = createHmac('sha512', secretText).update(`${header}.${payload}`)
    expect(signature).toBe(expected.digest('base64url'))
  })

  it.each([
    ['under another secret', signSessionToken(content, createSecretKey('another', 'utf8'))],
    ['with other claims', `${header}.${encodePart({ ...content, sub: 'root' })}.${signature}`],
    ['without a signature', `${header}.${payload}.`],
    ['with a shorter signature', `${header}.${payload}.${signature.slice(0, 43)}`],
    ['of alg none', `${encodePart({ alg: 'none' })}.${payload}.`],
    ['of alg HS256', makeHmacToken(secretText, 'x')],
    ['of an identity provider', makeToken(signers.RS256)],
    ['of garbage', 'x.y.z'],
    ['of nothing', ''],
  ])('a session token %s is refused', (_what, text) => {
    expect(verifySessionToken(text, secret)).toBeUndefined()
  })
})
