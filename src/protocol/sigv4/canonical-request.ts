/** The canonical request and the string to sign of Signature Version 4 (AWS, «Create a signed request», steps 1 to 3). */
import { sha256Hex } from '../digest.ts'
import { decodeFormText, parseQuery, type Query } from '../query.ts'

/** The signed parts of a request. `HttpRequest` is one. */
export interface SignedMessage {
  readonly method: string
  /** The path as sent, percent-encoded. S3 signs it unchanged, encoded once. */
  readonly rawPath: string
  /** The query as sent, without `?`. The signature covers these bytes. */
  readonly rawQuery: string
  /** The same query, parsed; parsed on demand when it is absent. */
  readonly query?: Query | undefined
  /** Headers by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
}

/** Returns the parameters of a message's query. */
export function readQuery({ query, rawQuery }: SignedMessage): Query {
  return query ?? parseQuery(rawQuery)
}

export const algorithm = 'AWS4-HMAC-SHA256'
export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export interface CredentialScope {
  /** `yyyymmdd` */
  readonly date: string
  readonly region: string
  readonly service: string
}

/** Returns `date/region/service/aws4_request`. */
export function formatScope(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`
}

/**
 * Returns the text of the canonical request.
 *
 * @param signedHeaders Lower-case names in the order of the signature's own list.
 */
export function buildCanonicalRequest(
  message: SignedMessage,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  let headerLines = ''
  for (const name of signedHeaders) {
    headerLines += `${name}:${normalizeHeaderValue(message.headers.get(name) ?? '')}\n`
  }
  const path = message.rawPath === '' ? '/' : message.rawPath
  return `${message.method}\n${path}\n${canonicalizeQuery(message.rawQuery)}\n${headerLines}\n${signedHeaders.join(';')}\n${payloadHash}`
}

/** Returns the text whose HMAC is the signature. */
export function buildStringToSign(
  amzDate: string,
  scopeText: string,
  canonicalRequest: string,
): string {
  // Header values are bytes in Latin-1, as in node:http: the other side signs the bytes.
  const hash = sha256Hex(canonicalRequest, 'latin1')
  return `${algorithm}\n${amzDate}\n${scopeText}\n${hash}`
}

/** Trims only spaces and tabs: other characters that JavaScript trims may be the last byte of a UTF-8 letter. */
function normalizeHeaderValue(value: string): string {
  const trimmed = /^[ \t]|[ \t]$/.test(value) ? value.replaceAll(/^[ \t]+|[ \t]+$/g, '') : value
  return trimmed.includes('  ') ? trimmed.replaceAll(/ {2,}/g, ' ') : trimmed
}

/**
 * Returns the query parameters encoded by RFC 3986, sorted by name, then value; `?location` becomes `location=`.
 * The signature of a presigned URL is omitted, since it cannot sign itself.
 */
export function canonicalizeQuery(rawQuery: string): string {
  if (rawQuery === '') return ''
  const pairs: [string, string][] = []
  for (const part of rawQuery.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = reencode(at === -1 ? part : part.slice(0, at))
    if (name === 'X-Amz-Signature') continue
    pairs.push([name, at === -1 ? '' : reencode(part.slice(at + 1))])
  }
  pairs.sort((a, b) => compareAscii(a[0], b[0]) || compareAscii(a[1], b[1]))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

function compareAscii(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

const alreadyCanonical = /^[A-Za-z0-9\-._~]*$/

function reencode(text: string): string {
  if (alreadyCanonical.test(text)) return text
  return encodeRfc3986(decodeFormText(text))
}

/** Percent-encodes all characters except RFC 3986's unreserved ones. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
