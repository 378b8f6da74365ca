/** Objects as plain files in a folder, so that a person sees what they stored. */
import { lstat, mkdir, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { StsCliError } from '../../../base/errors.ts'
import { makeFolders } from '../../../base/private-file.ts'
import type { ObjectStore } from '../object-store.ts'
import { createBucket, deleteBucket, hasBucket, listBuckets } from './buckets.ts'
import { errorCode } from '../../../base/error-code.ts'
import { orAbsent, stagingFolder, type Disk } from './disk.ts'
import { createKeyLocks, type KeyLocks } from './key-locks.ts'
import { listObjects } from './list-objects.ts'
import { findObject } from './locate.ts'
import { deleteObject, openObject, putObject, replaceTags, requireBucket } from './objects.ts'
import { createSidecars } from './sidecars.ts'
import { discardFile } from './staging.ts'
import * as uploads from './uploads.ts'

/** Staging files older than this were left by a process that died: none takes that long to write. */
const abandonedAfterMs = 24 * 3600 * 1000

export interface FilesystemStoreOptions {
  readonly nowMs: () => number
  /** Set where other processes open the same folder: the locks that all of them take. */
  readonly sharedLocks?: KeyLocks | undefined
}

/**
 * Opens a folder as an object store, making it when it is missing.
 *
 * @param directory may hold files already: its folders are buckets, their files objects.
 * @throws {StsCliError} `ERR_CANNOT_CREATE` when it cannot be made or written to.
 */
export async function openFilesystemStore(
  directory: string,
  { nowMs, sharedLocks }: FilesystemStoreOptions,
): Promise<ObjectStore> {
  const root = await prepareFolder(directory)
  await removeAbandoned(root, nowMs())
  const disk: Disk = {
    root,
    locks: sharedLocks ?? createKeyLocks(),
    sidecars: createSidecars(root, { isCaching: sharedLocks === undefined }),
    nowMs,
  }
  return {
    createBucket: (bucket) => createBucket(disk, bucket),
    hasBucket: (bucket) => hasBucket(disk, bucket),
    deleteBucket: (bucket) => deleteBucket(disk, bucket),
    listBuckets: () => listBuckets(disk),
    statObject: async (bucket, key) => {
      const found = await findObject(disk, bucket, key)
      if (!found) await requireBucket(disk, bucket)
      return found?.info
    },
    openObject: (bucket, key) => openObject(disk, bucket, key),
    putObject: (bucket, key, content, options) =>
      putObject(disk, { bucket, key }, content, options),
    deleteObject: (bucket, key) => deleteObject(disk, bucket, key),
    replaceTags: (bucket, key, tags) => replaceTags(disk, { bucket, key }, tags),
    listObjects: (bucket, options) => listObjects(disk, bucket, options),
    createUpload: (bucket, key, options) => uploads.createUpload(disk, { bucket, key }, options),
    findUpload: (bucket, key, uploadId) => uploads.findUpload(disk, bucket, key, uploadId),
    putPart: (upload, partNumber, content) => uploads.putPart(disk, upload, partNumber, content),
    listParts: (upload) => uploads.listParts(disk, upload),
    readPart: (upload, partNumber) => uploads.readPart(disk, upload, partNumber),
    removeUpload: (upload) => uploads.removeUpload(disk, upload),
    listUploads: (bucket) => uploads.listUploads(disk, bucket),
    checkReady: async () => (await orAbsent(readdir(stagingFolder(root)))) !== undefined,
  }
}

async function prepareFolder(directory: string): Promise<string> {
  try {
    makeFolders(directory, 0o777)
    const root = await realpath(directory)
    await mkdir(stagingFolder(root), { recursive: true, mode: 0o700 })
    return root
  } catch (error) {
    const why = errorCode(error) ?? 'unknown error'
    throw new StsCliError('ERR_CANNOT_CREATE', `cannot keep objects in ${directory}: ${why}`, {
      stage: 'serve',
      hint: 'name a folder that you may write to',
      cause: error,
    })
  }
}

async function removeAbandoned(root: string, nowMs: number): Promise<void> {
  for (const name of await readdir(stagingFolder(root))) {
    const path = join(stagingFolder(root), name)
    const stats = await orAbsent(lstat(path))
    if (stats?.isFile() && nowMs - stats.ctimeMs > abandonedAfterMs) await discardFile(path)
  }
}
