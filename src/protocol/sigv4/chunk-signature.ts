/** Signatures in an `aws-chunked` body: each chunk's signature covers the previous one; the first covers the request's own. */
import { hmac } from '../digest.ts'
import { emptySha256 } from './canonical-request.ts'
import type { VerifiedSignature } from './verify-signature.ts'

/**
 * Returns the signature of one chunk («Signature calculations for the Authorization header: multiple chunks», Amazon S3).
 *
 * @param chunkSha256Hex Hash of the chunk's own bytes; of no bytes for the last, empty chunk.
 */
export function signChunk(
  seed: VerifiedSignature,
  previousSignature: string,
  chunkSha256Hex: string,
): string {
  const text = `AWS4-HMAC-SHA256-PAYLOAD\n${seed.amzDate}\n${seed.scopeText}\n${previousSignature}\n${emptySha256}\n${chunkSha256Hex}`
  return hmac('sha256', seed.signingKey, text).toString('hex')
}

/**
 * Returns the signature of the trailing headers.
 *
 * @param trailerSha256Hex Hash of the trailer lines, each `name:value\n`, without the signature's own line.
 */
export function signTrailer(
  seed: VerifiedSignature,
  previousSignature: string,
  trailerSha256Hex: string,
): string {
  const text = `AWS4-HMAC-SHA256-TRAILER\n${seed.amzDate}\n${seed.scopeText}\n${previousSignature}\n${trailerSha256Hex}`
  return hmac('sha256', seed.signingKey, text).toString('hex')
}
