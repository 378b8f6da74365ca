/** Checks a proof of DPoP: that whoever sends a request has the private key of the login (RFC 9449 §4.3). */
import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { isObject, readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { hash } from '../../protocol/digest.ts'
import { splitJwt } from '../../protocol/jwt/decode-jwt.ts'
import { refuseSignIn, type LoginError } from './login-error.ts'

export interface Proof {
  /** The thumbprint of the key (RFC 7638), to which a refresh token is bound. */
  readonly thumbprint: string
  /** Names this proof; it may be used once. */
  readonly id: string
  /** From then on it would be refused for its age. */
  readonly endsAtMs: number
}

/** Clocks of laptops differ by minutes. */
const windowMs = 5 * 60 * 1000
const maxProofBytes = 4096

/**
 * Checks a proof's form, signature, method, address and time. Whether it was used before, its caller asks.
 *
 * @param url The address as the client sees it, to which the proof must be made.
 * @throws {LoginError} `INVALID_REQUEST` naming what is wrong.
 */
export function checkProof(text: string, url: string, nowMs: number): Proof {
  const jwt = splitJwt(text, maxProofBytes)
  if (jwt === undefined) throw wrongProof('is not a JWT')
  const { header, claims } = jwt
  if (readString(header, 'typ') !== 'dpop+jwt') throw wrongProof('is not of the type dpop+jwt')
  if (readString(header, 'alg') !== 'ES256') throw wrongProof('is not signed with ES256')
  if (header['crit'] !== undefined || header['b64'] !== undefined)
    throw wrongProof('has critical extensions, which are not supported')
  const { key, thumbprint } = readKey(header['jwk'])
  const signed = { key, dsaEncoding: 'ieee-p1363' } as const
  if (!verify('sha256', Buffer.from(jwt.signedText), signed, jwt.signature))
    throw wrongProof('has a signature that is not of its key')
  if (readString(claims, 'htm') !== 'POST') throw wrongProof('is not for the method POST')
  checkAddress(claims, url)
  const issuedAtMs = (readNumber(claims, 'iat') ?? Number.NaN) * 1000
  if (!(Math.abs(issuedAtMs - nowMs) <= windowMs))
    throw wrongProof('is not of this time (iat): check the clock')
  const jti = readString(claims, 'jti') ?? ''
  if (jti === '' || jti.length > 256) throw wrongProof('has no jti')
  const id = hash('sha256', `${thumbprint} ${jti}`).toString('base64url')
  return { thumbprint, id, endsAtMs: issuedAtMs + windowMs + 1000 }
}

/** Compares addresses without query and fragment (RFC 9449 §4.3), and in the spelling of the URL standard. */
function checkAddress(claims: JsonObject, url: string): void {
  const text = readString(claims, 'htu') ?? ''
  if (URL.canParse(text)) {
    const { origin, pathname } = new URL(text)
    const own = new URL(url)
    if (origin === own.origin && pathname === own.pathname) return
  }
  throw wrongProof(`is not for ${url} (htu)`)
}

/** Reads a public key of P-256. One with a private part is refused: it is no secret any more. */
function readKey(value: unknown): { key: KeyObject; thumbprint: string } {
  const jwk = isObject(value) ? value : {}
  const [x, y] = [readString(jwk, 'x') ?? '', readString(jwk, 'y') ?? '']
  const isOfCurve = readString(jwk, 'kty') === 'EC' && readString(jwk, 'crv') === 'P-256'
  if (!isOfCurve || jwk['d'] !== undefined || !isCoordinate(x) || !isCoordinate(y))
    throw wrongProof('has no public key of P-256 (jwk)')
  try {
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
    // The members in this order, without spaces (RFC 7638 §3).
    const text = JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })
    return { key, thumbprint: hash('sha256', text).toString('base64url') }
  } catch (cause) {
    throw wrongProof('has a key that is no point of P-256', cause)
  }
}

function isCoordinate(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

function wrongProof(what: string, cause?: unknown): LoginError {
  const error = refuseSignIn('INVALID_REQUEST', `the DPoP proof ${what}`)
  if (cause !== undefined) error.cause = cause
  return error
}
