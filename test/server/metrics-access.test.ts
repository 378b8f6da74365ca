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

describe('metrics for other machines', () => {
  it('metrics are allowed with a token of the form that `mc admin prometheus generate` makes', () => {
    expect(mayRead(make())).toBe(true)
    expect(mayRead(make().replace('Bearer', 'bearer'))).toBe(true)
  })

  it('metrics are allowed with a token that mc made with these credentials', () => {
    const token =
      'eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwcm9tZXRoZXVzIiwic3ViIjoicm9vdC11c2VyIiwiZXhwIjo0OTQ5MTUyNzI5fQ.4sVm6k887lC1pPm4S6xQIfmyxjbQASoxGZ6r-wKoYoATws5ouwHwr9D1u4l8VNslU8eHuOLhSqbzpTOyoJrBHA'
    expect(mayRead(`Bearer ${token}`)).toBe(true)
    expect(mayRead(`Bearer ${token.slice(0, -2)}HB`)).toBe(false)
  })

  it('metrics are allowed until the token expires', () => {
    expect(mayRead(make({ exp: nowMs / 1000 + 1 }))).toBe(true)
    expect(mayRead(make({ exp: nowMs / 1000 }))).toBe(false)
  })

  it.each<[string, string]>([
    ['an empty header', ''],
    ['no token', 'Bearer '],
    ['another scheme', make().replace('Bearer', 'Basic')],
    ['text after the token', `${make()} x`],
    ['another secret', make({}, { secret: 'another' })],
    ['an empty secret', make({}, { secret: '' })],
    ['another hash', make({}, { alg: 'HS256', hash: 'sha256' })],
    ['no signature', make({}, { alg: 'none' }).replace(/\.[\w-]+$/, '.')],
    ['another access key', make({ sub: 'root-use' })],
    ['no access key', make({ sub: undefined })],
    ['another issuer', make({ iss: 'https://idp.example' })],
    ['no issuer', make({ iss: undefined })],
    ['no expiry', make({ exp: undefined })],
    ['an expiry that is not a number', make({ exp: '4900000000' })],
    ['additional claims', make({ aud: 'x' })],
  ])('metrics are refused with %s', (_what, authorization) => {
    expect(mayRead(authorization)).toBe(false)
  })

  it('metrics are refused with a session token whose identity provider makes the same claims', () => {
    const claims = { accessKey: 'A', exp: 4_900_000_000, iss: 'prometheus', sub: 'root-user' }
    const token = signSessionToken(claims, createSecretKey(root.secretAccessKey, 'utf8'))
    expect(mayRead(`Bearer ${token}`)).toBe(false)
  })
})
