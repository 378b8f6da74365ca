/** Leases that values share: granted for the first that ends within a few seconds, kept for the others. */
import { StsCliError } from '../../../base/errors.ts'
import type { EtcdClient, EtcdWrite } from './etcd-client.ts'

/** A write that wants a lease; one without a value is a delete. */
export interface LeasedWrite {
  readonly key: string
  readonly value: string | undefined
  /** When the value may go; its lease ends then or a little later. */
  readonly endsAtMs: number
}

export interface SharedLeases {
  /** Grants what is missing and writes all or nothing. @throws {StsCliError} as `EtcdClient`. */
  commit(writes: readonly LeasedWrite[]): Promise<void>
  /** The end of a lease that was granted here; undefined for another's. */
  findEndMs(lease: string): number | undefined
}

/** Leases by the instant they end at. */
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
      forgetEnded()
      lease = client.grantLease(Math.ceil((endMs - nowMs()) / 1000) + 1)
      byEnd.set(endMs, lease)
      lease.then(
        (id) => ends.set(id, endMs),
        () => byEnd.delete(endMs),
      )
    }
    return lease
  }
  const forgetEnded = (): void => {
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
        // Someone revoked it, or etcd was set back to an older copy.
        byEnd.clear()
        await client.commit(await toWrites(writes))
      }
    },
  }
}

/** Values whose ends are within a 256th of their life share a lease, but no less than ten seconds. */
function roundUp(endsAtMs: number, nowMs: number): number {
  const lifeSeconds = Math.max(1, (endsAtMs - nowMs) / 1000)
  const stepMs = Math.max(10, 2 ** Math.floor(Math.log2(lifeSeconds / 256))) * 1000
  return Math.ceil(endsAtMs / stepMs) * stepMs
}

function isLeaseGone(error: unknown): boolean {
  return error instanceof StsCliError && /lease not found/.test(error.serverMessage ?? '')
}
