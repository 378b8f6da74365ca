/** Files of the versions that are not the current objects of their keys. */
import { dirname, join } from 'node:path'
import { sha256Hex } from '../../../protocol/digest.ts'
import { errorCode } from '../../../base/error-code.ts'
import { versionsFolder, type Disk } from './disk.ts'
import { discardFile, discardQuietly, makeFoldersBelow } from './staging.ts'

/** Returns the path of a version's data file. */
export function versionFile(
  { root }: Pick<Disk, 'root'>,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  slot: string,
): string {
  const name = sha256Hex(`${key}\0${slot}`)
  return join(versionsFolder(root, bucket), name.slice(0, 2), name.slice(2))
}

/** Error codes where a file cannot have a second name. */
const hasNoLinks = new Set(['EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EXDEV'])

/** Gives an object's data file a second name, the one of a version; where the file system has no links, copies it. It is on disk when this resolves. */
export async function linkVersion(disk: Disk, from: string, to: string): Promise<void> {
  await discardFile(disk, to)
  try {
    await linkOrCopy(disk, from, to)
    await disk.folders.settle(dirname(to))
  } catch (error) {
    await discardQuietly(disk, to)
    throw error
  }
}

async function linkOrCopy(disk: Disk, from: string, to: string): Promise<void> {
  try {
    return await linkMakingFolder(disk, from, to)
  } catch (error) {
    if (!hasNoLinks.has(errorCode(error) ?? '')) throw error
  }
  await disk.fs.copyFile(from, to)
  const file = await disk.fs.open(to, 'r+')
  try {
    const { mtimeNs } = await disk.fs.lstat(from, { bigint: true })
    const seconds = Number(mtimeNs) / 1e9
    await file.utimes(seconds, seconds)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function linkMakingFolder(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.fs.link(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFoldersBelow(disk, dirname(to), { top: disk.root, mode: 0o700 })
    await disk.fs.link(from, to)
  }
}
