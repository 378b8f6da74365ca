/** The values of `x-amz-content-sha256` for S3. */
import { AwsError } from '../aws-error.ts'

/**
 * Requires a value that S3 knows: the SHA-256 of the body in hex, `UNSIGNED-PAYLOAD`, or the name of a form of `aws-chunked`. Whether the form
 * is supported is decided where the body is read.
 *
 * @throws {AwsError} `InvalidArgument`, before the signature is compared, as in S3.
 */
export function requirePayloadHash(payloadHash: string): void {
  if (/^[0-9a-f]{64}$/i.test(payloadHash) || payloadHash === 'UNSIGNED-PAYLOAD') return
  if (!/^STREAMING-[A-Z0-9-]{1,60}$/.test(payloadHash)) throw invalidPayloadHash(payloadHash)
}

/** Returns the error for a value that S3 does not know. */
export function invalidPayloadHash(payloadHash: string): AwsError {
  const reason =
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- form or a SHA-256 in hex'
  return new AwsError('InvalidArgument', reason, {
    sentence:
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    details: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payloadHash.slice(0, 200) },
  })
}
