/**
 * The search for one stretch of a wildcard pattern: what stands between two stars, of a fixed length. Both methods read each character
 * of the text once, whatever the pattern and the text are: whoever chooses the two cannot make their product the cost.
 */

/** The code point that stands for `?` in a stretch. */
export const anyCharacter = -1

/** Counts the steps of a comparison, so that a test can hold its cost to a bound without a clock. */
export interface StepCounter {
  steps: number
}

/** A stretch without stars, ready to be searched for. */
export interface Stretch {
  readonly points: Int32Array
  /** How many `?` come before and after the core, the part that begins and ends with a character. */
  readonly before: number
  readonly after: number
  readonly core: Core | undefined
}

type Core =
  | { readonly kind: 'short'; readonly length: number; readonly masks: ShortMasks }
  | { readonly kind: 'plain'; readonly points: Int32Array; readonly fallbacks: Int32Array }
  | { readonly kind: 'masked'; readonly length: number; readonly masks: Masks }

/** One word a character: those of ASCII by their number, the others by name. */
interface ShortMasks {
  readonly ascii: Int32Array
  readonly byPoint: ReadonlyMap<number, number>
  readonly others: number
}

interface Masks {
  readonly words: number
  readonly others: Int32Array
  readonly byPoint: ReadonlyMap<number, Int32Array>
}

const bitsPerWord = 32
const asciiCount = 128

/** Prepares a stretch: linear in its length (with `?` inside: once for each different character in it and 32 characters of length). */
export function prepareStretch(points: Int32Array): Stretch {
  let before = 0
  while (before < points.length && points[before] === anyCharacter) before += 1
  if (before === points.length) return { points, before, after: 0, core: undefined }
  let end = points.length
  while (points[end - 1] === anyCharacter) end -= 1
  const core = points.subarray(before, end)
  return { points, before, after: points.length - end, core: prepareCore(core) }
}

/** A core of one word is searched the fastest way there is: of such, a policy can have many. */
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

/** For each position the length of the longest proper prefix that ends there (Knuth, Morris and Pratt). */
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

/** For each character a bit for every position at which it may stand (Baeza-Yates and Gonnet’s Shift-And). */
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
 * Finds the first place of a stretch in `text` from `from` on that ends at `to` or before.
 *
 * @param counter Gets at most two steps for each character of the text that was read; for a stretch of more than 32 characters with a `?`
 *   inside, one for each character and 32 characters of the stretch.
 * @returns Its beginning; -1 when there is none.
 */
export function findStretch(
  { before, after, core }: Stretch,
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
    // `| 0` on each side keeps the mask a machine integer: three times as fast.
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
