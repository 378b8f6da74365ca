/**
 * URLs presigned with Signature Version 2: the default of boto3 and the AWS CLI for us-east-1 and a custom endpoint
 * (AWS, «Signing and authenticating REST requests», query string request authentication alternative).
 */
import { AwsError } from '../aws-error.ts'
import type { Query } from '../query.ts'
import { expiredRequest } from '../sigv4/verify-signature.ts'
import type { SignedMessage } from '../sigv4/canonical-request.ts'
import { verifySignatureV2 } from './string-to-sign.ts'

export interface PresignedV2 {
  readonly accessKeyId: string
  /** Expiry in seconds since the epoch, as signed. */
  readonly expires: string
  readonly signature: string
  readonly sessionToken: string | undefined
}

/** @returns The claimed signature, not yet verified; undefined when the query has none. */
export function parsePresignedV2(query: Query): PresignedV2 | undefined {
  const accessKeyId = query.get('AWSAccessKeyId')
  const signature = query.get('Signature')
  const expires = query.get('Expires')
  if (accessKeyId === undefined) return undefined
  if (signature === undefined || expires === undefined) {
    throw new AwsError(
      'AccessDenied',
      'a presigned URL needs AWSAccessKeyId, Signature and Expires',
    )
  }
  return { accessKeyId, signature, expires, sessionToken: query.get('x-amz-security-token') }
}

export interface VerifyV2Options {
  /** The bucket if the host contains it: in the signed text it precedes the path. */
  readonly hostBucket: string
  readonly nowMs: number
}

/**
 * Verifies a presigned URL. Parameters of lists (`prefix`, `list-type`) are not signed in this version, as in AWS; headers and everything
 * that selects the operation are.
 *
 * @throws {AwsError} `SignatureDoesNotMatch`; `AccessDenied` when the URL has expired, or has a sub-resource that this version does not sign.
 */
export function verifyPresignedV2(
  parsed: PresignedV2,
  message: SignedMessage,
  secretAccessKey: string,
  { hostBucket, nowMs }: VerifyV2Options,
): void {
  verifySignatureV2(message, parsed, { secretAccessKey, hostBucket, date: parsed.expires })
  if (!/^\d{1,12}$/.test(parsed.expires))
    throw new AwsError('AccessDenied', 'Expires must be a number of seconds since 1970')
  const expiresAtMs = Number(parsed.expires) * 1000
  if (nowMs > expiresAtMs) throw expiredRequest(expiresAtMs, nowMs)
}
