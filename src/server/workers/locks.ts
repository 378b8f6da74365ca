/** The filesystem store's locks among processes: the first one keeps them, workers ask it over their channel. */
import { createKeyLocks, type KeyLocks } from '../s3/filesystem/key-locks.ts'
import type { LockMessage } from './messages.ts'

export interface RemoteLocks extends KeyLocks {
  /** Lets the work begin that waits for this lock. */
  grant(lock: number): void
}

/** A worker's side: every lock is asked for, and given back whatever the work came to. */
export function createRemoteLocks(send: (message: LockMessage) => void): RemoteLocks {
  const waiting = new Map<number, () => void>()
  let last = 0

  async function run<T>(name: string, isExclusive: boolean, work: () => Promise<T>): Promise<T> {
    last += 1
    const lock = last
    await new Promise<void>((resolve) => {
      waiting.set(lock, resolve)
      send({ kind: 'lock', lock, name, isExclusive })
    })
    try {
      return await work()
    } finally {
      send({ kind: 'unlock', lock })
    }
  }

  return {
    share: (name, work) => run(name, false, work),
    hold: (name, work) => run(name, true, work),
    grant(lock) {
      waiting.get(lock)?.()
      waiting.delete(lock)
    },
  }
}

export interface LockServer {
  /** Takes a worker's message; `grant` is called when its lock is its own. */
  take(worker: number, message: LockMessage, grant: () => void): void
  /** A worker is dead: what it held is free, what it waited for is not given to it. */
  forget(worker: number): void
}

/** The first process's side. */
export function createLockDesk(): LockServer {
  const locks = createKeyLocks()
  /** Worker → its lock → what gives it back. A lock is here from when it is asked for. */
  const requests = new Map<number, Map<number, () => void>>()

  const ask = (
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
    void (message.isExclusive ? locks.hold(message.name, wait) : locks.share(message.name, wait))
  }

  return {
    take(worker, message, grant) {
      if (message.kind === 'lock') return ask(worker, message, grant)
      const own = requests.get(worker)
      own?.get(message.lock)?.()
      own?.delete(message.lock)
    },
    forget(worker) {
      const own = requests.get(worker)
      requests.delete(worker)
      for (const release of own?.values() ?? []) release()
    },
  }
}
