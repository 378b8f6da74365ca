/** Prepares the folder of a store: it exists, it is writable, and it has no leftovers of dead processes. */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { StsCliError } from '../../../base/errors.ts'
import { describeFileError } from '../../../base/files/file-error.ts'
import type { Log } from '../../../base/log.ts'
import { makeFolders } from '../../../base/files/private-file.ts'
import { stagingFolder, type Storage } from './disk.ts'
import { createFolderSync, type FileSystem } from './file-system.ts'
import { chooseStagingPath, discardFile, discardQuietly } from './staging.ts'

/** Number of leftovers removed at once, so that the start does not overload the disk. */
const removalsAtOnce = 16

/**
 * Creates the folder if it is missing, and writes a file to check that it is writable.
 *
 * @returns Its real path, which is the same for every name of one folder.
 * @throws {StsCliError} `ERR_CANNOT_CREATE` naming the folder; `ERR_IO` where the disk is broken.
 */
export async function prepareFolder(directory: string, fs: FileSystem): Promise<string> {
  try {
    makeFolders(directory, 0o777)
    const root = await realpath(directory)
    await fs.mkdir(stagingFolder(root), { recursive: true, mode: 0o700 })
    await checkWritable({ root, fs })
    await createFolderSync(fs).settle(root)
    return root
  } catch (error) {
    throw toFolderError(directory, error)
  }
}

/** Writes a small file, synced to disk, and removes it. @throws Node's own error. */
export async function checkWritable({ root, fs }: Pick<Storage, 'root' | 'fs'>): Promise<void> {
  const path = chooseStagingPath({ root })
  try {
    const handle = await fs.open(path, 'wx', 0o600)
    try {
      await handle.writeFile('can be written\n')
      await handle.datasync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    await discardQuietly({ fs }, path)
    throw error
  }
  await discardFile({ fs }, path)
}

/** Empties the staging folder; the parts of uploads are elsewhere. Logs what cannot be removed. */
export async function removeLeftovers(
  root: string,
  { fs, log }: { fs: FileSystem; log: Log },
): Promise<void> {
  const names = await fs.readdir(stagingFolder(root))
  let failures = 0
  for (let index = 0; index < names.length; index += removalsAtOnce) {
    const removals = names.slice(index, index + removalsAtOnce).map(async (name) => {
      await fs.rm(join(stagingFolder(root), name), { recursive: true, force: true })
    })
    for (const { status } of await Promise.allSettled(removals))
      if (status === 'rejected') failures += 1
  }
  const removed = names.length - failures
  if (removed > 0) log.info({ files: removed }, 'removed what an earlier server left half-written')
  if (failures > 0)
    log.warn({ files: failures }, 'what an earlier server left half-written cannot be removed')
}

/** Returns the error of `serve` for a folder that it cannot use. */
export function toFolderError(directory: string, cause: unknown): StsCliError {
  const isBroken = errorCode(cause) === 'EIO'
  const isFull = errorCode(cause) === 'ENOSPC' || errorCode(cause) === 'EDQUOT'
  return new StsCliError(
    isBroken ? 'disk-failed' : isFull ? 'disk-full' : 'directory-unwritable',
    `cannot keep objects in ${directory}${describeFileError(cause)}`,
    {
      stage: 'serve',
      cause,
    },
  )
}
