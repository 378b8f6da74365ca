/**
 * Writes to etcd, many in one transaction, each under a shared lease. Writes that fail are kept until etcd answers again. A session thus costs
 * etcd a fraction of what a write and a lease of its own would.
 */
import type { Log } from '../../../base/log.ts'
import { describeError } from './describe-error.ts'
import type { EtcdClient } from './etcd-client.ts'
import { createSharedLeases, type LeasedWrite } from './shared-leases.ts'

export interface WriteQueue {
  /** @returns Whether they were written within the limit; if not, they are written as soon as possible. */
  write(writes: readonly LeasedWrite[]): Promise<boolean>
  /** Retries the kept writes. Call it when etcd answers. */
  resume(): void
  /** Returns when a lease ends that this queue granted; undefined for other leases. */
  findLeaseEndMs(lease: string): number | undefined
  /** Whether the last write succeeded. */
  readonly isWriting: boolean
  /** Retries the kept writes once more, and waits for all writes in progress. */
  close(): Promise<void>
}

export interface WriteQueueOptions {
  readonly client: EtcdClient
  readonly nowMs: () => number
  readonly log: Log
  readonly limitMs: number
}

interface QueuedWrite {
  readonly writes: readonly LeasedWrite[]
  done: (isWritten: boolean) => void
}

/** etcd accepts 128 operations and 1.5 MiB in a transaction; an identity has at most 16 KiB. */
const maxWritesPerCommit = 64
/** Transactions at once: one is on its way while another is written to disk. */
const maxCommits = 2
/** Writes kept during an outage. Beyond it the oldest are dropped, which affects only a MinIO on the same etcd. */
const maxKept = 50_000

interface Queue {
  /** Writes to send. */
  next: QueuedWrite[]
  /** Failed writes, kept until etcd answers. */
  kept: QueuedWrite[]
  commits: number
  /** The number of commits started, and the latest of them that succeeded. */
  begun: number
  succeeded: number
  isWriting: boolean
}

/** Returns an empty queue. */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const leases = createSharedLeases(options)
  const queue: Queue = { next: [], kept: [], commits: 0, begun: 0, succeeded: 0, isWriting: true }
  let onIdle: (() => void) | undefined

  const commit = async (batch: readonly QueuedWrite[]): Promise<void> => {
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
      // If a later commit has succeeded, the outage is over: this one is sent again.
      if (number < queue.succeeded) queue.next.unshift(...batch)
      // The writes behind it would only fail the same way.
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
        // While etcd is unavailable, waiting for it would only slow down every login.
        if (!queue.isWriting) return keep(queue, [{ writes, done }], { log: options.log })
        queue.next.push({ writes, done })
        // Writes of the same turn of the event loop are sent together.
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

/** Resolves to what `done` is called with, or to false if it is not called in time. */
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

/** Keeps writes that failed, and resolves their promises. */
function keep(
  queue: Queue,
  batch: readonly QueuedWrite[],
  { log, error }: { log: Log; error?: unknown },
): void {
  if (queue.isWriting)
    log.error({ reason: describeError(error) }, 'etcd takes no writes: they wait')
  queue.isWriting = false
  for (const { done } of batch) done(false)
  queue.kept.push(...batch)
  const dropped = queue.kept.splice(0, Math.max(0, queue.kept.length - maxKept))
  if (dropped.length > 0)
    log.error({ dropped: dropped.length }, 'more writes wait for etcd than there is room for')
}

function takeBatch(queue: QueuedWrite[]): QueuedWrite[] {
  let size = 0
  let count = 0
  for (const { writes } of queue) {
    if (count > 0 && size + writes.length > maxWritesPerCommit) break
    size += writes.length
    count += 1
  }
  return queue.splice(0, count)
}

/** Merges writes, as a transaction may name a key once: the last value counts, until the latest end. Writes that have expired are left out. */
function mergeWrites(batch: readonly QueuedWrite[], nowMs: number): LeasedWrite[] {
  const byKey = new Map<string, LeasedWrite>()
  for (const write of batch.flatMap(({ writes }) => writes)) {
    const endsAtMs = Math.max(write.endsAtMs, byKey.get(write.key)?.endsAtMs ?? 0)
    if (endsAtMs > nowMs) byKey.set(write.key, { ...write, endsAtMs })
  }
  return [...byKey.values()]
}
