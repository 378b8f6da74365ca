import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { countEntries, importJwks } from '../../../src/protocol/jwt/jwk.ts'
import { keySet, signers } from './tokens.ts'

const good = signers.RS256.publicJwk
const kidsOf = (...keys: unknown[]): unknown => importJwks({ keys })?.map(({ kid }) => kid)
const makeRsa = (modulusLength: number): object =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })

describe('a key set', () => {
  it('gives its usable keys in order with what binds them', () => {
    expect(importJwks(keySet)).toMatchObject([
      { kid: 'RS256 key', alg: 'RS256', type: 'RSA', curve: undefined },
      { kid: 'PS256 key', alg: 'PS256', type: 'RSA', curve: undefined },
      { kid: 'ES256 key', alg: 'ES256', type: 'EC', curve: 'P-256' },
      { kid: 'EdDSA key', alg: 'EdDSA', type: 'OKP', curve: 'Ed25519' },
    ])
  })

  it.each([undefined, null, 'x', 7, [], {}, { keys: {} }, { keys: 'x' }, [good]])(
    'is not %j',
    (json) => {
      expect(importJwks(json)).toBeUndefined()
    },
  )

  it.each([
    ['null', null],
    ['a text', 'x'],
    ['an empty object', {}],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'x' }],
    ['a key for encryption', { ...good, use: 'enc' }],
    ['a key without its modulus', { ...good, n: undefined }],
    ['a key with a modulus of numbers', { ...good, n: 7 }],
    ['a point that is not on its curve', { ...signers.ES256.publicJwk, x: 'AAAA' }],
    ['a curve that we do not verify', { ...signers.ES256.publicJwk, crv: 'secp256k1' }],
    ['a key for key agreement', { kty: 'OKP', crv: 'X25519', x: signers.EdDSA.publicJwk['x'] }],
    ['an RSA key of 1,024 bits', makeRsa(1024)],
    ['an unknown type', { ...good, kty: 'none' }],
  ])('leaves out %s and keeps the rest', (_what, entry) => {
    expect(kidsOf(entry, { ...good, kid: 'good' })).toEqual(['good'])
  })

  it('keeps a key without kid, use and alg', () => {
    const { n, e, kty } = good
    expect(importJwks({ keys: [{ n, e, kty }] })).toMatchObject([
      { kid: undefined, alg: undefined, type: 'RSA' },
    ])
  })

  it('keeps the first of two keys with one kid', () => {
    const keys = importJwks({ keys: [good, { ...signers.ES256.publicJwk, kid: good.kid }] })
    expect(keys).toMatchObject([{ type: 'RSA' }])
  })

  it('leaves out a key whose private half it publishes', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const published = { ...privateKey.export({ format: 'jwk' }), kid: 'published' }
    expect(kidsOf(published, good)).toEqual([good.kid])
    expect(countEntries({ keys: [published, good] })).toEqual({ entries: 2, privateKeys: 1 })
  })

  it('reads at most 256 entries', () => {
    const keys = Array.from({ length: 300 }, (_, index) => ({ ...good, kid: `k${index}` }))
    expect(importJwks({ keys })).toHaveLength(256)
  })
})
