/** The one way from the store to the disk: every call it makes, so that a test can count them, fail them and end them between any two. */
import * as promises from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'

/** The calls of `node:fs/promises` that the store uses; all else goes through the handles that `open` gives. */
export type FileSystem = Pick<
  typeof promises,
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'opendir'
  | 'readdir'
  | 'readFile'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
>

export const nodeFileSystem: FileSystem = promises

export interface FolderSync {
  /** Remembers that a folder was made: its own entry is not on disk before its parent is synced. */
  noteMade(folder: string): void
  /** The folder was taken away again. */
  forget(folder: string): void
  /**
   * Resolves when all names that were made, renamed or removed in the folder before this call are on disk, and the folder's
   * own name with them.
   */
  settle(folder: string): Promise<void>
}

/** What some file systems say to the sync of a folder: they have none, and Windows opens no folder as a file. */
const hasNoSync = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * A rename is safe from a loss of power only when its folder is synced (fsync(2), «Notes»). Writers of one folder share a
 * sync: those that come while one runs wait for the next, which serves all of them.
 */
export function createFolderSync(fs: FileSystem): FolderSync {
  const running = new Map<string, Promise<void>>()
  const waiting = new Map<string, Promise<void>>()
  const made = new Set<string>()

  function start(folder: string): Promise<void> {
    const sync = syncFolder(fs, folder).finally(() => {
      if (running.get(folder) === sync) running.delete(folder)
    })
    running.set(folder, sync)
    return sync
  }

  function share(folder: string): Promise<void> {
    const current = running.get(folder)
    if (!current) return start(folder)
    const known = waiting.get(folder)
    if (known) return known
    const startNext = (): Promise<void> => {
      waiting.delete(folder)
      return start(folder)
    }
    const next = current.then(startNext, startNext)
    waiting.set(folder, next)
    return next
  }

  async function settle(folder: string): Promise<void> {
    await share(folder)
    if (!made.has(folder)) return
    await settle(dirname(folder))
    made.delete(folder)
  }

  return {
    noteMade: (folder) => void made.add(folder),
    forget: (folder) => void made.delete(folder),
    settle,
  }
}

async function syncFolder(fs: FileSystem, folder: string): Promise<void> {
  if (process.platform === 'win32') return
  try {
    const handle = await fs.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (hasNoSync.has(code)) return
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error
    // another request took the empty folder away: what it held is gone when that is on disk
    await syncFolder(fs, dirname(folder))
  }
}
