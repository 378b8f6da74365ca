/** Clones of files that share their blocks, on file systems that have them (btrfs, XFS, APFS): no byte is copied. */
import { constants } from 'node:fs'
import { errorCode } from '../../../base/error-code.ts'
import { orAbsent, type Storage } from './disk.ts'
import type { OpenedObject } from './locate.ts'
import { discardFile } from './staging.ts'

/** Error codes where two files cannot share blocks. `EPERM`, `ETXTBSY`: swap files and the like. */
const hasNoClones = new Set(
  `EINVAL ENOSYS ENOTSUP ENOTTY EOPNOTSUPP EPERM ETXTBSY EXDEV`.split(' '),
)

/**
 * Clones a file. Only whole files can be cloned from Node. A plain `copyFile` is never the fallback: it holds one of Node's four threads until
 * the last byte of a large file, and cannot be stopped.
 *
 * @returns False where the file system cannot; there is no file at `to` then.
 * @throws Node's own error.
 */
export async function cloneFile(
  { fs }: Pick<Storage, 'fs'>,
  from: string,
  to: string,
): Promise<boolean> {
  try {
    await fs.copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (!hasNoClones.has(errorCode(error) ?? '')) throw error
    return false
  }
}

/**
 * Clones an open object. Another object may have taken its path: its inode differs, because the open file still has its own. A file that was
 * put there by hand is not cloned, because its mode would be cloned too.
 */
export async function cloneObject(
  storage: Pick<Storage, 'fs'>,
  { path, identity, record }: OpenedObject,
  to: string,
): Promise<boolean> {
  if (record === undefined) return false
  const stats = await orAbsent(storage.fs.lstat(path, { bigint: true }))
  if (String(stats?.ino) !== identity.inode) return false
  if (!(await cloneFile(storage, path, to))) return false
  const after = await orAbsent(storage.fs.lstat(path, { bigint: true }))
  const isSame =
    String(after?.ino) === identity.inode &&
    Number(after?.size) === identity.size &&
    String(after?.mtimeNs) === identity.mtimeNs
  if (!isSame) await discardFile(storage, to)
  return isSame
}
