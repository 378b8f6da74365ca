/** Places data files in a bucket's two trees, and removes them with the folders that become empty. */
import { dirname, join, sep } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import { encodeKey, isPlainKey } from './key-names.ts'
import { requireBucket } from './locate.ts'
import { discardFile, makeFoldersBelow } from './staging.ts'

/** Retries to create a key's folders when a concurrent delete removes them in between. */
const maxFolderTries = 8

/**
 * Makes a file the data file of a key by one rename. Its name is on disk when the folder of the returned path is synced.
 *
 * @throws {AwsError} `NoSuchBucket`.
 */
export async function moveIntoPlace(
  disk: Disk,
  { bucket, key, from }: { bucket: string; key: string; from: string },
): Promise<string> {
  await requireBucket(disk, bucket)
  if (isPlainKey(key)) {
    const top = bucketFolder(disk.root, bucket)
    const path = join(top, key)
    if (await renameBelow(disk, top, { from, to: path })) return path
  }
  const top = encodedFolder(disk.root, bucket)
  await makeFoldersBelow(disk, top, { top: disk.root, mode: 0o700 })
  const path = join(top, encodeKey(key))
  if (await renameBelow(disk, top, { from, to: path })) return path
  throw new Error(`cannot place an object at ${path}: something else is in its way`)
}

/** Renames, and creates folders below `top` as needed. Returns false if a file, a folder or a link is in the way. */
async function renameBelow(
  disk: Disk,
  top: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const folder = dirname(to)
  for (let tries = 0; tries < maxFolderTries; tries += 1) {
    const real = await orAbsent(disk.fs.realpath(folder))
    if (real !== undefined && real !== folder) return false
    try {
      await disk.fs.rename(from, to)
      return true
    } catch (error) {
      const code = errorCode(error)
      if (code !== 'ENOENT') {
        await removeEmptyFolders(disk, folder, top)
        if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST') return false
        throw error
      }
      await makeFoldersBelow(disk, folder, { top, mode: 0o777 })
    }
  }
  return false
}

/** Removes a data file and the folders that become empty. @returns The folder whose sync makes it last; undefined if there is no file. */
export async function removeDataFile(
  disk: Disk,
  bucket: string,
  path: string,
): Promise<string | undefined> {
  if ((await orAbsent(disk.fs.lstat(path))) === undefined) return undefined
  await discardFile(disk, path)
  await removeEmptyFolders(disk, dirname(path), topFolderOf(disk, bucket, path))
  return dirname(path)
}

function topFolderOf(disk: Disk, bucket: string, path: string): string {
  const encoded = encodedFolder(disk.root, bucket)
  return path.startsWith(encoded + sep) ? encoded : bucketFolder(disk.root, bucket)
}

/** Removes a folder and those above it, as long as they are empty and below `top`. */
async function removeEmptyFolders(disk: Disk, folder: string, top: string): Promise<void> {
  for (let path = folder; path.startsWith(top + sep); path = dirname(path)) {
    try {
      await disk.fs.rmdir(path)
      disk.folders.forget(path)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ENOENT') continue
      return
    }
  }
}
