/** Stores objects as plain files in a folder, so that people can see what they stored. */
import type { Log } from '../../../base/log.ts'
import { silentLog } from '../../../base/log.ts'
import { errorCode } from '../../../base/error-code.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { readBucketDocument, writeBucketDocument } from './bucket-documents.ts'
import { readDocument } from './versioning.ts'
import { createBucket, deleteBucket, findLocation, hasBucket, listBuckets } from './buckets.ts'
import { completeUpload, findCompleted } from './complete-upload.ts'
import { copyObject, copyPart } from './copy-object.ts'
import { deleteObject } from './delete-object.ts'
import { indexFolder, type Disk } from './disk.ts'
import { withStorageErrors } from './disk-errors.ts'
import { createFastFileSystem } from './fast-file-system.ts'
import { createFolderSync, type FileSystem } from './file-system.ts'
import { createFolderListings, type ListingOptions } from './folder-listings.ts'
import { createKeyLocks, withRefresh, type KeyLocks } from './key-locks.ts'
import { listObjects } from './list-objects.ts'
import { listVersions } from './list-versions.ts'
import { openObject, putObject, replaceLock, replaceTags, statObject } from './objects.ts'
import { prepareFolder, removeLeftovers, toFolderError } from './prepare-folder.ts'
import { createReadiness } from './readiness.ts'
import { redoAll } from './redo.ts'
import { createSettler } from './settle.ts'
import { openStoreIndex, type StoreIndex } from './store-index.ts'
import { takeOver } from './take-over.ts'
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
  /** Replaces the index on disk in tests. */
  readonly openIndex?: ((folder: string) => Promise<StoreIndex>) | undefined
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
  const { fs = createFastFileSystem(), listings, openIndex = openStoreIndex } = options
  const root = await prepareFolder(directory, fs)
  const folders = createFolderSync(fs)
  const index = await openIndex(indexFolder(root))
  const locks = sharedLocks ? withRefresh(sharedLocks, () => index.refresh()) : createKeyLocks()
  const disk: Disk = {
    root,
    fs,
    folders,
    locks,
    index,
    settler: createSettler({ root, fs, folders, index, locks, log }),
    listings: createFolderListings(fs, listings),
    nowMs,
  }
  if (isOnlyOne) await finishEarlier(disk, directory, log)
  const run = <T>(work: () => Promise<T>): Promise<T> => withStorageErrors(work, { root, log })
  return {
    ...openObjects(disk, run),
    ...openUploads(disk, run),
    checkReady: createReadiness(disk),
    async close() {
      await disk.settler.settle()
      await index.close()
    },
  }
}

/** Finishes what earlier servers left. @throws {StsCliError} As `toFolderError`. */
async function finishEarlier(disk: Disk, directory: string, log: Log): Promise<void> {
  try {
    await takeOver(disk, log)
    await redoAll(disk, log)
    await removeLeftovers(disk.root, { fs: disk.fs, log })
  } catch (error) {
    await disk.index.close()
    throw errorCode(error) === undefined ? error : toFolderError(directory, error)
  }
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

function openObjects(
  disk: Disk,
  run: Run,
): Omit<ObjectStore, keyof UploadCalls | 'checkReady' | 'close'> {
  return {
    createBucket: (bucket, options) => run(() => createBucket(disk, bucket, options)),
    hasBucket: (bucket) => run(() => hasBucket(disk, bucket)),
    findLocation: (bucket) => run(() => findLocation(disk, bucket)),
    deleteBucket: (bucket) => run(() => deleteBucket(disk, bucket)),
    listBuckets: () => run(() => listBuckets(disk)),
    readBucketDocument: (bucket, name) => run(() => readBucketDocument(disk, bucket, name)),
    findBucketDocument: (bucket, name) => readDocument(disk, bucket, name),
    writeBucketDocument: (bucket, name, text) =>
      run(() => writeBucketDocument(disk, bucket, name, text)),
    statObject: (bucket, key, versionId) => run(() => statObject(disk, { bucket, key }, versionId)),
    openObject: (bucket, key, versionId) =>
      run(async () => {
        const object = await openObject(disk, { bucket, key }, versionId)
        if (!object) return undefined
        const { info, cloneTo, close } = object
        return {
          info,
          cloneTo,
          close,
          readAll: (range) => run(() => object.readAll(range)),
          readInto: (bytes, position) => run(() => object.readInto(bytes, position)),
        }
      }),
    putObject: (bucket, key, content, options) =>
      run(() => putObject(disk, { bucket, key }, content, options)),
    copyObject: (bucket, key, content, options) =>
      run(() => copyObject(disk, { bucket, key }, content, options)),
    deleteObject: (bucket, key, options = {}) =>
      run(() => deleteObject(disk, { bucket, key }, options)),
    replaceTags: (bucket, key, tags, versionId) =>
      run(() => replaceTags(disk, { bucket, key }, tags, versionId)),
    replaceLock: (bucket, key, versionId, replace) =>
      run(() => replaceLock(disk, { bucket, key }, versionId, replace)),
    listObjects: (bucket, options) => run(() => listObjects(disk, bucket, options)),
    listVersions: (bucket, options) => run(() => listVersions(disk, bucket, options)),
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
