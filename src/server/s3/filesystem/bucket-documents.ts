/** Settings of buckets: entries of the index. */
import type { BucketDocument } from '../request/object-store.ts'
import type { Disk } from './disk.ts'
import { documentKey } from './index-keys.ts'
import { requireBucket } from './locate.ts'
import { readDocument } from './versioning.ts'

/** @see ObjectStore.readBucketDocument */
export async function readBucketDocument(
  disk: Disk,
  bucket: string,
  name: BucketDocument,
): Promise<string | undefined> {
  const text = readDocument(disk, bucket, name)
  // What is written of a bucket goes with it.
  if (text === undefined) await requireBucket(disk, bucket)
  return text
}

/** @see ObjectStore.writeBucketDocument */
export async function writeBucketDocument(
  disk: Disk,
  bucket: string,
  name: BucketDocument,
  text: string | undefined,
): Promise<void> {
  // Held: no object is written by the old setting after this.
  await disk.locks.hold(bucket, async () => {
    await requireBucket(disk, bucket)
    await disk.index.commit([
      [documentKey(bucket, name), text === undefined ? undefined : Buffer.from(text)],
    ])
  })
}
