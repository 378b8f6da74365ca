/**
 * Writes to etcd, many in one transaction, each under a lease; those that fail wait here until etcd is back. An issue therefore costs etcd a
 * fraction of a write and a lease of its own would: leases are shared by what ends within the same few seconds.
 */
import { StsCliError } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import type { EtcdClient } from './etcd-client.ts'
import { createSharedLeases, type LeasedWrite } from './shared-leases.ts'

export interface WriteQueue {
  /** @returns Whether they were written within the limit; if not, they are written as soon as that is possible. */
  write(writes: readonly LeasedWrite[]): Promise<boolean>
  /** To be called when etcd answers: tries what waits. */
  resume(): void
  /** The end of a lease that this queue made; undefined for another's. */
  findLeaseEndMs(lease: string): number | undefined
  /** Whether the last write went well. */
  readonly isWriting: boolean
  /** Tries what waits once more. */
  close(): Promise<void>
}

export interface WriteQueueOptions {
  readonly client: EtcdClient
  readonly nowMs: () => number
  readonly log: Log
  readonly limitMs: number
}

interface Waiting {
  readonly writes: readonly LeasedWrite[]
  done: (isWritten: boolean) => void
}

/** etcd takes 128 operations and 1.5 MiB; an identity has 16 KiB at most. */
const maxWritesPerCommit = 64
/** One more is on its way while another is being written to disk. */
const maxCommits = 2
/** What waits through an outage; beyond it the oldest are dropped, which only a foreign MinIO would miss. */
const maxWaiting = 50_000

interface Queue {
  /** To be sent. */
  next: Waiting[]
  /** Failed, and kept until etcd is back. */
  kept: Waiting[]
  commits: number
  /** Commits begun so far, and the latest of them that succeeded. */
  begun: number
  succeeded: number
  isWriting: boolean
}

/** An empty queue. */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const leases = createSharedLeases(options)
  const queue: Queue = { next: [], kept: [], commits: 0, begun: 0, succeeded: 0, isWriting: true }
  let onIdle: (() => void) | undefined

  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    queue.commits += 1
    queue.begun += 1
    const number = queue.begun
    try {
      await leases.commit(mergeWrites(batch, options.nowMs()))
      if (!queue.isWriting) options.log.info({}, 'etcd takes writes again')
      queue.isWriting = true
      queue.succeeded = Math.max(queue.succeeded, number)
      for (const { done } of batch) done(true)
    } catch (error) {
      // The late failure of one that a later one has overtaken is of an outage that is over: it goes again.
      if (number < queue.succeeded) queue.next.unshift(...batch)
      // What stands behind would only wait out the same failure.
      else keep(queue, [...batch, ...queue.next.splice(0)], { log: options.log, error })
    } finally {
      queue.commits -= 1
      flush()
      if (queue.commits === 0) onIdle?.()
    }
  }
  const flush = (): void => {
    const room = maxCommits - queue.commits
    for (let i = 0; i < room && queue.next.length > 0; i += 1) void commit(takeBatch(queue.next))
  }
  const resume = (): void => {
    if (queue.kept.length === 0) return
    queue.next.unshift(...queue.kept.splice(0))
    flush()
  }

  return {
    write: (writes) =>
      waitAtMost(options.limitMs, (done) => {
        // While etcd is away, waiting for it would only make every login slow.
        if (!queue.isWriting) return keep(queue, [{ writes, done }], { log: options.log })
        queue.next.push({ writes, done })
        // What arrives in this turn of the event loop goes together.
        if (queue.next.length === 1) setImmediate(flush)
      }),
    resume,
    findLeaseEndMs: leases.findEndMs,
    get isWriting() {
      return queue.isWriting
    },
    async close() {
      resume()
      if (queue.next.length === 0 && queue.commits === 0) return
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    },
  }
}

/** What `done` is told, or false when it is told nothing in time. */
function waitAtMost(
  limitMs: number,
  begin: (done: (isDone: boolean) => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs, false)
    begin((isDone) => {
      clearTimeout(timer)
      resolve(isDone)
    })
  })
}

/** Keeps what could not be written, and tells those who wait for it. */
function keep(
  queue: Queue,
  batch: readonly Waiting[],
  { log, error }: { log: Log; error?: unknown },
): void {
  if (queue.isWriting) log.error({ reason: toReason(error) }, 'etcd takes no writes: they wait')
  queue.isWriting = false
  for (const { done } of batch) done(false)
  queue.kept.push(...batch)
  const dropped = queue.kept.splice(0, Math.max(0, queue.kept.length - maxWaiting))
  if (dropped.length > 0)
    log.error({ dropped: dropped.length }, 'more writes wait for etcd than there is room for')
}

function takeBatch(queue: Waiting[]): Waiting[] {
  let size = 0
  let count = 0
  for (const { writes } of queue) {
    if (count > 0 && size + writes.length > maxWritesPerCommit) break
    size += writes.length
    count += 1
  }
  return queue.splice(0, count)
}

/** A transaction may name a key once: the last wins, for as long as the longest. What has ended since it was asked for is left out. */
function mergeWrites(batch: readonly Waiting[], nowMs: number): LeasedWrite[] {
  const byKey = new Map<string, LeasedWrite>()
  for (const write of batch.flatMap(({ writes }) => writes)) {
    const endsAtMs = Math.max(write.endsAtMs, byKey.get(write.key)?.endsAtMs ?? 0)
    if (endsAtMs > nowMs) byKey.set(write.key, { ...write, endsAtMs })
  }
  return [...byKey.values()]
}

function toReason(error: unknown): string {
  return error instanceof StsCliError
    ? `${error.message} ${error.serverMessage ?? ''}`.trim()
    : String(error)
}
