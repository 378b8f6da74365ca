/** Reads settings of buckets that the store itself obeys. */
import type { BucketDocument } from '../request/object-store.ts'
import type { Disk } from './disk.ts'
import { documentKey } from './index-keys.ts'

/** The state of a bucket's versioning. */
export type Versioning = 'Enabled' | 'Suspended'

/** Returns a document without asking whether there is the bucket. */
export function readDocument(
  { index }: Pick<Disk, 'index'>,
  bucket: string,
  name: BucketDocument | 'location',
): string | undefined {
  return index.get(documentKey(bucket, name))?.toString()
}

/** Returns the state of a bucket's versioning; undefined for a bucket that never had it. */
export function readVersioning(disk: Pick<Disk, 'index'>, bucket: string): Versioning | undefined {
  const text = readDocument(disk, bucket, 'versioning')
  return text === 'Enabled' || text === 'Suspended' ? text : undefined
}
