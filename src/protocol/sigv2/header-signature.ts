/**
 * Requests signed with Signature Version 2 in the header: `Authorization: AWS KEY:SIGNATURE` (AWS, «Signing and authenticating REST requests»). The
 * body is not signed: only `content-md5` and checksums, which are, protect it.
 */
import { AwsError } from '../aws-error.ts'
import { parseAmzDateMs } from '../dates.ts'
import { readQuery, type SignedMessage } from '../sigv4/canonical-request.ts'
import { requireRecent } from '../sigv4/verify-signature.ts'
import { verifySignatureV2 } from './string-to-sign.ts'

export interface HeaderSignatureV2 {
  readonly accessKeyId: string
  /** Base64 of HMAC-SHA1. */
  readonly signature: string
  readonly sessionToken: string | undefined
  /** What the headers say of the body's hash; `UNSIGNED-PAYLOAD` if they say nothing. */
  readonly payloadHash: string
}

/**
 * Returns the claimed signature, not yet verified; undefined for a request that is signed otherwise.
 *
 * @throws {AwsError} `InvalidRequest` for a request that is also signed in its query, since either key could decide.
 */
export function parseHeaderSignatureV2(message: SignedMessage): HeaderSignatureV2 | undefined {
  const { headers } = message
  const authorization = headers.get('authorization') ?? ''
  const [, accessKeyId, signature] =
    /^AWS ([^:\s]{1,256}):([A-Za-z0-9+/]{27}=)$/.exec(authorization) ?? []
  if (accessKeyId === undefined || signature === undefined) return undefined
  const query = readQuery(message)
  const isPresigned = [
    'AWSAccessKeyId',
    'Signature',
    'X-Amz-Credential',
    'X-Amz-Signature',
    'X-Amz-Algorithm',
  ].some((name) => query.has(name))
  if (isPresigned) {
    const why = 'the request is signed both in the Authorization header and in the query; use one'
    throw new AwsError('InvalidRequest', why)
  }
  const payloadHash = headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD'
  return { accessKeyId, signature, payloadHash, sessionToken: headers.get('x-amz-security-token') }
}

/**
 * Verifies a signature in a header, and that it was made within 15 minutes.
 *
 * @param options.hostBucket The bucket if the host contains it.
 * @throws {AwsError} `SignatureDoesNotMatch`, `RequestTimeTooSkewed`; `AccessDenied` without a date, or as `verifySignatureV2`.
 */
export function verifyHeaderSignatureV2(
  parsed: HeaderSignatureV2,
  message: SignedMessage,
  secretAccessKey: string,
  { hostBucket, nowMs }: { readonly hostBucket: string; readonly nowMs: number },
): void {
  const amzDate = message.headers.get('x-amz-date')
  const date = message.headers.get('date') ?? ''
  verifySignatureV2(message, parsed, {
    secretAccessKey,
    hostBucket,
    date: amzDate === undefined ? date : '',
  })
  const signedAt = amzDate ?? date
  const signedAtMs = readTime(signedAt)
  if (Number.isNaN(signedAtMs)) {
    const sentence = 'AWS authentication requires a valid Date or x-amz-date header'
    throw new AwsError('AccessDenied', sentence, { sentence })
  }
  requireRecent(signedAt, signedAtMs, nowMs)
}

/** Returns the Unix time in milliseconds of a date of version 4, or one of RFC 9110 §5.6.7, also with an offset (`+0000`), as AWS's examples have; NaN for others. */
function readTime(text: string): number {
  const ofV4 = parseAmzDateMs(text)
  if (!Number.isNaN(ofV4)) return ofV4
  const isZoned = /^[A-Z][a-z]{2,8}, [\w :-]{10,30} (?:GMT|UTC|[+-]\d{4})$/.test(text)
  return isZoned ? Date.parse(text) : Number.NaN
}
