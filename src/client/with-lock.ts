/** A lock among processes: a file that is made exclusively, with pid, host and a random word; it is taken over when its process is gone. */
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
  /** For Ctrl-C while the lock is held: it is released first. */
  readonly io: Pick<Io, 'listenForSignals' | 'endBySignal'>
}

/** The holder touches its lock this often; a lock that was not touched for much longer has no holder, whatever process has its number now. */
const heartbeatMs = 10_000
const staleMs = 60_000
/** For locks of another host, whose clock may differ. */
const staleElsewhereMs = 5 * 60_000

/**
 * Runs `work` with the lock, and releases it whatever happens, on a signal and at the end of the process too.
 *
 * @throws {StsCliError} `ERR_TIMEOUT` when another process holds it too long. Where no lock can be made (a read-only home), the work is done without one.
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

/** Waits for the lock. @returns The text in the lock that this process holds now; undefined where no lock can be made. */
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
      throw new StsCliError('profile-locked', 'another sts-cli holds the lock of this profile', {
        details: { path },
      })
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())))
  }
}

type Creation = 'made' | 'taken' | 'impossible'

/** Makes the lock as a link to a finished file, so that no process sees or leaves a lock without its holder's name. */
function createWhole(path: string, text: string): Creation {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  if (createBare(draft, text) !== 'made') return 'impossible'
  try {
    linkSync(draft, path)
    return 'made'
  } catch (error) {
    // Some file systems have no links.
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
    // The disk is full: an empty lock would have no holder, and block everybody.
    removeQuietly(path)
    return 'impossible'
  } finally {
    closeSync(descriptor)
  }
}

/** Returns the text of a lock whose holder is gone; undefined for a lock that is held. */
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
 * Removes this lock, and never one that was made since. Every process that wants to remove it, its holder too, first makes a claim file
 * exclusively: between reading the lock and removing it no other process can have replaced it.
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
    // The lock is gone already.
  } finally {
    removeQuietly(claim)
  }
}

/** Removes the claim of a process that was killed while it held it: claims are held for a moment only. */
function removeOldClaim(claim: string): void {
  const { mtimeMs } = statSync(claim, { throwIfNoEntry: false }) ?? {}
  if (mtimeMs !== undefined && Date.now() - mtimeMs > staleMs) removeQuietly(claim)
}

function touchQuietly(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Another process took it over while the machine slept.
  }
}
