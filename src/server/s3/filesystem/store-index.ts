/**
 * The store's index: an ordered map on disk, by the package lmdb, which only this file loads. Reads come from a memory map in microseconds and see the
 * last commit of every process that has the folder open; a commit is atomic and on disk when it resolves, and commits of many writers share one flush.
 */
import { statfs } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { getSystemErrorName } from 'node:util'
import { AwsError } from '../../../protocol/aws-error.ts'
import { StsCliError } from '../../../base/errors.ts'
import { afterPrefix } from './index-keys.ts'

/** A new value of a key; undefined removes it. */
export type IndexChange = readonly [key: Buffer, value: Buffer | undefined]

/** Keys from `start` (inclusive) to `end` (exclusive), in the order of their bytes. */
export interface IndexRange {
  readonly start: Buffer
  readonly end: Buffer
  readonly limit?: number
}

export interface StoreIndex {
  get(key: Buffer): Buffer | undefined
  /** Yields the entries of a range as they were at the call. The caller may not wait between two of them. */
  list(range: IndexRange): Iterable<{ readonly key: Buffer; readonly value: Buffer }>
  /** Makes all changes at once, or none. Resolves when they are on disk. */
  commit(changes: readonly IndexChange[]): Promise<void>
  /** Lets the next read see what other processes have committed meanwhile. */
  refresh(): void
  /** Closes the index after the commits that were begun. Every later call throws `ServiceUnavailable`. */
  close(): Promise<void>
}

/** lmdb's limit for keys, with its default page size. */
const maxKeyBytes = 1978

/**
 * Opens the index in a folder, and creates it if it is missing.
 *
 * @throws {StsCliError} `ERR_IO` if it cannot be opened.
 */
export async function openStoreIndex(folder: string): Promise<StoreIndex> {
  const opened = await openDatabase(folder)
  let isClosed = false
  // A read of a closed database leaves a timer that throws: it would end the process, with what is still to be closed.
  const use = (): typeof opened => {
    if (isClosed) throw new AwsError('ServiceUnavailable', 'the server is stopping')
    return opened
  }
  return {
    get: (key) => (key.length > maxKeyBytes ? undefined : use().get(key)),
    list: ({ start, end, limit }) =>
      use().getRange({
        start: toBound(start),
        end: toBound(end),
        ...(limit === undefined ? {} : { limit }),
      }),
    async commit(changes) {
      const database = use()
      if (changes.some(([key]) => key.length > maxKeyBytes)) throw keyTooLong()
      try {
        await database.batch(() => {
          for (const [key, value] of changes)
            ignoreFailure(value === undefined ? database.remove(key) : database.put(key, value))
        })
      } catch (error) {
        throw await toDiskError(error, folder)
      }
    },
    refresh: () => use().resetReadTxn(),
    async close() {
      if (isClosed) return
      isClosed = true
      await opened.close()
    },
  }
}

/** Returns a bound that lmdb takes, with the same keys before it: no key is longer than its limit, though what a client lists from may be. */
function toBound(key: Buffer): Buffer {
  return key.length > maxKeyBytes ? afterPrefix(key.subarray(0, maxKeyBytes)) : key
}

async function openDatabase(path: string) {
  try {
    const { open } = await import('lmdb')
    const encodings = { keyEncoding: 'binary', encoding: 'binary' } as const
    // With it, lmdb makes promises of its own, whose failures nobody can handle.
    return open<Buffer, Buffer>({ path, ...encodings, eventTurnBatching: false })
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new StsCliError('index-failed', `cannot open the index of objects in ${path}${why}`, {
      stage: 'serve',
      cause,
    })
  }
}

/** The failure of a change is that of its commit. */
function ignoreFailure(change: Promise<unknown>): void {
  change.catch(() => {})
}

/** lmdb's code when the file cannot grow. */
const mapFull = -30_792

/** Below this the disk is full, whatever lmdb calls it: a short write is EIO there. */
const fullBytes = 1024 * 1024

/** Returns an error with the code that Node gives to errors of the disk. */
async function toDiskError(error: unknown, path: string): Promise<unknown> {
  const cause = await findCause(error)
  const number: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
  if (typeof number !== 'number') return error
  const isFull = number === mapFull || (await findFreeBytes(path)) < fullBytes
  const code = isFull ? 'ENOSPC' : number > 0 ? getSystemErrorName(-number) : 'EIO'
  const failure = new Error(`${code}: the index cannot be written`, { cause })
  return Object.assign(failure, { code, syscall: 'commit', path })
}

/** How long lmdb may take to say why a commit failed. */
const causeTimeoutMs = 1000

/** Returns why a commit failed. lmdb gives it as a promise that is rejected with it. */
async function findCause(failure: unknown): Promise<unknown> {
  const promised: unknown =
    failure instanceof Error ? Reflect.get(failure, 'commitError') : undefined
  const cause = Promise.resolve(promised).catch((reason: unknown) => reason)
  const found = await Promise.race([cause, setTimeout(causeTimeoutMs, failure, { ref: false })])
  return found ?? failure
}

async function findFreeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

function keyTooLong(): AwsError {
  return new AwsError('KeyTooLongError', 'a key with this many NUL characters is not supported')
}
