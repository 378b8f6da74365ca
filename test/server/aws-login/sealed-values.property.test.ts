import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkProof } from '../../../src/server/aws-login/check-proof.ts'
import { LoginError } from '../../../src/server/aws-login/login-error.ts'
import { createSealer } from '../../../src/server/aws-login/seal.ts'
import { makeProof, makeProofKey } from '../../support/server/dpop.ts'

const nowMs = 1_796_000_000_000
const sealer = createSealer('a-root-secret-of-some-length-000', () => nowMs)
const endsAtMs = nowMs + 1000
const values = fc.dictionary(fc.string(), fc.string())

it('a sealed value comes back as it was, for its purpose and its root secret alone', () => {
  const other = createSealer('another-root-secret-of-length-00', () => nowMs)
  fc.assert(
    fc.property(values, (value) => {
      const text = sealer.seal('refresh', value, endsAtMs)
      expect(sealer.open('refresh', text)).toEqual({ ...value, endsAtMs })
      expect(sealer.open('access', text)).toBeUndefined()
      expect(other.open('refresh', text)).toBeUndefined()
    }),
  )
})

it('a sealed value is over from its end on, and two of one value are different', () => {
  const text = sealer.seal('access', {}, nowMs)
  expect(sealer.open('access', text)).toBe('over')
  expect(sealer.seal('access', {}, endsAtMs)).not.toBe(sealer.seal('access', {}, endsAtMs))
})

it('a sealed value with any byte changed, cut off or added is read by nobody', () => {
  const bytes = Buffer.from(sealer.seal('refresh', { person: 'ann' }, endsAtMs), 'base64url')
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ change
      const texts = [
        changed,
        bytes.subarray(0, at),
        Buffer.concat([bytes, changed.subarray(0, at + 1)]),
      ]
      for (const each of texts)
        expect(sealer.open('refresh', each.toString('base64url'))).toBeUndefined()
    }),
  )
})

it('no text is a sealed value or a proof, and none is an internal error', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      expect(sealer.open('access', text)).toBeUndefined()
      expect(() => checkProof(text, 'http://127.0.0.1/v1/token', nowMs)).toThrow(LoginError)
    }),
  )
})

it('a proof with any members is accepted or refused, and is no internal error', () => {
  const key = makeProofKey()
  const url = 'http://127.0.0.1/v1/token'
  const header = fc.record({ jwk: fc.jsonValue(), typ: fc.jsonValue() }, { requiredKeys: [] })
  const claims = fc.record(
    { htm: fc.jsonValue(), htu: fc.jsonValue(), iat: fc.jsonValue(), jti: fc.jsonValue() },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(header, claims, (changedHeader, changedClaims) => {
      const changes = {
        header: changedHeader as Readonly<Record<string, unknown>>,
        claims: changedClaims as Readonly<Record<string, unknown>>,
      }
      const proof = makeProof(key, { url, nowMs }, changes)
      try {
        checkProof(proof, url, nowMs)
      } catch (error) {
        expect(error).toBeInstanceOf(LoginError)
      }
    }),
  )
})
