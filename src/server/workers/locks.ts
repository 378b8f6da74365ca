/** The filesystem store's locks among processes. The primary has them; workers ask for them over their channel. */
import { createKeyLocks, type KeyLocks } from '../s3/filesystem/key-locks.ts'
import type { LockMessage } from './messages.ts'

export interface RemoteLocks extends KeyLocks {
  /** Starts the work that waits for this lock. */
  grant(lock: number): void
}

/** Returns a worker's locks: each is requested from the primary, and released also when the work throws. */
export function createRemoteLocks(send: (message: LockMessage) => void): RemoteLocks {
  const waiting = new Map<number, () => void>()
  let last = 0

  async function run<T>(
    wanted: Pick<LockMessage & { kind: 'lock' }, 'name' | 'isExclusive' | 'sharing'>,
    work: () => Promise<T>,
  ): Promise<T> {
    last += 1
    const lock = last
    await new Promise<void>((resolve) => {
      waiting.set(lock, resolve)
      send({ kind: 'lock', lock, ...wanted })
    })
    try {
      return await work()
    } finally {
      send({ kind: 'unlock', lock })
    }
  }

  return {
    share: (name, work) => run({ name, isExclusive: false }, work),
    hold: (name, work, sharing) => run({ name, isExclusive: true, sharing }, work),
    grant(lock) {
      waiting.get(lock)?.()
      waiting.delete(lock)
    },
  }
}

export interface LockServer {
  /** Handles a worker's message; calls `grant` when the worker has the lock. */
  handle(worker: number, message: LockMessage, grant: () => void): void
  /** Releases the locks of a worker that has ended, and drops its requests. */
  releaseAll(worker: number): void
}

/** Returns the locks of the primary. */
export function createLockServer(): LockServer {
  const locks = createKeyLocks()
  /** Worker → its lock → the function that releases it. A lock is here from its request on. */
  const requests = new Map<number, Map<number, () => void>>()

  const request = (
    worker: number,
    message: LockMessage & { kind: 'lock' },
    grant: () => void,
  ): void => {
    const own = requests.get(worker) ?? new Map<number, () => void>()
    requests.set(worker, own)
    const released = new Promise<void>((resolve) => own.set(message.lock, resolve))
    const wait = async (): Promise<void> => {
      if (requests.get(worker)?.has(message.lock) !== true) return
      grant()
      await released
    }
    const { name, isExclusive, sharing } = message
    void (isExclusive ? locks.hold(name, wait, sharing) : locks.share(name, wait))
  }

  return {
    handle(worker, message, grant) {
      if (message.kind === 'lock') return request(worker, message, grant)
      const own = requests.get(worker)
      own?.get(message.lock)?.()
      own?.delete(message.lock)
    },
    releaseAll(worker) {
      const own = requests.get(worker)
      requests.delete(worker)
      for (const release of own?.values() ?? []) release()
    },
  }
}
