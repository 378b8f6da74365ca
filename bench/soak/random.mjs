/** Choices and bytes that a seed decides, so that a run can be asked for again. */
import { createCipheriv, createHash } from 'node:crypto'

/** A small generator (mulberry32). The same seed gives the same numbers. */
export function createRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  /** A whole number from `low` to `high`, both among them. */
  const between = (low, high) => low + Math.floor(next() * (high - low + 1))
  return { next, between, pick: (list) => list[Math.floor(next() * list.length)] }
}

/** Picks one of `[weight, value]` by weight. */
export function pickWeighted(random, table) {
  let left = random.next() * table.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, value] of table) {
    left -= weight
    if (left < 0) return value
  }
  return table.at(-1)[1]
}

/** `size` bytes that only `seed` decides: a ledger keeps the seed, not the bytes. */
export function makeBytes(seed, size) {
  const key = createHash('md5').update(`soak ${seed}`).digest()
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
