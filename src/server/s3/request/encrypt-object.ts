/** Chooses how a new object is encrypted, and opens and writes encrypted ones. */
import {
  encryptContent,
  encryptWith,
  type CustomerKey,
  type ObjectEncryption,
} from '../body/encryption.ts'
import { loadChecksum, startChecksum, type ChecksumAlgorithm } from '../body/checksum.ts'
import type { ContentFacts, ObjectContent } from '../body/object-content.ts'
import { openSegments, segmentBytes } from '../body/segments.ts'
import type { Address } from './address.ts'
import { asksForEncryption, readCustomerKey } from './encryption-headers.ts'
import { invalidArgument } from './errors.ts'
import type { ByteRange, OpenObject } from './object-store.ts'
import type { S3Call } from './s3-operation.ts'

/** How a new object is encrypted. */
export interface NewEncryption {
  /** What is kept with it. */
  readonly encryption: ObjectEncryption | undefined
  readonly customerKey: CustomerKey | undefined
}

/**
 * Returns how a new object is encrypted: as the request asks; if it asks for nothing, as the bucket's `encryption` document says.
 *
 * @throws {AwsError} `NotImplemented`, `InvalidArgument`, `InvalidRequest`, `InvalidEncryptionAlgorithmError`.
 */
export function chooseEncryption({ request, objects, bucket }: S3Call): NewEncryption {
  const isAsked = asksForEncryption(request.headers)
  const customerKey = readCustomerKey(request)
  if (customerKey !== undefined) {
    if (!isAsked) return { encryption: encryptWith(customerKey), customerKey }
    const sentence =
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified'
    throw invalidArgument({ name: 'x-amz-server-side-encryption' }, sentence, sentence)
  }
  const isDefault = isAsked || isEncryptedByDefault(objects, bucket)
  return { encryption: isDefault ? { kind: 'SSE-S3' } : undefined, customerKey }
}

/** Of a bucket that does not exist, this decides nothing: the write itself refuses it. */
function isEncryptedByDefault(objects: S3Call['objects'], bucket: string): boolean {
  const text = objects.findBucketDocument(bucket, 'encryption')
  return text !== undefined && /<(?:\w+:)?SSEAlgorithm>\s*AES256\s*</.test(text)
}

/** Returns the content as it is stored. @param partNumber 0 for content that is not a part. */
export function encryptFor(
  content: ObjectContent,
  { bucket, key }: Address,
  { encryption, customerKey }: NewEncryption,
  partNumber = 0,
): ObjectContent {
  if (encryption?.kind !== 'SSE-C' || customerKey === undefined) return content
  const context = { customerKey: customerKey.bytes, id: encryption.id, bucket, key }
  return encryptContent(content, context, partNumber)
}

/** Returns the object as it was before it was encrypted. @param customerKey The right one; undefined if the object needs none. */
export function openPlain(
  object: OpenObject,
  { bucket, key }: Address,
  customerKey: CustomerKey | undefined,
): OpenObject {
  const { info } = object
  const { encryption } = info.metadata
  if (encryption?.kind !== 'SSE-C' || customerKey === undefined) return object
  const context = { customerKey: customerKey.bytes, id: encryption.id, bucket, key }
  const readStored = (buffer: Uint8Array, at: number): Promise<number> =>
    object.readInto(buffer, at)
  const readInto = openSegments(readStored, info.partSizes ?? [info.size], context)
  return {
    info,
    readInto,
    readAll: async (range: ByteRange = { start: 0, end: info.size - 1 }) => {
      try {
        const bytes = Buffer.allocUnsafe(range.end - range.start + 1)
        return bytes.subarray(0, await readInto(bytes, range.start))
      } finally {
        await object.close()
      }
    },
    cloneTo: async () => false,
    close: () => object.close(),
  }
}

/** Returns an open object, or a range of it, as the content of another. @param signal Stops it when the client is gone. */
export function readAsContent(
  object: OpenObject,
  {
    range,
    algorithm,
    signal,
  }: {
    readonly range: ByteRange | undefined
    readonly algorithm: ChecksumAlgorithm
    readonly signal: AbortSignal
  },
): ObjectContent {
  const start = range?.start ?? 0
  const end = range ? range.end + 1 : object.info.size
  let facts: ContentFacts | undefined
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    await loadChecksum(algorithm)
    const checksum = startChecksum(algorithm)
    for (let at = start; at < end;) {
      signal.throwIfAborted()
      const buffer = Buffer.allocUnsafe(Math.min(4 * segmentBytes, end - at))
      const bytes = await object.readInto(buffer, at)
      if (bytes === 0) throw new Error('the source of a copy ended before its size')
      checksum.update(buffer.subarray(0, bytes))
      yield buffer.subarray(0, bytes)
      at += bytes
    }
    const value = checksum.digest().toString('base64')
    facts = { etag: '', checksum: { algorithm, value, type: 'FULL_OBJECT' } }
  }
  return {
    chunks: read(),
    describe: () => {
      if (!facts) throw new Error('the source of a copy was described before its end')
      return facts
    },
  }
}
