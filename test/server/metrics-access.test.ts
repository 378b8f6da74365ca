import { createHmac, createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signSessionToken } from '../../src/protocol/jwt/session-token.ts'
import { createMetricsAccess } from '../../src/server/metrics-access.ts'

const root = { accessKeyId: 'root-user', secretAccessKey: 'a-root-secret-of-some-length-000' }
const nowMs = Date.parse('2026-11-23T16:33:27Z')
const mayRead = createMetricsAccess({ root, nowMs: () => nowMs })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function make(
  claims: Readonly<Record<string, unknown>> = {},
  { secret = root.secretAccessKey, alg = 'HS512', hash = 'sha512' } = {},
): string {
  const whole = { exp: 4_900_000_000, sub: 'root-user', iss: 'prometheus', ...claims }
  const text = `${encode({ alg, typ: 'JWT' })}.${encode(whole)}`
  return `Bearer ${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

describe('metrics from another machine', () => {
  it('are for a token as `mc admin prometheus generate` makes it', () => {
    expect(mayRead(make())).toBe(true)
    expect(mayRead(make().replace('Bearer', 'bearer'))).toBe(true)
  })

  it('are for the token that mc made with these credentials', () => {
    const token =
      'eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwcm9tZXRoZXVzIiwic3ViIjoicm9vdC11c2VyIiwiZXhwIjo0OTQ5MTUyNzI5fQ.4sVm6k887lC1pPm4S6xQIfmyxjbQASoxGZ6r-wKoYoATws5ouwHwr9D1u4l8VNslU8eHuOLhSqbzpTOyoJrBHA'
    expect(mayRead(`Bearer ${token}`)).toBe(true)
    expect(mayRead(`Bearer ${token.slice(0, -2)}HB`)).toBe(false)
  })

  it('are for it until it expires', () => {
    expect(mayRead(make({ exp: nowMs / 1000 + 1 }))).toBe(true)
    expect(mayRead(make({ exp: nowMs / 1000 }))).toBe(false)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no token', 'Bearer '],
    ['another scheme', make().replace('Bearer', 'Basic')],
    ['a token and more', `${make()} x`],
    ['another secret', make({}, { secret: 'another' })],
    ['an empty secret', make({}, { secret: '' })],
    ['another hash', make({}, { alg: 'HS256', hash: 'sha256' })],
    ['no signature', make({}, { alg: 'none' }).replace(/\.[\w-]+$/, '.')],
    ['another key', make({ sub: 'root-use' })],
    ['no key', make({ sub: undefined })],
    ['another use', make({ iss: 'https://idp.example' })],
    ['no use', make({ iss: undefined })],
    ['no end', make({ exp: undefined })],
    ['an end that is no number', make({ exp: '4900000000' })],
    ['claims besides', make({ aud: 'x' })],
  ])('are not for %s', (_what, authorization) => {
    expect(mayRead(authorization)).toBe(false)
  })

  it('are not for a session whose identity provider says the same', () => {
    const claims = { accessKey: 'A', exp: 4_900_000_000, iss: 'prometheus', sub: 'root-user' }
    const token = signSessionToken(claims, createSecretKey(root.secretAccessKey, 'utf8'))
    expect(mayRead(`Bearer ${token}`)).toBe(false)
  })
})
