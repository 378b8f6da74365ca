import { describe, expect, it } from 'vitest'
import { createLockServer, createRemoteLocks } from '../../../src/server/workers/locks.ts'

/** Returns workers whose channel to the primary is a function call. */
function connect(count: number) {
  const lockServer = createLockServer()
  const workers = Array.from({ length: count }, (_, worker) => {
    const locks = createRemoteLocks((message) =>
      lockServer.handle(worker, message, () => {
        if (message.kind === 'lock') locks.grant(message.lock)
      }),
    )
    return locks
  })
  return { lockServer, workers }
}

/** Returns work that runs until it is ended, and that says whether it has begun. */
function makeWork() {
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const work = {
    hasBegun: false,
    begun,
    end: () => end(),
    run: async (): Promise<void> => {
      work.hasBegun = true
      begin()
      await ended
    },
  }
  return work
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('locks between workers', () => {
  it('only one worker at a time holds an exclusive lock', async () => {
    const { workers } = connect(2)
    const first = makeWork()
    const second = makeWork()
    void workers[0]?.hold('bucket/key', first.run)
    const done = workers[1]?.hold('bucket/key', second.run)
    await first.begun
    await settle()
    expect(second.hasBegun).toBe(false)

    first.end()
    await second.begun
    second.end()
    await done
  })

  it('many workers can share a lock, and an exclusive holder waits for all of them', async () => {
    const { workers } = connect(3)
    const sharers = [makeWork(), makeWork()]
    const holder = makeWork()
    sharers.forEach((work, index) => void workers[index]?.share('bucket', work.run))
    void workers[2]?.hold('bucket', holder.run)
    await Promise.all(sharers.map((work) => work.begun))
    sharers[0]?.end()
    await settle()
    expect(holder.hasBegun).toBe(false)

    sharers[1]?.end()
    await holder.begun
    holder.end()
  })

  it('a lock is released if the work fails, and the caller gets the error', async () => {
    const { workers } = connect(2)
    const failing = workers[0]?.hold('key', () => Promise.reject(new Error('disk')))
    await expect(failing).rejects.toThrow('disk')
    await expect(workers[1]?.hold('key', async () => 'held')).resolves.toBe('held')
  })

  it('the locks of a dead worker are released, and it is not given a lock that it waited for', async () => {
    const { lockServer, workers } = connect(3)
    const held = makeWork()
    const waited = makeWork()
    void workers[0]?.hold('key', held.run)
    void workers[1]?.hold('key', waited.run)
    await held.begun
    lockServer.releaseAll(1)
    lockServer.releaseAll(0)
    await expect(workers[2]?.hold('key', async () => 'held')).resolves.toBe('held')
    expect(waited.hasBegun).toBe(false)
  })
})
