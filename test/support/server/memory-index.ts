/** An index in memory, for tests that stop a store between any two steps. */
import type { IndexChange, StoreIndex } from '../../../src/server/s3/filesystem/store-index.ts'

/** The entries by key, each key as latin1 text. */
export type IndexContent = Map<string, Buffer>

/** @param beforeCommit Throws where the process ends, or the disk fails, instead of the commit. */
export function createMemoryIndex(
  content: IndexContent,
  { beforeCommit, beforeRead }: { beforeCommit(): void; beforeRead(): void },
): StoreIndex {
  const toText = (key: Buffer): string => key.toString('latin1')
  return {
    get(key) {
      beforeRead()
      return content.get(toText(key))
    },
    list({ start, end, limit = Number.POSITIVE_INFINITY }) {
      beforeRead()
      const [first, last] = [toText(start), toText(end)]
      return [...content.entries()]
        .filter(([key]) => key >= first && key < last)
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .slice(0, limit)
        .map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), value }))
    },
    async commit(changes: readonly IndexChange[]) {
      beforeCommit()
      for (const [key, value] of changes) {
        if (value === undefined) content.delete(toText(key))
        else content.set(toText(key), value)
      }
    },
    refresh: () => {},
    close: async () => {},
  }
}
