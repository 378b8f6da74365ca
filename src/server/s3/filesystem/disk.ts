/** What the parts of the file-system store share: paths, locks and the records of files. */
import { join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import type { FileSystem, FolderSync } from './file-system.ts'
import type { FolderListings } from './folder-listings.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Settler } from './settle.ts'
import type { StoreIndex } from './store-index.ts'

/** Name of the store's private folder under its root. Bucket names do not begin with a dot. */
export const privateFolder = '.sts-cli'

/** The store's root and its access to the disk. */
export interface Storage {
  /** Real path of the root: no symbolic link in it. */
  readonly root: string
  readonly fs: FileSystem
  readonly folders: FolderSync
}

export interface Disk extends Storage {
  readonly locks: KeyLocks
  readonly index: StoreIndex
  readonly settler: Settler
  readonly listings: FolderListings
  nowMs(): number
}

/** Folder of a bucket's plain files. */
export function bucketFolder(root: string, bucket: string): string {
  return join(root, bucket)
}

/** Root of the tree for keys that cannot be plain files. */
export function encodedFolder(root: string, bucket: string): string {
  return join(root, privateFolder, 'encoded', bucket)
}

/** Folder of the index. */
export function indexFolder(root: string): string {
  return join(root, privateFolder, 'index')
}

/** Folder of the versions of a bucket's objects that are not the current ones. */
export function versionsFolder(root: string, bucket: string): string {
  return join(root, privateFolder, 'versions', bucket)
}

/** Folder of a bucket's unfinished multipart uploads. */
export function uploadsFolder(root: string, bucket: string): string {
  return join(root, privateFolder, 'uploads', bucket)
}

/** Folder of unfinished files, on the same file system, so that a rename finishes them. */
export function stagingFolder(root: string): string {
  return join(root, privateFolder, 'tmp')
}

/** Awaits a read of the disk. Returns undefined if the path does not exist. */
export async function orAbsent<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look
  } catch (error) {
    requireAbsent(error)
    return undefined
  }
}

/** Reads the disk by synchronous calls. Returns undefined if the path does not exist. */
export function orAbsentAtOnce<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    requireAbsent(error)
    return undefined
  }
}

/** A name that the file system cannot hold does not exist either. A missing permission is an error: something may be there. */
const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ENXIO'])

function requireAbsent(error: unknown): void {
  if (!absent.has(errorCode(error) ?? '')) throw error
}
