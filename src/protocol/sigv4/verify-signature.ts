/** Verifies a parsed signature with the secret of its key. */
import { equalInConstantTime } from '../../base/constant-time.ts'
import { AwsError } from '../aws-error.ts'
import { parseAmzDateMs } from '../dates.ts'
import { hmacText } from '../digest.ts'
import {
  buildCanonicalRequest,
  buildStringToSign,
  formatScope,
  readQuery,
  type SignedMessage,
} from './canonical-request.ts'
import { describeMalformed, type MalformedCode, type ParsedSignature } from './parse-signature.ts'
import { listPathSpellings } from './path-spellings.ts'
import { deriveSigningKey } from './signing-key.ts'

export interface VerifyOptions {
  /** The region that requests must be signed for; an empty one accepts any, as in MinIO. `US` is an old name of us-east-1. */
  readonly region: string
  readonly service: 's3' | 'sts'
  readonly nowMs: number
  /** For `sts`: SHA-256 of the received body. The header is not used there (docs/wire.md §12.2). */
  readonly bodySha256?: string | undefined
  /** True if the host names the bucket, so that the whole path is a key. */
  readonly isBucketInHost?: boolean | undefined
}

/** The values from which the signatures of an `aws-chunked` body start. */
export interface VerifiedSignature {
  readonly signingKey: Buffer
  readonly signature: string
  readonly scopeText: string
  readonly amzDate: string
}

/** Headers that this server ignores: a proxy adds the one after the client signed, SDKs in browsers add the other for logs. */
const unreadHeaders = new Set(['x-amz-cf-id', 'x-amz-user-agent'])

/**
 * A checksum for the body of a presigned upload. The URL lets its holder choose the body; a checksum is compared with that
 * body and can only lead to a refusal.
 */
const bodyChecksum =
  /^x-amz-(?:checksum-(?:crc32|crc32c|crc64nvme|md5|sha1|sha256|sha512|xxhash128|xxhash3|xxhash64)|sdk-checksum-algorithm)$/

/** The largest accepted difference of clocks (Amazon S3, RequestTimeTooSkewed). */
const maxSkewMs = 15 * 60 * 1000

/**
 * Verifies a parsed signature, over either spelling of the path.
 *
 * @throws {AwsError} `SignatureDoesNotMatch`; `RequestTimeTooSkewed`; `AccessDenied` for a presigned request that has expired or is dated
 *   ahead, and for an `x-amz-` header that is not signed, naming it in `HeadersNotSigned` (AWS, «Create a signed request»: all `x-amz-`
 *   headers must be); `AuthorizationHeaderMalformed` for another region, naming the server's in `Region` and `x-amz-bucket-region`.
 */
export function verifySignature(
  parsed: ParsedSignature,
  message: SignedMessage,
  secretAccessKey: string,
  options: VerifyOptions,
): VerifiedSignature {
  checkScope(parsed, options)
  const signed = completeHeaders(parsed, message)
  checkSignedHeaders(parsed, signed)
  const payloadHash =
    options.service === 'sts' ? (options.bodySha256 ?? parsed.payloadHash) : parsed.payloadHash
  const scopeText = formatScope(parsed.scope)
  const signingKey = deriveSigningKey(secretAccessKey, parsed.scope)
  const writeText = (rawPath: string): string => {
    const { method, rawQuery, headers } = signed
    const canonicalRequest = buildCanonicalRequest(
      { method, rawPath, rawQuery, headers },
      parsed.signedHeaders,
      payloadHash,
    )
    return buildStringToSign(parsed.amzDate, scopeText, canonicalRequest)
  }
  const sign = (rawPath: string): string => {
    return hmacText('sha256', signingKey, writeText(rawPath), 'hex')
  }
  const spellings = listPathSpellings(message.rawPath, options.isBucketInHost ?? false)
  const signature = findSignature(spellings, sign, parsed.signature)
  if (signature === undefined) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'the request signature we calculated does not match the one you sent; check the secret key and what signs the request',
      {
        // Not the canonical request, which S3 says too: it has the session token.
        details: {
          AWSAccessKeyId: parsed.accessKeyId,
          StringToSign: writeText(spellings.at(-1) ?? message.rawPath),
          SignatureProvided: parsed.signature,
        },
      },
    )
  }
  refuseUnsignedHeaders(parsed, message)
  checkTime(parsed, options.nowMs)
  return { signingKey, signature, scopeText, amzDate: parsed.amzDate }
}

