/** One process at a time: a file made exclusively, holding pid and host, taken over when its process is gone. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { StsCliError } from '../base/errors.ts'
import { removeQuietly } from '../base/private-file.ts'

export interface LockOptions {
  readonly directory: string
  readonly name: string
  readonly timeoutMs: number
}

/** A holder on another host cannot be asked whether it lives; no request takes this long. */
const staleMs = 5 * 60 * 1000

/**
 * Runs `work` while holding the lock; releases it whatever happens.
 *
 * @throws {StsCliError} `ERR_TIMEOUT` when another process holds it too long. Where a lock cannot be made at all (a read-only home), the work is done without.
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const path = `${options.directory}/${options.name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 150)}.lock`
  const release = await acquire(path, options)
  try {
    return await work()
  } finally {
    release()
  }
}

async function acquire(path: string, { directory, timeoutMs }: LockOptions): Promise<() => void> {
  const deadlineMs = performance.now() + timeoutMs
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch {
    return () => {}
  }
  for (let waitMs = 10; ; waitMs = Math.min(200, waitMs * 2)) {
    try {
      const descriptor = openSync(path, 'wx', 0o600)
      writeSync(descriptor, `${process.pid} ${hostname()}\n`)
      closeSync(descriptor)
      return () => removeQuietly(path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) return () => {}
    }
    if (isAbandoned(path)) stealLock(path)
    else if (performance.now() >= deadlineMs) {
      throw new StsCliError('ERR_TIMEOUT', 'another sts-cli holds the lock of this profile', {
        hint: `if none runs, remove ${path}`,
      })
    } else await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())))
  }
}

function isAbandoned(path: string): boolean {
  try {
    const [pidText = '', host = ''] = readFileSync(path, 'utf8').trim().split(' ')
    const ageMs = Date.now() - statSync(path).mtimeMs
    if (host !== hostname() || pidText === '') return ageMs > staleMs
    process.kill(Number(pidText), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

/** Renamed first: of two that find the same dead lock, one rename succeeds, and a lock made meanwhile is not removed. */
function stealLock(path: string): void {
  const aside = `${path}.${process.pid}.dead`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  removeQuietly(aside)
}
