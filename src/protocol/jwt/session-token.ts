/** Session tokens: JWTs that only this server issues and reads, HS512 under the root secret as in MinIO (docs/wire.md §2.4). */
import type { KeyObject } from 'node:crypto'
import { equalInConstantTime } from '../../base/constant-time.ts'
import { hmac, hmacText } from '../digest.ts'
import type { JsonObject } from '../../base/parse.ts'
import { splitJwt } from './decode-jwt.ts'

const headerText = Buffer.from('{"alg":"HS512","typ":"JWT"}').toString('base64url')

/** Signs claims, written with sorted names like Go. */
export function signSessionToken(claims: JsonObject, rootSecret: KeyObject): string {
  const sorted: Record<string, unknown> = {}
  for (const name of Object.keys(claims).toSorted()) sorted[name] = claims[name]
  const signedText = `${headerText}.${Buffer.from(JSON.stringify(sorted)).toString('base64url')}`
  return `${signedText}.${hmacText('sha512', rootSecret, signedText, 'base64url')}`
}

/**
 * Returns the claims of a token that was signed with `rootSecret`; undefined for any other. Does not check the expiry: the caller needs the
 * claims of an expired token to report that it expired.
 */
export function verifySessionToken(token: string, rootSecret: KeyObject): JsonObject | undefined {
  const decoded = splitJwt(token)
  if (decoded === undefined || decoded.header['alg'] !== 'HS512') return undefined
  const expected = hmac('sha512', rootSecret, decoded.signedText)
  return equalInConstantTime(expected, decoded.signature) ? decoded.claims : undefined
}
