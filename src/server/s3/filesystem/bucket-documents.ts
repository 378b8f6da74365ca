/** Settings of buckets: one file a setting, in the store's private folder. */
import { join } from 'node:path'
import type { BucketDocument } from '../request/object-store.ts'
import { documentsFolder, orAbsent, type Disk } from './disk.ts'
import { requireBucket } from './objects.ts'
import { discardFile, writeFileWhole } from './staging.ts'

/** @see ObjectStore.readBucketDocument */
export async function readBucketDocument(
  disk: Disk,
  bucket: string,
  name: BucketDocument,
): Promise<string | undefined> {
  await requireBucket(disk, bucket)
  return orAbsent(disk.fs.readFile(toPath(disk, bucket, name), 'utf8'))
}

/** @see ObjectStore.writeBucketDocument */
export async function writeBucketDocument(
  disk: Disk,
  bucket: string,
  name: BucketDocument,
  text: string | undefined,
): Promise<void> {
  // Shared: a bucket is not deleted meanwhile, and what is written of it then goes with it.
  await disk.locks.share(bucket, async () => {
    await requireBucket(disk, bucket)
    const path = toPath(disk, bucket, name)
    if (text !== undefined) return writeFileWhole(disk, path, text)
    if ((await orAbsent(disk.fs.lstat(path))) === undefined) return
    await discardFile(disk, path)
    await disk.folders.settle(documentsFolder(disk.root, bucket))
  })
}

function toPath({ root }: Disk, bucket: string, name: BucketDocument): string {
  return join(documentsFolder(root, bucket), `${name}.xml`)
}
