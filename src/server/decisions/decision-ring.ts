/** The record of the last decided requests, in memory. */
import type { KeptRequest } from './decision-record.ts'

export interface DecisionRing {
  add(kept: KeptRequest): void
  /** Returns the request with this id; undefined if it is not kept any more. */
  find(id: string): KeptRequest | undefined
  /** Returns the kept requests, the newest first. */
  list(): readonly KeptRequest[]
}

/** The number of requests that a server keeps unless its options name another. */
export const defaultKeptDecisions = 10_000

/** The most memory of all kept requests together, about. */
const defaultMaxBytes = 32 * 1024 * 1024

/** Returns a ring of the last requests. Beyond `maxCount`, or the memory for it, the oldest are forgotten. */
export function createDecisionRing(maxCount: number, maxBytes = defaultMaxBytes): DecisionRing {
  /** The oldest first. */
  const kept = new Map<string, KeptRequest>()
  let bytes = 0
  const isFull = (): boolean => kept.size > maxCount || bytes > maxBytes
  return {
    add(request) {
      kept.set(request.id, request)
      bytes += request.keptBytes
      if (!isFull()) return
      for (const [id, { keptBytes }] of kept) {
        kept.delete(id)
        bytes -= keptBytes
        if (!isFull()) return
      }
    },
    find: (id) => kept.get(id),
    list: () => [...kept.values()].toReversed(),
  }
}
