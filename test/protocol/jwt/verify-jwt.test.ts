import { describe, expect, it } from 'vitest'
import { verifyJwt, type FindKey, type JwtVerdict } from '../../../src/protocol/jwt/verify-jwt.ts'
import {
  allSigners,
  claims,
  doesJoseAccept,
  encodePart,
  findIn,
  keySet,
  makeHmacToken,
  makeToken,
  nowMs,
  nowSeconds,
  signers,
  type Members,
} from '../../support/tokens.ts'

const findKey = findIn(keySet)

function verdictOf(token: string, find: FindKey = findKey): JwtVerdict {
  return verifyJwt(token, find, { nowMs, clockToleranceSeconds: 0 })
}

const [rsHeader = '', rsClaims = '', rsSignature = ''] = makeToken(signers.RS256).split('.')
const [, esClaims = '', esSignature = ''] = makeToken(signers.ES256).split('.')

function changeFirst(text: string): string {
  return (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
}

const { RS256, PS256, ES256, EdDSA } = signers
const pem = RS256.publicKey.export({ format: 'pem', type: 'spki' })
const der = RS256.publicKey.export({ format: 'der', type: 'spki' })

const cases: readonly (readonly [string, string, JwtVerdict['outcome']])[] = [
  ...allSigners.flatMap((signer) => {
    const { alg } = signer
    const [header = '', payload = '', signature = ''] = makeToken(signer).split('.')
    return [
      [`${alg}: valid`, makeToken(signer), 'valid'],
      [`${alg}: expired`, makeToken(signer, { exp: nowSeconds - 1 }), 'expired'],
      [`${alg}: expiring this second`, makeToken(signer, { exp: nowSeconds }), 'expired'],
      [`${alg}: good for a second`, makeToken(signer, { exp: nowSeconds + 1 }), 'valid'],
      [`${alg}: not valid yet`, makeToken(signer, { nbf: nowSeconds + 1 }), 'not-yet-valid'],
      [`${alg}: valid from now`, makeToken(signer, { nbf: nowSeconds }), 'valid'],
      [
        `${alg}: another payload`,
        `${header}.${encodePart({ ...claims, sub: 'root' })}.${signature}`,
        'bad-signature',
      ],
      [
        `${alg}: another header`,
        `${encodePart({ kid: signer.kid, alg })}.${payload}.${signature}`,
        'bad-signature',
      ],
      [
        `${alg}: another signature`,
        `${header}.${payload}.${changeFirst(signature)}`,
        'bad-signature',
      ],
      [`${alg}: no signature`, `${header}.${payload}.`, 'bad-signature'],
      [`${alg}: unknown kid`, makeToken(signer, {}, { kid: 'nobody' }), 'unknown-key'],
      [`${alg}: no kid among several keys`, makeToken(signer, {}, { kid: 7 }), 'unknown-key'],
    ] as const
  }),
  ['alg none', `${encodePart({ alg: 'none' })}.${rsClaims}.`, 'unsupported-alg'],
  [
    'alg none, signed',
    `${encodePart({ alg: 'none', kid: RS256.kid })}.${rsClaims}.${rsSignature}`,
    'unsupported-alg',
  ],
  ['alg NONE', `${encodePart({ alg: 'NONE' })}.${rsClaims}.`, 'unsupported-alg'],
  ['no alg', makeToken(RS256, {}, { alg: undefined }), 'unsupported-alg'],
  ['alg a list', makeToken(RS256, {}, { alg: ['RS256'] }), 'unsupported-alg'],
  ['alg of the prototype', makeToken(RS256, {}, { alg: 'constructor' }), 'unsupported-alg'],
  ['HS256 with the public key as PEM', makeHmacToken(pem, RS256.kid), 'unsupported-alg'],
  ['HS256 with the public key as DER', makeHmacToken(der, RS256.kid), 'unsupported-alg'],
  ['HS256 with nothing', makeHmacToken('', RS256.kid), 'unsupported-alg'],
  ['RS256 under the kid of PS256', makeToken(RS256, {}, { kid: PS256.kid }), 'bad-signature'],
  ['PS256 under the kid of RS256', makeToken(PS256, {}, { kid: RS256.kid }), 'bad-signature'],
  ['RS256 under the kid of ES256', makeToken(RS256, {}, { kid: ES256.kid }), 'bad-signature'],
  ['ES256 under the kid of EdDSA', makeToken(ES256, {}, { kid: EdDSA.kid }), 'bad-signature'],
  ['EdDSA called ES256', makeToken(EdDSA, {}, { alg: 'ES256', kid: ES256.kid }), 'bad-signature'],
  ['RS256 called RS512', makeToken(RS256, {}, { alg: 'RS512' }), 'bad-signature'],
  ['the signature of another token', `${rsHeader}.${rsClaims}.${esSignature}`, 'bad-signature'],
  ['the payload of another token', `${rsHeader}.${esClaims}x.${rsSignature}`, 'malformed'],
  ['no exp', makeToken(RS256, { exp: undefined }), 'malformed'],
  ['an exp of text', makeToken(RS256, { exp: '9999999999' }), 'malformed'],
  ['an nbf of text', makeToken(RS256, { nbf: 'now' }), 'malformed'],
  ['an nbf of null', makeToken(RS256, { nbf: null }), 'malformed'],
  ['an iat of text', makeToken(RS256, { iat: 'now' }), 'malformed'],
  ['a critical extension', makeToken(RS256, {}, { crit: ['exp'], exp: 1 }), 'malformed'],
  ['an unencoded payload', makeToken(RS256, {}, { crit: ['b64'], b64: false }), 'malformed'],
  ['nothing', '', 'malformed'],
  ['dots', '..', 'malformed'],
  ['one word', 'garbage', 'malformed'],
  ['two parts', `${rsHeader}.${rsClaims}`, 'malformed'],
  ['four parts', `${rsHeader}.${rsClaims}.${rsSignature}.x`, 'malformed'],
  ['five parts', `${rsHeader}.x.x.x.x`, 'malformed'],
  ['padding', `${rsHeader}=.${rsClaims}.${rsSignature}`, 'malformed'],
  ['plain base64', `${rsHeader}.+/+/.${rsSignature}`, 'malformed'],
  ['a space', ` ${makeToken(RS256)}`, 'malformed'],
  ['claims that are a list', `${rsHeader}.${encodePart('[1]')}.${rsSignature}`, 'malformed'],
  ['a header that is not JSON', `${encodePart('{')}.${rsClaims}.${rsSignature}`, 'malformed'],
  ['more than 16 KiB', makeToken(RS256, { pad: 'x'.repeat(16 * 1024) }), 'malformed'],
]

describe('verdicts of verifyJwt() and jose', () => {
  it.each(cases)('jose agrees on a token with %s', async (name, token, outcome) => {
    expect(verdictOf(token).outcome).toBe(outcome)
    // The length limit protects a server; jose has none.
    if (name === 'more than 16 KiB') return
    expect(await doesJoseAccept(token, keySet)).toBe(outcome === 'valid')
  })

  it('jose agrees on a token without kid if there is only one key', async () => {
    for (const signer of allSigners) {
      const only = { keys: [signer.publicJwk] }
      const token = makeToken(signer, {}, { kid: undefined })
      expect(verdictOf(token, findIn(only)).outcome).toBe('valid')
      expect(await doesJoseAccept(token, only)).toBe(true)
    }
  })
})

describe('valid token', () => {
  it('a valid token yields its claims and its expiry', () => {
    expect(verdictOf(makeToken(RS256))).toEqual({
      outcome: 'valid',
      claims,
      expiresAtMs: (nowSeconds + 3600) * 1000,
    })
  })

  it.each([
    ['nbf', 60, 'valid'],
    ['nbf', 61, 'not-yet-valid'],
    ['iat', 60, 'valid'],
    ['iat', 61, 'not-yet-valid'],
    ['exp', 0, 'expired'],
  ])('a time may be ahead by the tolerance: %s in %i s is %s', (name, ahead, outcome) => {
    const token = makeToken(RS256, { [name]: nowSeconds + ahead })
    const checks = { nowMs, clockToleranceSeconds: 60 }
    expect(verifyJwt(token, findKey, checks).outcome).toBe(outcome)
  })
})

describe('refusal of a token', () => {
  const messageOf = (token: string): string => {
    const verdict = verdictOf(token)
    return verdict.outcome === 'valid' ? 'valid' : verdict.message
  }

  it.each<readonly [string, Members, Members, string]>([
    ['expiry', { exp: 1 }, {}, 'token is expired'],
    ['a missing exp', { exp: undefined }, {}, 'claim exp is missing'],
    ['an unknown key', {}, { kid: 'k1' }, 'no JWKS key with kid k1'],
    ['a missing kid', {}, { kid: undefined }, 'token names no key (kid)'],
    ['an algorithm', {}, { alg: 'HS256' }, 'token algorithm HS256 is not accepted'],
  ])('the refusal of %s has a standard message', (_what, changed, header, message) => {
    expect(messageOf(makeToken(RS256, changed, header))).toBe(message)
  })

  it('a refusal shows only a printable beginning of a kid', () => {
    const message = messageOf(makeToken(RS256, {}, { kid: `\u001b[31m${'x'.repeat(500)}` }))
    expect(message).toMatch(/^no JWKS key with kid \?\[31mx+$/)
    expect(message.length).toBeLessThan(120)
  })

  it('a refusal reveals no times to a forger', () => {
    const [header, , signature] = makeToken(RS256, { exp: 1 }).split('.')
    const token = `${header ?? ''}.${encodePart({ exp: 1 })}.${changeFirst(signature ?? '')}`
    expect(verdictOf(token).outcome).toBe('bad-signature')
  })
})
