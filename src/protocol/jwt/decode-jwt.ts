import { StsCliError } from '../../base/errors.ts'
import { parseJsonObject, type JsonObject } from '../../base/parse.ts'

export interface DecodedJwt {
  readonly header: JsonObject
  readonly claims: JsonObject
  /** The text `header.payload`, which the signature covers. */
  readonly signedText: string
  readonly signature: Buffer
}

/** A provider's tokens have 1 to 4 kB; a session token must fit an 8 KiB header. */
export const maxTokenBytes = 16 * 1024

const strictBase64Url = /^[A-Za-z0-9_-]+$/

/**
 * Splits a compact JWS (RFC 7515 §3.1) into its parts; verifies nothing.
 *
 * @returns undefined when the text is not a JWT: not three parts, not base64url without padding, not JSON objects, too long.
 */
export function splitJwt(token: string, maxBytes: number = maxTokenBytes): DecodedJwt | undefined {
  if (token.length > maxBytes) return undefined
  const parts = token.split('.')
  const [headerText = '', claimsText = '', signatureText = ''] = parts
  if (parts.length !== 3 || !strictBase64Url.test(headerText) || !strictBase64Url.test(claimsText))
    return undefined
  if (signatureText !== '' && !isCanonicalBase64Url(signatureText)) return undefined
  const header = parseHeader(headerText)
  const claims = parseJsonObject(decodeText(claimsText))
  if (header === undefined || claims === undefined) return undefined
  const signedText = token.slice(0, headerText.length + 1 + claimsText.length)
  return { header, claims, signedText, signature: Buffer.from(signatureText, 'base64url') }
}

/**
 * Decodes a JWT for display, without verification.
 *
 * @throws {StsCliError} `ERR_DATA` when the text is not a JWT; the text itself is never in the message.
 */
export function decodeJwt(token: string): DecodedJwt {
  const decoded = splitJwt(token, 256 * 1024)
  if (decoded === undefined) {
    throw new StsCliError('token-not-jwt', 'the token is not a JWT', {})
  }
  return decoded
}

/**
 * One bit string has only one valid spelling: with spare bits in the last character, two different tokens would both verify. A last group of
 * two characters has four spare bits, one of three has two, and one of a single character is no byte (RFC 4648 §3.5).
 */
function isCanonicalBase64Url(text: string): boolean {
  if (!strictBase64Url.test(text)) return false
  const rest = text.length % 4
  if (rest === 0) return true
  return rest !== 1 && (rest === 2 ? 'AQgw' : 'AEIMQUYcgkosw048').includes(text.slice(-1))
}

/** The header that was parsed last: all tokens of one key have the same. It is frozen, so that no reader changes what the next one gets. */
let lastHeader: { readonly text: string; readonly header: JsonObject } | undefined

function parseHeader(text: string): JsonObject | undefined {
  if (text === lastHeader?.text) return lastHeader.header
  const header = parseJsonObject(decodeText(text))
  if (header !== undefined) lastHeader = { text, header: Object.freeze(header) }
  return header
}

function decodeText(text: string): string {
  return Buffer.from(text, 'base64url').toString('utf8')
}