/** Returns the claimed signature if it is that of one of the spellings. Another spelling is signed only if the first is not it. */
function findSignature(
  spellings: readonly string[],
  sign: (rawPath: string) => string,
  claimed: string,
): string | undefined {
  for (const spelling of spellings) {
    const signature = sign(spelling)
    if (equalInConstantTime(signature, claimed)) return signature
  }
  return undefined
}

const malformedCodes = {
  header: 'AuthorizationHeaderMalformed',
  query: 'AuthorizationQueryParametersError',
  form: 'InvalidArgument',
} as const

type SignedScope = Pick<ParsedSignature, 'scope' | 'amzDate'> & {
  readonly form: keyof typeof malformedCodes
}

/** Checks the service, the region and the day of the signature. @throws {AwsError} as `verifySignature`. */
export function checkScope(
  parsed: SignedScope,
  options: Pick<VerifyOptions, 'region' | 'service'>,
): void {
  const code = malformedCodes[parsed.form]
  if (parsed.scope.service !== options.service) {
    const message = `the credential scope is for service ${parsed.scope.service}; this request needs ${options.service}`
    const text = `incorrect service "${parsed.scope.service}". This endpoint belongs to "${options.service}".`
    // The STS of MinIO has a code of its own (docs/wire.md §3.3).
    const isOfSts = options.service === 'sts' && parsed.form === 'header'
    throw new AwsError(isOfSts ? 'AuthorizationParametersError' : code, message, {
      sentence: describeMalformed(code, text),
    })
  }
  checkRegion(parsed.scope.region, options.region, code)
  if (!parsed.amzDate.startsWith(parsed.scope.date)) {
    throw new AwsError(code, 'the date of the credential scope is not the date of the request', {
      sentence: describeWrongDate(parsed),
    })
  }
}

function describeWrongDate({ form, scope, amzDate }: SignedScope): string {
  const why = 'Invalid credential date'
  return form === 'header'
    ? describeMalformed(
        'AuthorizationHeaderMalformed',
        `${why}. Date is not the same as X-Amz-Date.`,
      )
    : `${why} "${scope.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`
}

/** SDKs that follow regions read the expected one from the document or the header (Amazon S3, "Error responses", AuthorizationHeaderMalformed). */
function checkRegion(signed: string, expected: string, code: MalformedCode): void {
  const region = signed === 'US' ? 'us-east-1' : signed
  if (expected === '' || region === expected) return
  const text = `the region '${region}' is wrong; expecting '${expected}'`
  throw new AwsError(code, text, {
    sentence: describeMalformed(code, text),
    details: { Region: expected },
    headers: { 'x-amz-bucket-region': expected },
  })
}

function checkSignedHeaders(parsed: ParsedSignature, message: SignedMessage): void {
  const signed = new Set(parsed.signedHeaders)
  // 400 and not 403, as in MinIO: its clients distinguish a malformed request from a refusal by it (docs/wire.md §3.3).
  if (!signed.has('host'))
    throw new AwsError('AccessDenied', 'the host header must be signed', { status: 400 })
  for (const name of parsed.signedHeaders) {
    if (!message.headers.has(name)) {
      throw new AwsError('AccessDenied', `the signed header ${name} is not in the request`, {
        status: 400,
      })
    }
  }
}

/**
 * Refuses `x-amz-` headers that the signature does not cover: each would use the signer's rights for a request that the signer did not make.
 * Checked after the signature was compared, so that only the holder of the key learns anything. Other headers may be unsigned, as in AWS.
 */
function refuseUnsignedHeaders(parsed: ParsedSignature, message: SignedMessage): void {
  const signed = new Set(parsed.signedHeaders)
  const unsigned: string[] = []
  for (const [name, value] of message.headers)
    if (!signed.has(name) && !isBoundOtherwise(parsed, name, value)) unsigned.push(name)
  requireNoneUnsigned(unsigned)
}

