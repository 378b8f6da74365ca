import { describe, expect, it } from 'vitest'
import { countEntries, importJwks } from '../../../src/protocol/jwt/jwk.ts'
import { doesJoseAccept, keySet, makeToken, signers } from '../../support/tokens.ts'
import { generateKeys } from '../../support/generate-keys.ts'

const good = signers.RS256.publicJwk
const kidsOf = (...keys: unknown[]): unknown => importJwks({ keys })?.map(({ kid }) => kid)
const makeRsa = (modulusLength: number): object =>
  generateKeys('rsa', modulusLength).publicKey.export({ format: 'jwk' })

describe('key set', () => {
  it('a key set yields its usable keys in order with their restrictions', () => {
    expect(importJwks(keySet)).toMatchObject([
      { kid: 'RS256 key', alg: 'RS256', type: 'RSA', curve: undefined },
      { kid: 'PS256 key', alg: 'PS256', type: 'RSA', curve: undefined },
      { kid: 'ES256 key', alg: 'ES256', type: 'EC', curve: 'P-256' },
      { kid: 'EdDSA key', alg: 'EdDSA', type: 'OKP', curve: 'Ed25519' },
    ])
  })

  it.each([undefined, null, 'x', 7, [], {}, { keys: {} }, { keys: 'x' }, [good]])(
    'a key set cannot be %j',
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
    ['a key with an unknown use', { ...good, use: 'SIG' }],
    ['a key with a use that is a list', { ...good, use: ['sig'] }],
    ['a key with a null use', { ...good, use: null }],
    [
      'a key whose operations are for encryption',
      { ...good, use: undefined, key_ops: ['encrypt'] },
    ],
    ['a key whose operations lack verify', { ...good, key_ops: ['sign'] }],
    ['a key with no operations', { ...good, key_ops: [] }],
    ['a key whose operations are a text', { ...good, key_ops: 'verify' }],
    ['a key whose operations are an object', { ...good, key_ops: { 0: 'verify' } }],
    ['a key whose operations are null', { ...good, key_ops: null }],
    ['a key that names an operation twice', { ...good, key_ops: ['verify', 'verify'] }],
    ['a key with an operation that is not a text', { ...good, key_ops: ['verify', 7] }],
    ['a key whose operations contradict its use', { ...good, key_ops: ['verify', 'encrypt'] }],
    ['a key with an alg that is not a text', { ...good, alg: ['RS256'] }],
    ['a key with a kid that is not a text', { ...good, kid: 7 }],
    ['an RSA key with the type EC', { ...good, kty: 'EC', crv: 'P-256' }],
    ['an Ed25519 key with the type EC', { ...signers.EdDSA.publicJwk, kty: 'EC' }],
    ['an EC key with the curve Ed25519', { ...signers.ES256.publicJwk, crv: 'Ed25519' }],
    ['an EC key with another curve’s name', { ...signers.ES256.publicJwk, crv: 'P-384' }],
    ['an RSA key with the exponent 1', { ...good, e: 'AQ' }],
    ['an RSA key with an even exponent', { ...good, e: 'AQAA' }],
    ['an RSA key with a prime', { ...good, p: 'AQAB' }],
    ['a public key with a symmetric key', { ...good, k: 'c2VjcmV0' }],
    ['a key without its modulus', { ...good, n: undefined }],
    ['a key with a numeric modulus', { ...good, n: 7 }],
    ['a point outside its curve', { ...signers.ES256.publicJwk, x: 'AAAA' }],
    ['a curve that is not supported', { ...signers.ES256.publicJwk, crv: 'secp256k1' }],
    ['a key for key agreement', { kty: 'OKP', crv: 'X25519', x: signers.EdDSA.publicJwk['x'] }],
    ['an RSA key of 1,024 bits', makeRsa(1024)],
    ['an unknown type', { ...good, kty: 'none' }],
  ])('a key set ignores %s and keeps the rest', (_what, entry) => {
    expect(kidsOf(entry, { ...good, kid: 'good' })).toEqual(['good'])
  })

  it('a key set keeps a key without kid, use and alg', () => {
    const { n, e, kty } = good
    expect(importJwks({ keys: [{ n, e, kty }] })).toMatchObject([
      { kid: undefined, alg: undefined, type: 'RSA' },
    ])
  })

  it('a key set keeps the first of two keys of different types with one kid', () => {
    const keys = importJwks({ keys: [good, { ...signers.ES256.publicJwk, kid: good.kid }] })
    expect(keys).toMatchObject([{ type: 'RSA' }])
  })

  it.each([
    ['the same key twice', good, good],
    ['two keys of one kind', good, { ...makeRsa(2048), kid: good.kid }],
    ['a key for any algorithm and one for RS256', { ...good, alg: undefined }, good],
    ['a good key and one that is too weak', good, { ...makeRsa(1024), kid: good.kid }],
  ])('a key set uses neither of %s under one kid, like jose', async (_what, one, other) => {
    const keys = [one, other] as (typeof good)[]
    expect(importJwks({ keys })).toEqual([])
    expect(await doesJoseAccept(makeToken(signers.RS256), { keys })).toBe(false)
  })

  it('a key set keeps a key whose operations include verify', () => {
    for (const key_ops of [['verify'], ['verify', 'sign']])
      expect(kidsOf({ ...good, key_ops })).toEqual([good.kid])
    expect(kidsOf({ ...good, use: undefined, key_ops: ['encrypt', 'verify'] })).toEqual([good.kid])
  })

  it('a key set ignores a key that is published with its private half', () => {
    const { privateKey } = generateKeys('ed25519')
    const published = { ...privateKey.export({ format: 'jwk' }), kid: 'published' }
    expect(kidsOf(published, good)).toEqual([good.kid])
    expect(countEntries({ keys: [published, good] })).toEqual({ entries: 2, privateKeys: 1 })
  })

  it('a key set is read up to 256 entries', () => {
    const keys = Array.from({ length: 300 }, (_, index) => ({ ...good, kid: `k${index}` }))
    expect(importJwks({ keys })).toHaveLength(256)
  })
})
