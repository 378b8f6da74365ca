import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StsCliError } from '../../../src/base/errors.ts'
import { decodeJwt, maxTokenBytes, splitJwt } from '../../../src/protocol/jwt/decode-jwt.ts'
import { claims, encodePart, makeToken, signers } from '../../support/tokens.ts'

const token = makeToken(signers.RS256)
const [header = '', payload = '', signature = ''] = token.split('.')

describe('decoded JWT', () => {
  it('decodeJwt() splits a token into header, claims, signed text and signature', () => {
    expect(decodeJwt(token)).toEqual({
      header: { alg: 'RS256', kid: 'RS256 key', typ: 'JWT' },
      claims,
      signedText: `${header}.${payload}`,
      signature: Buffer.from(signature, 'base64url'),
    })
  })

  it('splitJwt() accepts an unsigned token, since it verifies nothing', () => {
    expect(splitJwt(`${header}.${payload}.`)?.signature).toHaveLength(0)
  })

  it('decodeJwt() accepts a token longer than a server verifies', () => {
    const long = makeToken(signers.RS256, { pad: 'x'.repeat(maxTokenBytes) })
    expect(splitJwt(long)).toBeUndefined()
    expect(decodeJwt(long).claims).toHaveProperty('pad')
  })

  it('splitJwt() takes exactly the spellings of a signature that encoding its bytes again gives', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    const text = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(text, (spelling) => {
        const isCanonical = Buffer.from(spelling, 'base64url').toString('base64url') === spelling
        expect(splitJwt(`${header}.${payload}.${spelling}`) !== undefined).toBe(isCanonical)
      }),
    )
  })

  it('splitJwt() reads the header of each token, also between tokens of another key', () => {
    const other = makeToken(signers.ES256)
    for (const [text, alg] of [
      [token, 'RS256'],
      [other, 'ES256'],
      [token, 'RS256'],
      [token, 'RS256'],
    ] as const)
      expect(splitJwt(text)?.header).toHaveProperty('alg', alg)
  })

  it('splitJwt() keeps a claim named __proto__ a claim', () => {
    const odd = `${header}.${encodePart('{"__proto__":{"sub":"root"}}')}.${signature}`
    expect(splitJwt(odd)?.claims['sub']).toBeUndefined()
  })
})

describe('invalid JWT', () => {
  const opaque = '2f1c0f6a-secret-opaque-token'

  it.each([
    ['an opaque token', opaque],
    ['a JWE', 'a.b.c.d.e'],
    ['a header that is a list', `${encodePart('[]')}.${payload}.${signature}`],
    ['claims that are null', `${header}.${encodePart('null')}.${signature}`],
    ['an empty payload', `${header}..${signature}`],
    ['a signature with padding', `${token}=`],
    ['a signature with spare bits set', `${header}.${payload}.AB`],
    ['a text over 256 KiB', 'x'.repeat(256 * 1024 + 1)],
  ])('decodeJwt() refuses %s', (_what, text) => {
    expect(() => decodeJwt(text)).toThrow(StsCliError)
    expect(() => decodeJwt(text)).toThrow(expect.objectContaining({ code: 'ERR_DATA' }))
  })

  it('the error of decodeJwt() never repeats the token', () => {
    expect(() => decodeJwt(opaque)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') as unknown }),
    )
  })
})
