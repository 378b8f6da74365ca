/**
 * Brings files to disk after their clients were answered. Until then, the index has what a start needs to do it again (see `redo.ts`); these entries go
 * when the files are on disk. Many files share one sync of the whole file system where there is a command for it: one at a time costs a hundred
 * times as much.
 */
import { dirname } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { silentLog, type Log } from '../../../base/log.ts'
import type { FileSystem, FolderSync } from './file-system.ts'
import { headKey, redoKey } from './index-keys.ts'
import type { KeyLocks } from './key-locks.ts'
import { decodeHead } from './records.ts'
import { syncFile } from './staging.ts'
import type { IndexChange, StoreIndex } from './store-index.ts'

/** A change of files that is not on disk yet. */
export interface Unsettled {
  readonly bucket: string
  readonly key: string
  /** The sequence of the redo entry. */
  readonly sequence: number
  /** The file to sync, with its folder; undefined if they are on disk, or if a file was removed. */
  readonly path?: string | undefined
  /** The folder from which a name was removed. */
  readonly folder?: string | undefined
  /** Bytes of the redo entry. */
  readonly bytes: number
  /** True if the key's head is to be removed too, because the object is gone. */
  readonly isGone?: boolean | undefined
}

export interface Settler {
  /** Waits while too much is unsettled. */
  waitForRoom(): Promise<void>
  note(change: Unsettled): void
  /** Settles everything that was noted before. */
  settle(): Promise<void>
}

export interface SettlerOptions {
  readonly fs: FileSystem
  readonly folders: FolderSync
  readonly index: StoreIndex
  readonly locks: KeyLocks
  readonly root: string
  readonly log?: Log | undefined
  /** Calls back once after a delay; the process may end before. */
  readonly after?: ((delayMs: number, run: () => void) => void) | undefined
}

/** How long files may stay unsettled while little is written. The system's own writeback has brought most of them to disk then. */
const delayMs = 5000
/** A pass begins when this much is unsettled, and writers wait at four times as much. */
const passBytes = 16 * 1024 * 1024
const passChanges = 4096
/** From this number of files on, the whole file system is synced. */
const manyFiles = 64
const atOnce = 16

export function createSettler(options: SettlerOptions): Settler {
  const { log = silentLog, after = startTimer } = options
  let noted: Unsettled[] = []
  let bytes = 0
  let isScheduled = false
  let running: Promise<void> | undefined

  const isFull = (): boolean => noted.length >= 4 * passChanges || bytes >= 4 * passBytes

  async function pass(): Promise<void> {
    const changes = noted
    const passed = bytes
    noted = []
    bytes = 0
    try {
      await settleAll(options, changes)
    } catch (error) {
      // The entries remain in the index, and the next start does these changes again.
      log.error(
        { code: errorCode(error), changes: changes.length, bytes: passed },
        'files could not be synced',
      )
    }
  }

  function start(): Promise<void> {
    running ??= pass().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    async waitForRoom() {
      while (isFull()) await start()
    },
    note(change) {
      noted.push(change)
      bytes += change.bytes
      if (noted.length >= passChanges || bytes >= passBytes) void start()
      if (isScheduled) return
      isScheduled = true
      after(delayMs, () => {
        isScheduled = false
        void start()
      })
    },
    async settle() {
      await running
      await start()
    },
  }
}

function startTimer(waitMs: number, run: () => void): void {
  setTimeout(run, waitMs).unref()
}

async function settleAll(options: SettlerOptions, changes: readonly Unsettled[]): Promise<void> {
  if (changes.length === 0) return
  const files = new Set(changes.flatMap(({ path }) => path ?? []))
  const folders = new Set([
    ...[...files].map((path) => dirname(path)),
    ...changes.flatMap(({ folder }) => folder ?? []),
  ])
  const isAllSynced =
    files.size + folders.size >= manyFiles && (await options.fs.syncAll?.(options.root)) === true
  if (!isAllSynced) {
    await forEach([...files], (path) => syncPresent(options.fs, path))
    await forEach([...folders], (folder) => options.folders.settle(folder))
  }
  const done = changes.filter(({ isGone }) => isGone !== true)
  for (let at = 0; at < done.length; at += passChanges) {
    const part = done.slice(at, at + passChanges)
    await options.index.commit(part.map(toRemoval))
  }
  const gone = changes.filter(({ isGone }) => isGone === true)
  await forEach(gone, (change) => removeHead(options, change))
}

function toRemoval({ bucket, key, sequence }: Unsettled): IndexChange {
  return [redoKey(bucket, key, sequence), undefined]
}

/** Removes the entries of a removed object, unless the key was written again. */
async function removeHead({ locks, index }: SettlerOptions, change: Unsettled): Promise<void> {
  const { bucket, key } = change
  await locks.hold(`${bucket}/${key}`, async () => {
    const head = decodeHead(index.get(headKey(bucket, key)))
    const isSame = head?.sequence === change.sequence
    await index.commit([
      toRemoval(change),
      ...(isSame ? [[headKey(bucket, key), undefined] as const] : []),
    ])
  })
}

/** Syncs a file, unless it was replaced or removed since. */
async function syncPresent(fs: FileSystem, path: string): Promise<void> {
  try {
    await syncFile(fs, path)
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw error
  }
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const run = async (): Promise<void> => {
    for (let item = items[next]; item !== undefined; item = items[next]) {
      next += 1
      await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run))
}
