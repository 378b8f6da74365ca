/** What every part of the file-system store shares: where things lie, who holds what, what is known of each file. */
import { join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import type { FileSystem, FolderSync } from './file-system.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Sidecars } from './sidecars.ts'

/** Name of our own folder under the store's root; no bucket's name begins with a dot. */
export const privateFolder = '.sts-cli'

/** Where the store lies and how it gets there. */
export interface Storage {
  /** Real path of the root: no symbolic link in it. */
  readonly root: string
  readonly fs: FileSystem
  readonly folders: FolderSync
}

export interface Disk extends Storage {
  readonly locks: KeyLocks
  readonly sidecars: Sidecars
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

/** Folder of what is known about a bucket's objects. */
export function metadataFolder(root: string, bucket: string): string {
  return join(root, privateFolder, 'metadata', bucket)
}

/** Folder of a bucket's unfinished multipart uploads. */
export function uploadsFolder(root: string, bucket: string): string {
  return join(root, privateFolder, 'uploads', bucket)
}

/** Where files lie until they are whole; on the same file system, so that a rename is enough. */
export function stagingFolder(root: string): string {
  return join(root, privateFolder, 'tmp')
}

/** Awaits a look at the disk; undefined when there is nothing there to look at. */
export async function orAbsent<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    // a name the file system cannot hold is also «no such object»; no permission to look is not, for something may be there
    if (code === 'ENAMETOOLONG' || code === 'EISDIR' || code === 'ENXIO') return undefined
    throw error
  }
}
