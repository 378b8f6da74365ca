/** Signs requests of the client: the STS call of AssumeRole, the quickstart's upload, presigned URLs. */
import { formatAmzDate } from '../dates.ts'
import type { Credentials } from '../credentials.ts'
import { hmac } from '../digest.ts'
import {
  algorithm,
  buildCanonicalRequest,
  buildStringToSign,
  encodeRfc3986,
  formatScope,
  type CredentialScope,
} from './canonical-request.ts'
import { deriveSigningKey } from './signing-key.ts'

export interface SignOptions {
  readonly region: string
  readonly service: 's3' | 'sts'
  readonly nowMs: number
}

export interface UnsignedRequest {
  readonly method: string
  /** A `URL`, or the same three parts if resolving `..` would change the path. */
  readonly url: Pick<URL, 'host' | 'pathname' | 'search'>
  /** Lower-case names; `host` is taken from the URL when it is missing. */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex, or one of S3's constants such as `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string
}

// HTTP libraries and proxies set or change these headers, so they are never signed.
const unsignedHeaders = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'user-agent',
])

/**
 * Signs a request by headers.
 *
 * @returns All headers to send: the given ones, `host`, `x-amz-date`, for temporary credentials `x-amz-security-token`, for S3
 *   `x-amz-content-sha256`, and `authorization`.
 */
export function signRequest(
  request: UnsignedRequest,
  credentials: Credentials,
  options: SignOptions,
): Record<string, string> {
  const amzDate = formatAmzDate(options.nowMs)
  const headers: Record<string, string> = {
    host: request.url.host,
    ...request.headers,
    'x-amz-date': amzDate,
  }
  if (credentials.sessionToken !== undefined)
    headers['x-amz-security-token'] = credentials.sessionToken
  if (options.service === 's3') headers['x-amz-content-sha256'] = request.payloadHash
  const signedHeaders = Object.keys(headers)
    .filter((name) => !unsignedHeaders.has(name))
    .toSorted()
  const scope = { date: amzDate.slice(0, 8), region: options.region, service: options.service }
  const signature = computeSignature(request, headers, signedHeaders, {
    scope,
    amzDate,
    secret: credentials.secretAccessKey,
  })
  headers['authorization'] =
    `${algorithm} Credential=${credentials.accessKeyId}/${formatScope(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return headers
}

/**
 * Signs a request by its URL («Authenticating Requests: Using Query Parameters», Amazon S3).
 *
 * @param options.expiresSeconds 1 to 604,800.
 */
export function presignUrl(
  request: {
    readonly method: string
    readonly url: URL
    readonly headers?: Readonly<Record<string, string>>
  },
  credentials: Credentials,
  options: SignOptions & { readonly expiresSeconds: number },
): URL {
  const amzDate = formatAmzDate(options.nowMs)
  const scope = { date: amzDate.slice(0, 8), region: options.region, service: options.service }
  const headers: Record<string, string> = { host: request.url.host, ...request.headers }
  const signedHeaders = Object.keys(headers).toSorted()
  const parameters: [string, string][] = [
    ['X-Amz-Algorithm', algorithm],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${formatScope(scope)}`],
    ['X-Amz-Date', amzDate],
    ['X-Amz-Expires', String(options.expiresSeconds)],
    ['X-Amz-SignedHeaders', signedHeaders.join(';')],
  ]
  if (credentials.sessionToken !== undefined)
    parameters.push(['X-Amz-Security-Token', credentials.sessionToken])
  const added = parameters.map(([name, value]) => `${name}=${encodeRfc3986(value)}`).join('&')
  const url = new URL(request.url)
  url.search = url.search === '' ? `?${added}` : `${url.search}&${added}`
  const unsigned = { method: request.method, url, headers, payloadHash: 'UNSIGNED-PAYLOAD' }
  const signature = computeSignature(unsigned, headers, signedHeaders, {
    scope,
    amzDate,
    secret: credentials.secretAccessKey,
  })
  url.search = `${url.search}&X-Amz-Signature=${signature}`
  return url
}

function computeSignature(
  request: UnsignedRequest,
  headers: Readonly<Record<string, string>>,
  signedHeaders: readonly string[],
  key: { scope: CredentialScope; amzDate: string; secret: string },
): string {
  const message = {
    method: request.method,
    rawPath: request.url.pathname,
    rawQuery: request.url.search.replace(/^\?/, ''),
    headers: new Map(Object.entries(headers)),
  }
  const canonicalRequest = buildCanonicalRequest(message, signedHeaders, request.payloadHash)
  const stringToSign = buildStringToSign(key.amzDate, formatScope(key.scope), canonicalRequest)
  return hmac('sha256', deriveSigningKey(key.secret, key.scope), stringToSign).toString('hex')
}
