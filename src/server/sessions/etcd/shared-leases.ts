/** Leases that are shared by values which expire within the same few seconds. */
import { StsCliError } from '../../../base/errors.ts'
import type { EtcdClient, EtcdWrite } from './etcd-client.ts'

/** A write that needs a lease, or a deletion if there is no value. */
export interface LeasedWrite {
  readonly key: string
  readonly value: string | undefined
  /** When the value may be deleted; its lease ends then or a little later. */
  readonly endsAtMs: number
}

export interface SharedLeases {
  /** Grants the missing leases and writes all or nothing. @throws {StsCliError} As `EtcdClient`. */
  commit(writes: readonly LeasedWrite[]): Promise<void>
  /** Returns when a lease ends that was granted here; undefined for other leases. */
  findEndMs(lease: string): number | undefined
}

/** Returns an empty set of leases. */
export function createSharedLeases({
  client,
  nowMs,
}: {
  readonly client: EtcdClient
  readonly nowMs: () => number
}): SharedLeases {
  const byEnd = new Map<number, Promise<string>>()
  const ends = new Map<string, number>()

  const find = (endsAtMs: number): Promise<string> => {
    const endMs = roundUp(endsAtMs, nowMs())
    let lease = byEnd.get(endMs)
    if (lease === undefined) {
      removeEnded()
      lease = client.grantLease(Math.ceil((endMs - nowMs()) / 1000) + 1)
      byEnd.set(endMs, lease)
      lease.then(
        (id) => ends.set(id, endMs),
        () => byEnd.delete(endMs),
      )
    }
    return lease
  }
  const removeEnded = (): void => {
    for (const endMs of byEnd.keys()) if (endMs <= nowMs()) byEnd.delete(endMs)
    for (const [id, endMs] of ends) if (endMs <= nowMs()) ends.delete(id)
  }
  const toWrites = (writes: readonly LeasedWrite[]): Promise<EtcdWrite[]> =>
    Promise.all(
      writes.map(async ({ key, value, endsAtMs }) => ({
        key,
        value,
        lease: value === undefined ? '0' : await find(endsAtMs),
      })),
    )

  return {
    findEndMs: (lease: string) => ends.get(lease),
    async commit(writes: readonly LeasedWrite[]): Promise<void> {
      if (writes.length === 0) return
      try {
        await client.commit(await toWrites(writes))
      } catch (error) {
        if (!isLeaseGone(error)) throw error
        // A lease was revoked by hand, or etcd was restored from a backup.
        byEnd.clear()
        await client.commit(await toWrites(writes))
      }
    },
  }
}

/** Rounds an end up, so that values share a lease if they end within a 256th of their lifetime, and at least within ten seconds. */
function roundUp(endsAtMs: number, nowMs: number): number {
  const lifetimeSeconds = Math.max(1, (endsAtMs - nowMs) / 1000)
  const stepMs = Math.max(10, 2 ** Math.floor(Math.log2(lifetimeSeconds / 256))) * 1000
  return Math.ceil(endsAtMs / stepMs) * stepMs
}

function isLeaseGone(error: unknown): boolean {
  return error instanceof StsCliError && /lease not found/.test(error.serverMessage ?? '')
}
