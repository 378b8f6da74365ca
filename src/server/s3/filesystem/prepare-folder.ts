/** A store's folder before the store is opened: it is there, it can be written, and nothing of dead processes lies in it. */
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

/** Leftovers removed together: a start is not to flood the disk. */
const removalsAtOnce = 16

/**
 * Makes the folder where it is missing, and writes a file to see that it can be written.
 *
 * @returns Its real path: one folder has one, whatever it is called.
 * @throws {StsCliError} `ERR_CANNOT_CREATE` naming the folder; `ERR_IO` where the disk is broken.
 */
export async function prepareFolder(directory: string, fs: FileSystem): Promise<string> {
  try {
    makeFolders(directory, 0o777)
    const root = await realpath(directory)
    await fs.mkdir(stagingFolder(root), { recursive: true, mode: 0o700 })
    await tryToWrite({ root, fs })
    await createFolderSync(fs).settle(root)
    return root
  } catch (error) {
    throw cannotKeep(directory, error)
  }
}

/** Writes a small file, on disk, and removes it. @throws Node's own error. */
export async function tryToWrite({ root, fs }: Pick<Storage, 'root' | 'fs'>): Promise<void> {
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

/** Clears the staging folder. What an upload has already is elsewhere. What cannot be removed stays, and is said. */
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

/** @returns What `serve` says of a folder that it cannot use. */
export function cannotKeep(directory: string, cause: unknown): StsCliError {
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
