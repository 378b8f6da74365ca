/**
 * The search for one segment of a wildcard pattern: the part between two stars, which has a fixed length. Every search reads each character
 * of the text once. So a caller who chooses both the pattern and the text cannot make the cost their product.
 */

/** The code point that represents `?` in a segment. */
export const anyCharacter = -1

/** Counts the steps of a comparison, so that a test can limit its cost without a clock. */
export interface StepCounter {
  steps: number
}

/** A segment that is prepared for searches. */
export interface Segment {
  readonly points: Int32Array
  /** The number of `?` before and after the core. The core begins and ends with a character that is not `?`. */
  readonly before: number
  readonly after: number
  readonly core: Core | undefined
}

/**
 * The core of a segment and its search: `short` has at most 32 characters, `plain` is longer and has no `?`, `masked` is longer and has
 * one.
 */
type Core =
  | { readonly kind: 'short'; readonly length: number; readonly masks: ShortMasks }
  | { readonly kind: 'plain'; readonly points: Int32Array; readonly fallbacks: Int32Array }
  | { readonly kind: 'masked'; readonly length: number; readonly masks: Masks }

/** The masks of a short core: one 32-bit word per character, in an array for ASCII and in a map for the other characters. */
interface ShortMasks {
  readonly ascii: Int32Array
  readonly byPoint: ReadonlyMap<number, number>
  readonly others: number
}

/** The masks of a core: `words` 32-bit words per character, and `others` for every character that the core does not contain. */
interface Masks {
  readonly words: number
  readonly others: Int32Array
  readonly byPoint: ReadonlyMap<number, Int32Array>
}

const bitsPerWord = 32
const asciiCount = 128

/**
 * Prepares a segment for searches. The cost is linear in its length. A segment with a `?` inside also costs one step for each different
 * character and 32 characters of its length.
 */
export function prepareSegment(points: Int32Array): Segment {
  let before = 0
  while (before < points.length && points[before] === anyCharacter) before += 1
  if (before === points.length) return { points, before, after: 0, core: undefined }
  let end = points.length
  while (points[end - 1] === anyCharacter) end -= 1
  const core = points.subarray(before, end)
  return { points, before, after: points.length - end, core: prepareCore(core) }
}

/** Chooses the search. A core that fits into one word has the fastest one, because a policy can have many of these. */
function prepareCore(points: Int32Array): Core {
  const { length } = points
  if (length > bitsPerWord && !points.includes(anyCharacter))
    return { kind: 'plain', points, fallbacks: prepareFallbacks(points) }
  const masks = prepareMasks(points)
  return length > bitsPerWord
    ? { kind: 'masked', length, masks }
    : { kind: 'short', length, masks: shorten(masks) }
}

function shorten({ others: [others = 0], byPoint }: Masks): ShortMasks {
  const ascii = new Int32Array(asciiCount).fill(others)
  const rest = new Map<number, number>()
  for (const [point, [mask = 0]] of byPoint)
    if (point < asciiCount) ascii[point] = mask
    else rest.set(point, mask)
  return { ascii, byPoint: rest, others }
}

/** Returns, for each position, the length of the longest proper prefix that ends there (Knuth, Morris and Pratt). */
function prepareFallbacks(points: Int32Array): Int32Array {
  const fallbacks = new Int32Array(points.length)
  let length = 0
  for (let at = 1; at < points.length; at += 1) {
    while (length > 0 && points[at] !== points[length]) length = fallbacks[length - 1] ?? 0
    if (points[at] === points[length]) length += 1
    fallbacks[at] = length
  }
  return fallbacks
}

/** Returns, for each character, one bit for every position where it may occur (the Shift-And algorithm of Baeza-Yates and Gonnet). */
function prepareMasks(points: Int32Array): Masks {
  const words = Math.ceil(points.length / bitsPerWord)
  const others = new Int32Array(words)
  for (let at = 0; at < points.length; at += 1) if (points[at] === anyCharacter) setBit(others, at)
  const byPoint = new Map<number, Int32Array>()
  for (let at = 0; at < points.length; at += 1) {
    const point = points[at] ?? 0
    if (point === anyCharacter) continue
    let mask = byPoint.get(point)
    if (mask === undefined) byPoint.set(point, (mask = others.slice()))
    setBit(mask, at)
  }
  return { words, others, byPoint }
}

function setBit(mask: Int32Array, at: number): void {
  mask[at >> 5] = (mask[at >> 5] ?? 0) | (1 << (at & 31))
}

/**
 * Returns the index where a segment first occurs in `text`, between the indexes `from` and `to`; -1 when it does not occur.
 *
 * @param counter Is increased by at most two steps for each character of the text that is read. For a segment of more than 32 characters
 *   with a `?` inside, by one step for each character of the text and 32 characters of the segment.
 */
export function findSegment(
  { before, after, core }: Segment,
  text: Int32Array,
  { from, to, counter }: { from: number; to: number; counter: StepCounter },
): number {
  if (core === undefined) return from + before <= to ? from : -1
  const range = { from: from + before, to: to - after, counter }
  const at =
    core.kind === 'short'
      ? findShort(core, text, range)
      : core.kind === 'plain'
        ? findPlain(core, text, range)
        : findMasked(core, text, range)
  return at === -1 ? -1 : at - before
}

interface Range {
  readonly from: number
  readonly to: number
  readonly counter: StepCounter
}

function findShort(
  { length, masks }: Extract<Core, { kind: 'short' }>,
  text: Int32Array,
  { from, to, counter }: Range,
): number {
  const { ascii, byPoint, others } = masks
  const lastBit = 1 << (length - 1)
  let state = 0
  let at = from
  for (; at < to; at += 1) {
    const point = text[at] ?? 0
    // `| 0` on both sides keeps the mask a machine integer, which is three times as fast.
    const mask = point < asciiCount ? (ascii[point] ?? 0) | 0 : (byPoint.get(point) ?? others) | 0
    state = ((state << 1) | 1) & mask
    if ((state & lastBit) !== 0) break
  }
  counter.steps += at - from
  return at < to ? at + 1 - length : -1
}

function findPlain(
  { points, fallbacks }: Extract<Core, { kind: 'plain' }>,
  text: Int32Array,
  { from, to, counter }: Range,
): number {
  let length = 0
  let steps = 0
  let found = -1
  for (let at = from; at < to; at += 1) {
    const point = text[at]
    steps += 1
    while (length > 0 && point !== points[length]) {
      length = fallbacks[length - 1] ?? 0
      steps += 1
    }
    if (point === points[length]) length += 1
    if (length === points.length) {
      found = at + 1 - length
      break
    }
  }
  counter.steps += steps
  return found
}

function findMasked(
  { length, masks }: Extract<Core, { kind: 'masked' }>,
  text: Int32Array,
  { from, to, counter }: Range,
): number {
  const { words, others, byPoint } = masks
  const state = new Int32Array(words)
  const lastBit = 1 << ((length - 1) & 31)
  for (let at = from; at < to; at += 1) {
    const mask = byPoint.get(text[at] ?? 0) ?? others
    let carry = 1
    for (let word = 0; word < words; word += 1) {
      const bits = state[word] ?? 0
      state[word] = ((bits << 1) | carry) & (mask[word] ?? 0)
      carry = bits >>> 31
    }
    counter.steps += words
    if (((state[words - 1] ?? 0) & lastBit) !== 0) return at + 1 - length
  }
  return -1
}
