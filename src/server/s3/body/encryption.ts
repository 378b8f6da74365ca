/** Encryption of objects: what is kept with an object, and the customer's key (SSE-C), which is not. */
import { hkdfSync, randomBytes } from 'node:crypto'
import { equalInConstantTime } from '../../../base/constant-time.ts'
import type { ContentFacts, ObjectContent } from './object-content.ts'
import { encryptStream, toPlainBytes, type StreamContext } from './segments.ts'

/** What is kept with an object about its encryption. */
export type ObjectEncryption =
  /** The client asked for S3's own keys. The object is stored as it came: the disk's encryption, if any, does the work (docs/encryption.md). */
  | { readonly kind: 'SSE-S3' }
  /** Encrypted with a key that the customer sends with each request. `verifier` tells the right key from any other; it does not tell the key. */
  | { readonly kind: 'SSE-C'; readonly id: string; readonly verifier: string }

/** A key of the customer. It is never stored, logged or passed on to policies. */
export interface CustomerKey {
  readonly bytes: Uint8Array
  /** MD5 of the key, in base64, which answers repeat. */
  readonly md5: string
}

/** Returns what is kept with a new object that is encrypted with this key. */
export function encryptWith(key: CustomerKey): Extract<ObjectEncryption, { kind: 'SSE-C' }> {
  const id = randomBytes(16).toString('base64url')
  return { kind: 'SSE-C', id, verifier: deriveVerifier(key, id) }
}

/** Returns whether the object was encrypted with this key. */
export function isKeyOf(
  { id, verifier }: Extract<ObjectEncryption, { kind: 'SSE-C' }>,
  key: CustomerKey,
): boolean {
  return equalInConstantTime(deriveVerifier(key, id), verifier)
}

/** The key has 256 random bits, so that nothing is learned from a value derived from it. The id is the salt. */
function deriveVerifier({ bytes }: CustomerKey, id: string): string {
  return Buffer.from(hkdfSync('sha256', bytes, id, 'sts-cli SSE-C verifier', 32)).toString('base64')
}

/**
 * Returns the content encrypted. Its checksum stays that of the plaintext; its ETag becomes random, because the MD5 would tell something about
 * the plaintext (AWS, "Object": the ETag of an object with SSE-C is not its MD5).
 *
 * @param partNumber 0 for content that is not a part.
 */
export function encryptContent(
  content: ObjectContent,
  context: StreamContext,
  partNumber: number,
): ObjectContent {
  return {
    chunks: encryptStream(content.chunks, context, partNumber),
    describe: () => ({ ...content.describe(), etag: randomBytes(16).toString('hex') }),
  }
}

/** Returns the size of an object's plaintext. @param storedBytes The size of what is stored. */
export function findPlainSize(
  storedBytes: number,
  encryption: ObjectEncryption | undefined,
  { partSizes }: Pick<ContentFacts, 'partSizes'> = {},
): number {
  if (encryption?.kind !== 'SSE-C') return storedBytes
  return partSizes ? partSizes.reduce((sum, bytes) => sum + bytes, 0) : toPlainBytes(storedBytes)
}
