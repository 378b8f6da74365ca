/** Stores objects as plain files in a folder, so that people can see what they stored. */
import type { Log } from '../../../base/log.ts'
import { silentLog } from '../../../base/log.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { readBucketDocument, writeBucketDocument } from './bucket-documents.ts'
import { createBucket, deleteBucket, findLocation, hasBucket, listBuckets } from './buckets.ts'
import { completeUpload, findCompleted } from './complete-upload.ts'
import { copyObject, copyPart } from './copy-object.ts'
import type { Disk } from './disk.ts'
import { withStorageErrors } from './disk-errors.ts'
import { createFolderSync, nodeFileSystem, type FileSystem } from './file-system.ts'
import { createFolderListings, type ListingOptions } from './folder-listings.ts'
import { createKeyLocks, type KeyLocks } from './key-locks.ts'
import { listObjects } from './list-objects.ts'
import { findObject } from './locate.ts'
import { deleteObject, openObject, putObject, replaceTags, requireBucket } from './objects.ts'
import { prepareFolder, removeLeftovers } from './prepare-folder.ts'
import { createReadiness } from './readiness.ts'
import { createSidecars } from './sidecars.ts'
import * as uploads from './uploads.ts'

export interface FilesystemStoreOptions {
  readonly nowMs: () => number
  /** Logs failures of the disk. */
  readonly log?: Log | undefined
  /** Locks that all processes take that open the same folder; undefined if there is only one. */
  readonly sharedLocks?: KeyLocks | undefined
  /** True if the caller holds the folder's lock: unfinished files there belong to a dead process and are removed. */
  readonly isOnlyOne?: boolean | undefined
  /** Replaces the real file system in tests. */
  readonly fs?: FileSystem | undefined
  readonly listings?: ListingOptions | undefined
}

/**
 * Opens a folder as an object store, and creates it if it is missing.
 *
 * @param directory may contain files already: its folders are buckets, and their files are objects.
 * @throws {StsCliError} `ERR_CANNOT_CREATE` if it cannot be created or written to, `ERR_IO` if its disk is broken.
 */
export async function openFilesystemStore(
  directory: string,
  options: FilesystemStoreOptions,
): Promise<ObjectStore> {
  const { nowMs, log = silentLog, sharedLocks, isOnlyOne = false } = options
  const { fs = nodeFileSystem, listings } = options
  const root = await prepareFolder(directory, fs)
  if (isOnlyOne) await removeLeftovers(root, { fs, log })
  const storage = { root, fs, folders: createFolderSync(fs) }
  const disk: Disk = {
    ...storage,
    locks: sharedLocks ?? createKeyLocks(),
    sidecars: createSidecars(storage, { isCaching: sharedLocks === undefined }),
    listings: createFolderListings(fs, listings),
    nowMs,
  }
  const run = <T>(work: () => Promise<T>): Promise<T> => withStorageErrors(work, { root, log })
  return { ...openObjects(disk, run), ...openUploads(disk, run), checkReady: createReadiness(disk) }
}

type Run = <T>(work: () => Promise<T>) => Promise<T>
type UploadCalls = Pick<
  ObjectStore,
  | 'createUpload'
  | 'findUpload'
  | 'putPart'
  | 'listParts'
  | 'copyPart'
  | 'completeUpload'
  | 'findCompleted'
  | 'removeUpload'
  | 'listUploads'
>

function openObjects(disk: Disk, run: Run): Omit<ObjectStore, keyof UploadCalls | 'checkReady'> {
  return {
    createBucket: (bucket, options) => run(() => createBucket(disk, bucket, options)),
    hasBucket: (bucket) => run(() => hasBucket(disk, bucket)),
    findLocation: (bucket) => run(() => findLocation(disk, bucket)),
    deleteBucket: (bucket) => run(() => deleteBucket(disk, bucket)),
    listBuckets: () => run(() => listBuckets(disk)),
    readBucketDocument: (bucket, name) => run(() => readBucketDocument(disk, bucket, name)),
    writeBucketDocument: (bucket, name, text) =>
      run(() => writeBucketDocument(disk, bucket, name, text)),
    statObject: (bucket, key) =>
      run(async () => {
        const found = await findObject(disk, bucket, key)
        if (!found) await requireBucket(disk, bucket)
        return found?.info
      }),
    openObject: (bucket, key) =>
      run(async () => {
        const object = await openObject(disk, bucket, key)
        if (!object) return undefined
        return {
          ...object,
          readAll: (range) => run(() => object.readAll(range)),
          readInto: (bytes, position) => run(() => object.readInto(bytes, position)),
        }
      }),
    putObject: (bucket, key, content, options) =>
      run(() => putObject(disk, { bucket, key }, content, options)),
    copyObject: (bucket, key, content, options) =>
      run(() => copyObject(disk, { bucket, key }, content, options)),
    deleteObject: (bucket, key, options) => run(() => deleteObject(disk, { bucket, key }, options)),
    replaceTags: (bucket, key, tags) => run(() => replaceTags(disk, { bucket, key }, tags)),
    listObjects: (bucket, options) => run(() => listObjects(disk, bucket, options)),
  }
}

function openUploads(disk: Disk, run: Run): UploadCalls {
  return {
    createUpload: (bucket, key, options) =>
      run(() => uploads.createUpload(disk, { bucket, key }, options)),
    findUpload: (bucket, key, uploadId) =>
      run(() => uploads.findUpload(disk, bucket, key, uploadId)),
    putPart: (upload, partNumber, content) =>
      run(() => uploads.putPart(disk, upload, partNumber, content)),
    listParts: (upload, page) => run(() => uploads.listParts(disk, upload, page)),
    copyPart: (upload, partNumber, content, options) =>
      run(() => copyPart(disk, { upload, partNumber }, content, options)),
    completeUpload: (upload, parts, options) =>
      run(() => completeUpload(disk, upload, parts, options)),
    findCompleted: (bucket, key, uploadId) =>
      run(() => findCompleted(disk, { bucket, key }, uploadId)),
    removeUpload: (upload) => run(() => uploads.removeUpload(disk, upload)),
    listUploads: (bucket) => run(() => uploads.listUploads(disk, bucket)),
  }
}
