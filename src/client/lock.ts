/** One process at a time: a file made exclusively, holding pid, host and a word of its own, taken over when its process is gone. */
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { errorCode } from '../base/error-code.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { isAlive } from '../base/process/is-alive.ts'
import { makePrivateFolder, removeQuietly } from '../base/files/private-file.ts'

export interface LockOptions {
  readonly directory: string
  readonly name: string
  readonly timeoutMs: number
  /** Ctrl-C while the lock is held: it is released first. */
  readonly io: Pick<Io, 'listenForSignals' | 'endBySignal'>
}

/** The holder touches its lock this often; one that was left alone much longer has no holder, whatever process bears its number now. */
const heartbeatMs = 10_000
const staleMs = 60_000
/** Of another host: its clock may differ from ours. */
const staleElsewhereMs = 5 * 60_000

/**
 * Runs `work` while holding the lock; releases it whatever happens, a signal and an exit of the process included.
 *
 * @throws {StsCliError} `ERR_TIMEOUT` when another process holds it too long. Where a lock cannot be made at all (a read-only home), the work is done without.
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const path = `${options.directory}/${options.name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 150)}.lock`
  const text = await acquire(path, options)
  if (text === undefined) return work()
  const release = (): void => removeLock(path, text)
  const stopListening = options.io.listenForSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], (name) => {
    release()
    options.io.endBySignal(name)
  })
  const heartbeat = setInterval(() => touchQuietly(path), heartbeatMs).unref()
  process.once('exit', release)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    process.off('exit', release)
    stopListening()
    release()
  }
}

/** @returns What stands in the lock that is ours now; undefined where there can be none. */
async function acquire(
  path: string,
  { directory, timeoutMs }: LockOptions,
): Promise<string | undefined> {
  const deadlineMs = performance.now() + timeoutMs
  const word = Math.random().toString(36).slice(2)
  const text = `${process.pid} ${hostname()} ${word}\n`
  try {
    makePrivateFolder(directory)
  } catch {
    return undefined
  }
  for (let waitMs = 10; ; waitMs = Math.min(200, waitMs * 2)) {
    const result = createWhole(path, text)
    if (result !== 'taken') return result === 'made' ? text : undefined
    const abandoned = findAbandoned(path)
    if (abandoned !== undefined) removeLock(path, abandoned)
    if (performance.now() >= deadlineMs) {
      throw new StsCliError('ERR_TIMEOUT', 'another sts-cli holds the lock of this profile', {
        hint: `if none runs, remove ${path}`,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())))
  }
}

type Creation = 'made' | 'taken' | 'impossible'

/** A link to a finished file, so that no lock is ever seen, or left by a process that dies, without its holder's name. */
function createWhole(path: string, text: string): Creation {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  if (createBare(draft, text) !== 'made') return 'impossible'
  try {
    linkSync(draft, path)
    return 'made'
  } catch (error) {
    // Some file systems know no links.
    return errorCode(error) === 'EEXIST' ? 'taken' : createBare(path, text)
  } finally {
    removeQuietly(draft)
  }
}

function createBare(path: string, text: string): Creation {
  let descriptor: number
  try {
    descriptor = openSync(path, 'wx', 0o600)
  } catch (error) {
    return errorCode(error) === 'EEXIST' ? 'taken' : 'impossible'
  }
  try {
    writeFileSync(descriptor, text)
    return 'made'
  } catch {
    // The disk is full: an empty lock would be nobody's, and in everybody's way.
    removeQuietly(path)
    return 'impossible'
  } finally {
    closeSync(descriptor)
  }
}

/** The text of a lock whose holder is gone. */
function findAbandoned(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    const ageMs = Date.now() - statSync(path).mtimeMs
    const [pid, host] = text.trim().split(' ')
    if (host !== hostname()) return ageMs > staleElsewhereMs ? text : undefined
    return ageMs > staleMs || !isAlive(Number(pid)) ? text : undefined
  } catch {
    return undefined
  }
}

/**
 * Removes this one lock, and never one that was made since. Whoever wants to remove it, its holder too, first makes a claim on it
 * exclusively: between the look at the lock and its removal nobody else can have put another in its place.
 */
function removeLock(path: string, text: string): void {
  const claim = `${path}.${text.replaceAll(/[^A-Za-z0-9]/g, '_').slice(0, 80)}.claim`
  if (createBare(claim, '') !== 'made') {
    removeOldClaim(claim)
    return
  }
  try {
    if (readFileSync(path, 'utf8') === text) removeQuietly(path)
  } catch {
    // It is gone already.
  } finally {
    removeQuietly(claim)
  }
}

/** A claim is held for a moment; one that stays is of a process that was killed in that moment. */
function removeOldClaim(claim: string): void {
  const { mtimeMs } = statSync(claim, { throwIfNoEntry: false }) ?? {}
  if (mtimeMs !== undefined && Date.now() - mtimeMs > staleMs) removeQuietly(claim)
}

function touchQuietly(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Somebody took it over while this machine slept.
  }
}