/**
 * Refuses the `x-amz-` headers in a list of unsigned headers.
 *
 * @param names Lower-case.
 * @throws {AwsError} `AccessDenied` with AWS's message and the names in `HeadersNotSigned`.
 */
export function requireNoneUnsigned(names: readonly string[]): void {
  const refused = names.filter((name) => name.startsWith('x-amz-') && !unreadHeaders.has(name))
  if (refused.length === 0) return
  const message = 'There were headers present in the request which were not signed'
  throw new AwsError('AccessDenied', message, {
    sentence: message,
    details: { HeadersNotSigned: refused.join(', ') },
  })
}

/** The first three are inputs of the signature: their values are in it, or are compared with those issued for the key. */
function isBoundOtherwise(parsed: ParsedSignature, name: string, value: string): boolean {
  if (name === 'x-amz-content-sha256') return value === parsed.payloadHash
  if (name === 'x-amz-date') return value === parsed.amzDate
  if (name === 'x-amz-security-token') return value === parsed.sessionToken
  return parsed.form === 'query' && bodyChecksum.test(name)
}

/**
 * Returns the message with the signed headers that are not sent as such: `Expect`, which a proxy answers itself and removes, and which can have
 * one value; and headers that a presigned URL has in its query, where they count as headers (docs/wire.md §12.2).
 */
function completeHeaders(parsed: ParsedSignature, message: SignedMessage): SignedMessage {
  const missing = parsed.signedHeaders.filter((name) => !message.headers.has(name))
  if (missing.length === 0) return message
  const headers = new Map(message.headers)
  const { pairs } = readQuery(message)
  for (const name of missing) {
    const hoisted = name.startsWith('x-amz-')
      ? pairs.find(([parameter]) => parameter.toLowerCase() === name)?.[1]
      : undefined
    const value = name === 'expect' ? '100-continue' : hoisted
    if (value !== undefined) headers.set(name, value)
  }
  const { method, rawPath, rawQuery, query } = message
  return { method, rawPath, rawQuery, query, headers }
}

function checkTime(parsed: ParsedSignature, nowMs: number): void {
  const signedAtMs = parseAmzDateMs(parsed.amzDate)
  if (parsed.expiresSeconds === undefined) {
    requireRecent(parsed.amzDate, signedAtMs, nowMs)
    return
  }
  if (Number.isNaN(signedAtMs) || signedAtMs - nowMs > maxSkewMs) {
    const sentence = 'Request is not valid yet'
    throw new AwsError('AccessDenied', 'the presigned request is not valid yet', { sentence })
  }
  const expiresAtMs = signedAtMs + parsed.expiresSeconds * 1000
  if (nowMs > expiresAtMs) throw expiredRequest(expiresAtMs, nowMs, parsed.expiresSeconds)
}

/** Requires that a request was signed within 15 minutes. @param signedAt The time as sent. @throws {AwsError} `RequestTimeTooSkewed`. */
export function requireRecent(signedAt: string, signedAtMs: number, nowMs: number): void {
  if (Math.abs(nowMs - signedAtMs) <= maxSkewMs) return
  const message = `the request's time ${signedAt} is more than 15 minutes from the server's`
  const details = {
    RequestTime: signedAt,
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(maxSkewMs),
  }
  throw new AwsError('RequestTimeTooSkewed', message, { details })
}

/**
 * Returns the error for a presigned URL that has expired, with the times as S3 says them.
 *
 * @param lifetimeSeconds Undefined for version 2, which has none.
 */
export function expiredRequest(
  expiresAtMs: number,
  nowMs: number,
  lifetimeSeconds?: number,
): AwsError {
  return new AwsError('AccessDenied', 'the presigned request has expired', {
    sentence: 'Request has expired',
    details: {
      ...(lifetimeSeconds === undefined ? {} : { 'X-Amz-Expires': String(lifetimeSeconds) }),
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    },
  })
}
