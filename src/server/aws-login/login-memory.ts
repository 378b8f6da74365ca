/**
 * The little that a login must remember, for minutes, in all processes of a server: codes that were not used yet, proofs that were used, devices that
 * wait for a person. A restart forgets it, and the person signs in again.
 */

/** What is remembered, and how many entries of it. Anybody may begin a device's login; everything else is by somebody who signed in. */
const limits = {
  code: 20_000,
  proof: 200_000,
  device: 10_000,
  renewed: 20_000,
  'signed-out': 50_000,
}

export type MemoryKind = keyof typeof limits

/** Names an entry. */
export interface MemoryKey {
  readonly kind: MemoryKind
  readonly name: string
}

export interface LoginMemory {
  /** Adds an entry. Resolves to false if it is there already, or if there is no room for it. */
  add(key: MemoryKey, value: string, endsAtMs: number): Promise<boolean>
  /** Changes the value of an entry. Resolves to false if it is not `from` any more. */
  change(key: MemoryKey, from: string, to: string): Promise<boolean>
  read(key: MemoryKey): Promise<string | undefined>
  /** Returns the value and removes the entry: of two that ask, one gets it. */
  take(key: MemoryKey): Promise<string | undefined>
}

interface Entry {
  value: string
  readonly endsAtMs: number
}

/** Returns an empty memory of this process. */
export function createLoginMemory(nowMs: () => number): LoginMemory {
  const kinds = new Map<MemoryKind, Map<string, Entry>>()
  const entriesOf = (kind: MemoryKind): Map<string, Entry> => {
    const entries = kinds.get(kind) ?? new Map<string, Entry>()
    kinds.set(kind, entries)
    return entries
  }
  const find = ({ kind, name }: MemoryKey): Entry | undefined => {
    const entry = entriesOf(kind).get(name)
    return entry === undefined || nowMs() >= entry.endsAtMs ? undefined : entry
  }
  const hasRoom = (kind: MemoryKind): boolean => {
    const entries = entriesOf(kind)
    if (entries.size < limits[kind]) return true
    for (const [name, entry] of entries) if (nowMs() >= entry.endsAtMs) entries.delete(name)
    return entries.size < limits[kind]
  }
  return {
    async add(key, value, endsAtMs) {
      if (find(key) !== undefined || !hasRoom(key.kind)) return false
      entriesOf(key.kind).set(key.name, { value, endsAtMs })
      return true
    },
    async change(key, from, to) {
      const entry = find(key)
      if (entry?.value !== from) return false
      entry.value = to
      return true
    },
    read: async (key) => find(key)?.value,
    async take(key) {
      const entry = find(key)
      entriesOf(key.kind).delete(key.name)
      return entry?.value
    },
  }
}
