/** All calls of the store to the disk pass here, so that a test can count them, fail them, or stop between any two. */
import type { BigIntStats } from 'node:fs'
import * as promises from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'

/** The calls of `node:fs/promises` that the store uses; `open` returns what the store uses of a handle. */
export type FileSystem = Pick<
  typeof promises,
  | 'copyFile'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'opendir'
  | 'readdir'
  | 'readFile'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
> & {
  open(path: string, flags?: string | number, mode?: number): Promise<StoreFile>
  /** Syncs the whole file system of a path. @returns False where that cannot be done. */
  syncAll?(path: string): Promise<boolean>
  /** Returns calls that are made at once; undefined while the disk is slow. */
  readonly findQuickCalls?: (() => QuickCalls | undefined) | undefined
}

/**
 * The calls that find a file, made synchronously. A chain of promises costs more than they do: a quarter of what reading a small object takes.
 * All throw the errors of `node:fs`.
 */
export interface QuickCalls {
  realpath(path: string): string
  /** Returns undefined if the path does not exist. */
  lstat(path: string): BigIntStats | undefined
  open(path: string, flags: number): { readonly handle: StoreFile; readonly stats: BigIntStats }
}

/** An open file. As with a `FileHandle`, `close` waits for the reads and writes that were begun. */
export interface StoreFile {
  stat(options: { readonly bigint: true }): Promise<BigIntStats>
  utimes(atimeSeconds: number, mtimeSeconds: number): Promise<void>
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>
  writev(
    buffers: readonly Uint8Array[],
    position?: number,
  ): Promise<{ readonly bytesWritten: number }>
  writeFile(data: string | Uint8Array): Promise<void>
  sync(): Promise<void>
  datasync(): Promise<void>
  close(): Promise<void>
}

/** The calls of Node, each through its thread pool. */
export const nodeFileSystem: FileSystem = promises

export interface FolderSync {
  /** Notes that a folder was created: its entry is on disk only when its parent is synced. */
  noteMade(folder: string): void
  /** Notes that the folder was removed. */
  forget(folder: string): void
  /**
   * Resolves when all names that were created, renamed or removed in the folder before this call are on disk, and the folder's
   * own name too.
   */
  settle(folder: string): Promise<void>
}

/** Error codes where folders cannot be synced: some file systems do not support it, and Windows does not open a folder as a file. */
const hasNoSync = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * A rename is safe from a loss of power only when its folder is synced (fsync(2), "Notes"). Writers of one folder share a
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
    // Another request removed the empty folder, so nothing in it is left to sync.
    await syncFolder(fs, dirname(folder))
  }
}
