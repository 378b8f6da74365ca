/**
 * XXH64, XXH3 and XXH128, which AWS takes as checksums and Node does not have. The adapter of hash-wasm, loaded with the first request that names
 * one. One instance serves all running checksums: each keeps its own state, of at most some hundred bytes, because an instance takes
 * milliseconds to open.
 */
import type { IHasher } from 'hash-wasm'

export type XxHash = 'XXHASH64' | 'XXHASH3' | 'XXHASH128'

const opened = new Map<XxHash, IHasher>()

/** Loads what the hash needs, so that it can be started. */
export async function loadXxHash(name: XxHash): Promise<void> {
  if (opened.has(name)) return
  const { createXXHash128, createXXHash3, createXXHash64 } = await import('hash-wasm')
  const create = { XXHASH64: createXXHash64, XXHASH3: createXXHash3, XXHASH128: createXXHash128 }
  opened.set(name, await create[name]())
}

/** Starts a hash, whose digest is big-endian, the canonical form. @throws Error if it was not loaded. */
export function startXxHash(name: XxHash): { update(data: Uint8Array): void; digest(): Buffer } {
  const hasher = opened.get(name)
  if (hasher === undefined) throw new Error(`${name} was not loaded`)
  let state = hasher.init().save()
  return {
    update(data) {
      state = hasher.load(state).update(data).save()
    },
    digest: () => Buffer.from(hasher.load(state).digest('binary')),
  }
}
