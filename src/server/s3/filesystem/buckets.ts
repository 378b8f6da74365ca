/** Buckets: the folders of the root whose names are bucket names. */
import { join } from 'node:path'
import { AwsError } from '../../../protocol/aws-error.ts'
import { isBucketName } from '../request/names.ts'
import type { BucketInfo } from '../request/object-store.ts'
import { errorCode } from '../../../base/error-code.ts'
import {
  bucketFolder,
  encodedFolder,
  orAbsent,
  uploadsFolder,
  versionsFolder,
  type Disk,
} from './disk.ts'
import type { FileSystem } from './file-system.ts'
import { compareKeys } from './key-names.ts'
import { requireBucket } from './locate.ts'
import { documentKey, wholeRange } from './index-keys.ts'
import { redoPromotions } from './redo.ts'
import { removeTree } from './staging.ts'
import { readDocument } from './versioning.ts'
import { holdsObject, openStart } from './walk.ts'

/** @see ObjectStore.createBucket */
export async function createBucket(
  disk: Disk,
  bucket: string,
  { location }: Pick<BucketInfo, 'location'> = { location: '' },
): Promise<void> {
  await disk.locks.hold(bucket, async () => {
    if (!(await hasBucket(disk, bucket))) await prepareBucket(disk, bucket, location)
    try {
      await disk.fs.mkdir(bucketFolder(disk.root, bucket))
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      throw new AwsError('BucketAlreadyOwnedByYou', 'you already own this bucket', { cause: error })
    }
    await disk.folders.settle(disk.root)
  })
}

/** Removes what a process left that died while it deleted a bucket of this name, and writes the location before there is a bucket. */
async function prepareBucket(disk: Disk, bucket: string, location: string): Promise<void> {
  await removeRest(disk, bucket)
  if (location !== '')
    await disk.index.commit([[documentKey(bucket, 'location'), Buffer.from(location)]])
}

/** Entries of the index that are removed at once. */
const removalsAtOnce = 1000

/** Removes what belongs to a bucket besides its folder. */
async function removeRest(disk: Disk, bucket: string): Promise<void> {
  for (const kind of ['r', 'o', 'v', 'd'] as const) {
    for (;;) {
      const range = { ...wholeRange(kind, bucket), limit: removalsAtOnce }
      const keys = [...disk.index.list(range)].map(({ key }) => key)
      if (keys.length === 0) break
      await disk.index.commit(keys.map((key) => [key, undefined]))
    }
  }
  for (const folder of [encodedFolder, versionsFolder, uploadsFolder])
    await removeTree(disk, folder(disk.root, bucket))
}

/** @see ObjectStore.findLocation */
export async function findLocation(disk: Disk, bucket: string): Promise<string> {
  await requireBucket(disk, bucket)
  return readLocation(disk, bucket)
}

function readLocation(disk: Disk, bucket: string): string {
  return readDocument(disk, bucket, 'location') ?? ''
}

export async function hasBucket(disk: Disk, bucket: string): Promise<boolean> {
  const stats = await orAbsent(disk.fs.lstat(bucketFolder(disk.root, bucket)))
  return stats?.isDirectory() ?? false
}

/** @see ObjectStore.deleteBucket */
export async function deleteBucket(disk: Disk, bucket: string): Promise<void> {
  await disk.locks.hold(bucket, async () => {
    await requireBucket(disk, bucket)
    await redoPromotions(disk, bucket)
    if (await holdsObject(disk.fs, await openStart(disk, bucket, ''))) throw bucketNotEmpty()
    const [version] = [...disk.index.list({ ...wholeRange('v', bucket), limit: 1 })]
    if (version !== undefined) throw versionsRemain()
    try {
      await removeFolders(disk.fs, bucketFolder(disk.root, bucket))
      await disk.folders.settle(disk.root)
    } catch (error) {
      // A link or a pipe is not an object, so the bucket's deletion does not remove it.
      if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') throw bucketNotEmpty()
      throw error
    }
    await removeRest(disk, bucket)
  })
}

/** @see ObjectStore.listBuckets */
export async function listBuckets(disk: Disk): Promise<BucketInfo[]> {
  const entries = await disk.fs.readdir(disk.root, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory() && isBucketName(entry.name))
    .map((entry) => entry.name)
    .toSorted(compareKeys)
  const buckets = names.map(async (name): Promise<BucketInfo | undefined> => {
    const stat = await orAbsent(disk.fs.lstat(join(disk.root, name)))
    if (stat === undefined) return undefined
    // Some file systems do not record creation times and report 0.
    const createdAtMs = stat.birthtimeMs > 0 ? stat.birthtimeMs : stat.mtimeMs
    const location = readLocation(disk, name)
    return { name, createdAtMs: Math.floor(createdAtMs), location }
  })
  return (await Promise.all(buckets)).filter((bucket) => bucket !== undefined)
}

/** Removes a folder that contains only folders. */
async function removeFolders(fs: FileSystem, path: string): Promise<void> {
  for (const entry of await fs.readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeFolders(fs, join(path, entry.name))
  }
  await fs.rmdir(path)
}

function bucketNotEmpty(): AwsError {
  return new AwsError('BucketNotEmpty', 'the bucket you tried to delete is not empty')
}

function versionsRemain(): AwsError {
  const reason = 'the bucket has versions or delete markers: delete them too'
  const sentence =
    'The bucket you tried to delete is not empty. You must delete all versions in the bucket.'
  return new AwsError('BucketNotEmpty', reason, { sentence })
}
