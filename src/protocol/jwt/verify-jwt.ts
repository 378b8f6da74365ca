/**
 * Verifies an identity provider's token on the server's hot path: with node:crypto and cached key objects, for a third of the cost of jose
 * a request. A parity test compares the verdicts with jose's.
 */
import { constants, verify, type SigningOptions } from 'node:crypto'
import { readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { splitJwt, type DecodedJwt } from './decode-jwt.ts'
import type { JwtKey } from './jwk.ts'

interface Algorithm {
  readonly type: JwtKey['type']
  readonly digest: string | undefined
  readonly curve?: string
  readonly options?: SigningOptions
}

const pss = (saltLength: number): SigningOptions => ({
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength,
})
// JOSE signatures are the two integers side by side (RFC 7518 §3.4), not DER.
const ecdsa = { dsaEncoding: 'ieee-p1363' } as const

/** The supported algorithms and the one kind of key for each: the token alone never selects the algorithm (RFC 8725 §3.1). */
const algorithms: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['RS256', { type: 'RSA', digest: 'sha256' }],
  ['RS384', { type: 'RSA', digest: 'sha384' }],
  ['RS512', { type: 'RSA', digest: 'sha512' }],
  ['PS256', { type: 'RSA', digest: 'sha256', options: pss(32) }],
  ['PS384', { type: 'RSA', digest: 'sha384', options: pss(48) }],
  ['PS512', { type: 'RSA', digest: 'sha512', options: pss(64) }],
  ['ES256', { type: 'EC', digest: 'sha256', curve: 'P-256', options: ecdsa }],
  ['ES384', { type: 'EC', digest: 'sha384', curve: 'P-384', options: ecdsa }],
  ['ES512', { type: 'EC', digest: 'sha512', curve: 'P-521', options: ecdsa }],
  ['EdDSA', { type: 'OKP', digest: undefined, curve: 'Ed25519' }],
])

export type JwtVerdict =
  | { readonly outcome: 'valid'; readonly claims: JsonObject; readonly expiresAtMs: number }
  | {
      readonly outcome:
        | 'expired'
        | 'not-yet-valid'
        | 'bad-signature'
        | 'unknown-key'
        | 'unsupported-alg'
        | 'malformed'
      /** A standard message; contains no part of the token except its `kid` and `alg`. */
      readonly message: string
    }

/** Finds the key for a token's `kid`; without a kid, the only key of the set. */
export type FindKey = (kid: string | undefined) => JwtKey | undefined

export interface JwtChecks {
  readonly nowMs: number
  /** How far ahead `nbf` and `iat` may be, since clocks differ. `exp` has no tolerance. */
  readonly clockToleranceSeconds: number
}

/** Checks form, algorithm and signature before the times: a forger never learns whether a token has expired. */
export function verifyJwt(token: string, findKey: FindKey, checks: JwtChecks): JwtVerdict {
  const decoded = splitJwt(token)
  if (decoded === undefined) return { outcome: 'malformed', message: 'token is not a JWT' }
  const alg = readString(decoded.header, 'alg') ?? ''
  const algorithm = algorithms.get(alg)
  if (algorithm === undefined) {
    return {
      outcome: 'unsupported-alg',
      message: `token algorithm ${printable(alg)} is not accepted`,
    }
  }
  if (decoded.header['crit'] !== undefined || decoded.header['b64'] !== undefined) {
    return {
      outcome: 'malformed',
      message: 'token header has critical extensions, which are not supported',
    }
  }
  const kid = readString(decoded.header, 'kid')
  const key = findKey(kid)
  if (key === undefined) {
    return {
      outcome: 'unknown-key',
      message:
        kid === undefined ? 'token names no key (kid)' : `no JWKS key with kid ${printable(kid)}`,
    }
  }
  if (!isKeyFor(key, alg, algorithm) || !isSignatureValid(decoded, key, algorithm)) {
    return {
      outcome: 'bad-signature',
      message: 'token signature does not match the identity provider’s key',
    }
  }
  return checkTimes(decoded.claims, checks)
}

function isKeyFor(key: JwtKey, alg: string, algorithm: Algorithm): boolean {
  return (
    key.type === algorithm.type &&
    key.curve === algorithm.curve &&
    (key.alg === undefined || key.alg === alg)
  )
}

function isSignatureValid(decoded: DecodedJwt, key: JwtKey, algorithm: Algorithm): boolean {
  try {
    const data = Buffer.from(decoded.signedText, 'latin1')
    const { options } = algorithm
    const keyAndOptions = options === undefined ? key.key : { key: key.key, ...options }
    return verify(algorithm.digest, data, keyAndOptions, decoded.signature)
  } catch {
    return false
  }
}

function checkTimes(claims: JsonObject, checks: JwtChecks): JwtVerdict {
  const exp = readNumber(claims, 'exp')
  if (exp === undefined) return { outcome: 'malformed', message: 'claim exp is missing' }
  if (checks.nowMs >= exp * 1000) return { outcome: 'expired', message: 'token is expired' }
  const latestMs = checks.nowMs + checks.clockToleranceSeconds * 1000
  for (const name of ['nbf', 'iat']) {
    if (claims[name] === undefined) continue
    const seconds = readNumber(claims, name)
    if (seconds === undefined)
      return { outcome: 'malformed', message: `claim ${name} is not a number` }
    if (seconds * 1000 > latestMs)
      return { outcome: 'not-yet-valid', message: `token is not valid yet (${name})` }
  }
  return { outcome: 'valid', claims, expiresAtMs: exp * 1000 }
}

function printable(text: string): string {
  return text === '' ? '(none)' : text.slice(0, 80).replaceAll(/[^\u0020-\u007e]/g, '?')
}
