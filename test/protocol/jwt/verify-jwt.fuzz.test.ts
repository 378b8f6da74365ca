import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JWK } from '../../../src/base/jose.ts'
import { verifyJwt } from '../../../src/protocol/jwt/verify-jwt.ts'
import {
  allSigners,
  doesJoseAccept,
  findIn,
  keySet,
  makeToken,
  nowMs,
  nowSeconds,
  signers,
  type Members,
} from '../../support/tokens.ts'

const findKey = findIn(keySet)
const isAcceptedHere = (token: string): boolean =>
  verifyJwt(token, findKey, { nowMs, clockToleranceSeconds: 0 }).outcome === 'valid'

/** Tells whether a token has a second spelling: the last character of base64url may have spare bits. */
function isRespelled(token: string): boolean {
  const signature = token.split('.')[2] ?? ''
  return Buffer.from(signature, 'base64url').toString('base64url') !== signature
}

async function expectSameVerdict(token: string): Promise<void> {
  const isAcceptedByJose = await doesJoseAccept(token, keySet)
  // The verifier accepts only one spelling of a signature.
  expect(isAcceptedHere(token)).toBe(isAcceptedByJose && !isRespelled(token))
}

const tokens = allSigners.map((signer) => makeToken(signer))
const character = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('.', '=', '+', '/', ' ', '\n', '\u0000', 'é') },
)
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('modified token', () => {
  it('verifyJwt() agrees with jose on a token with one character replaced', async () => {
    const change = fc.tuple(fc.constantFrom(...tokens), place, character)
    await fc.assert(
      fc.asyncProperty(change, async ([token, where, replacement]) => {
        const at = Math.floor(where * token.length)
        await expectSameVerdict(token.slice(0, at) + replacement + token.slice(at + 1))
      }),
      { numRuns: 300 },
    )
  })

  it('verifyJwt() agrees with jose on a token with its last character replaced, except another spelling', async () => {
    const change = fc.tuple(fc.constantFrom(...tokens), character)
    await fc.assert(
      fc.asyncProperty(change, async ([token, replacement]) => {
        await expectSameVerdict(token.slice(0, -1) + replacement)
      }),
      { numRuns: 300 },
    )
  })

  it('verifyJwt() agrees with jose on a token with a piece removed, doubled or inserted', async () => {
    const pick = fc.tuple(
      fc.constantFrom(...tokens),
      place,
      fc.nat(20),
      fc.string({ unit: character }),
    )
    await fc.assert(
      fc.asyncProperty(pick, async ([token, where, length, inserted]) => {
        const at = Math.floor(where * token.length)
        await expectSameVerdict(token.slice(0, at) + inserted + token.slice(at + length))
      }),
      { numRuns: 300 },
    )
  })

  it('verifyJwt() agrees with jose on a token with parts of several tokens', async () => {
    const part = fc.nat(2)
    const pick = fc.tuple(...[0, 1, 2].map(() => fc.tuple(fc.constantFrom(...tokens), part)))
    await fc.assert(
      fc.asyncProperty(pick, async (parts) => {
        await expectSameVerdict(parts.map(([token, at]) => token.split('.')[at]).join('.'))
      }),
    )
  })
})

describe('signed token', () => {
  const seconds = fc.integer({ min: nowSeconds - 3, max: nowSeconds + 3 })
  const oddity = fc.constantFrom<unknown>(null, '', '9', true, [], {}, -1, 0, 1.5, 1e300)
  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(value, { nil: undefined })

  const anyClaims: fc.Arbitrary<Members> = fc.record({
    exp: fc.oneof({ weight: 3, arbitrary: seconds }, oddity),
    nbf: optional(fc.oneof({ weight: 3, arbitrary: seconds }, oddity)),
    sub: optional(fc.string()),
  })
  const anyHeader: fc.Arbitrary<Members> = fc.oneof(
    fc.constant({}),
    fc.record({
      alg: fc.constantFrom('RS256', 'RS384', 'PS256', 'ES256', 'EdDSA', 'none', 'HS256', 'x'),
      kid: fc.constantFrom(...allSigners.map(({ kid }) => kid), 'nobody'),
    }),
    fc.record({ typ: fc.anything({ maxDepth: 1 }), crit: optional(oddity) }, { requiredKeys: [] }),
  )

  it('verifyJwt() agrees with jose on any times and headers', async () => {
    const signer = fc.constantFrom(...Object.values(signers))
    await fc.assert(
      fc.asyncProperty(signer, anyClaims, anyHeader, async (by, changed, header) => {
        await expectSameVerdict(makeToken(by, changed, header))
      }),
      { numRuns: 400 },
    )
  })
})

describe('key with arbitrary members', () => {
  const operation = fc.constantFrom<unknown>('verify', 'sign', 'encrypt', 'wrapKey', '', 7, null)
  const oddity = fc.constantFrom<unknown>(null, '', 'verify', 'sig', 'enc', 7, true, [], {})
  const said: fc.Arbitrary<Members> = fc.record(
    {
      use: fc.oneof(fc.constantFrom('sig', 'enc', 'SIG'), oddity),
      key_ops: fc.oneof({ weight: 4, arbitrary: fc.array(operation, { maxLength: 3 }) }, oddity),
      alg: fc.oneof(fc.constantFrom('RS256', 'PS256', 'ES256', 'RSA-OAEP'), oddity),
      kid: fc.oneof(fc.constantFrom(...allSigners.map(({ kid }) => kid)), oddity),
      kty: fc.constantFrom('RSA', 'EC', 'OKP', 'oct', 'none'),
      crv: fc.constantFrom('P-256', 'P-384', 'Ed25519', 'X25519'),
      ext: oddity,
    },
    { requiredKeys: [] },
  )

  it('verifyJwt() accepts no token by a key that jose would refuse', async () => {
    const pick = fc.tuple(fc.constantFrom(...allSigners), fc.array(said, { maxLength: 2 }))
    await fc.assert(
      fc.asyncProperty(pick, async ([signer, others]) => {
        const keys = others.map((each) => ({ ...signer.publicJwk, ...each })) as JWK[]
        const token = makeToken(signer)
        const ours = verifyJwt(token, findIn({ keys }), { nowMs, clockToleranceSeconds: 0 })
        if (ours.outcome === 'valid') expect(await doesJoseAccept(token, { keys })).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
