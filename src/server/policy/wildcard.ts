/** Wildcard patterns of policies: `*` matches any number of characters, `?` matches one. */
import {
  anyCharacter,
  findSegment,
  prepareSegment,
  type StepCounter,
  type Segment,
} from './wildcard-search.ts'

/** A pattern with the positions that are not wildcards. A claim with the value `*` must not match everything (docs/wire.md §9.5, injection 3). */
export interface Pattern {
  readonly text: string
  /** The positions in `text` of each `*` and `?` that is a plain character. */
  readonly literals: ReadonlySet<number>
}

/** A compiled pattern, split at its stars. */
export interface Wildcard {
  /** The part before the first star; the whole pattern when there is no star. */
  readonly first: Int32Array
  readonly hasStar: boolean
  /** The segments between two stars, in order, without empty ones. */
  readonly middle: readonly Segment[]
  /** The part after the last star. */
  readonly last: Int32Array
  /** The fewest characters of a text that matches. */
  readonly minLength: number
}

const noLiterals: ReadonlySet<number> = new Set()
const noPoints = new Int32Array(0)

/** Returns the pattern of a text in which every `*` and `?` is a wildcard. */
export function toPattern(text: string): Pattern {
  return { text, literals: noLiterals }
}

/** Compiles a pattern, in time linear in its length. A character outside the Basic Multilingual Plane counts as one character. */
export function compileWildcard(pattern: string | Pattern): Wildcard {
  const { text, literals } = typeof pattern === 'string' ? toPattern(pattern) : pattern
  const segments: number[][] = [[]]
  let current = segments[0] ?? []
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at) ?? 0
    const isWild = (point === 0x2a || point === 0x3f) && !literals.has(at)
    if (isWild && point === 0x2a) segments.push((current = []))
    else current.push(isWild ? anyCharacter : point)
    at += point > 0xff_ff ? 2 : 1
  }
  const [first = noPoints, ...rest] = segments.map((points) => Int32Array.from(points))
  const last = rest.pop()
  return {
    first,
    hasStar: last !== undefined,
    middle: rest.filter((points) => points.length > 0).map(prepareSegment),
    last: last ?? noPoints,
    minLength: segments.reduce((sum, points) => sum + points.length, 0),
  }
}

/** Returns the code points of a text, which wildcards are compared with. Compute them once for comparisons with many patterns. */
export function toCodePoints(text: string): Int32Array {
  const points = new Int32Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; length += 1) {
    const point = text.codePointAt(at) ?? 0
    points[length] = point
    at += point > 0xff_ff ? 2 : 1
  }
  return points.subarray(0, length)
}

/**
 * Returns whether a text matches a pattern. The two ends are compared first. Then each segment between two stars is searched for and matched
 * where it first occurs; a later position would only leave less room for the rest. The cost is linear: at most two steps for each character
 * of the text and one for each character of the pattern. A segment of n > 32 characters with a `?` inside costs ⌈n/32⌉ steps for each
 * character that is searched.
 *
 * @param counter Is increased by the steps of this comparison.
 */
export function matchesWildcard(
  pattern: string | Pattern | Wildcard,
  text: string | Int32Array,
  counter: StepCounter = { steps: 0 },
): boolean {
  const isCompiled = typeof pattern !== 'string' && 'middle' in pattern
  const wildcard = isCompiled ? pattern : compileWildcard(pattern)
  const points = typeof text === 'string' ? toCodePoints(text) : text
  const { first, hasStar, middle, last, minLength } = wildcard
  if (points.length < minLength || (!hasStar && points.length > minLength)) return false
  const to = points.length - last.length
  if (!isAt(first, points, { at: 0, counter }) || !isAt(last, points, { at: to, counter }))
    return false
  let from = first.length
  for (const segment of middle) {
    const at = findSegment(segment, points, { from, to, counter })
    if (at === -1) return false
    from = at + segment.points.length
  }
  return true
}

function isAt(
  expected: Int32Array,
  text: Int32Array,
  { at, counter }: { at: number; counter: StepCounter },
): boolean {
  let index = 0
  while (
    index < expected.length &&
    (expected[index] === anyCharacter || expected[index] === text[at + index])
  )
    index += 1
  counter.steps += index + 1
  return index === expected.length
}

/** Returns whether the pattern might match some text that begins with `prefix` and is longer than it. */
export function couldMatchPrefix({ first, hasStar }: Wildcard, prefix: string): boolean {
  const points = toCodePoints(prefix)
  if (!hasStar && first.length <= points.length) return false
  const shared = Math.min(first.length, points.length)
  return isAt(first.subarray(0, shared), points, { at: 0, counter: { steps: 0 } })
}

/** Returns true when the pattern's form shows that it matches every text that begins with `prefix`: `a*` matches all that begins with `a`. */
export function matchesWholePrefix(wildcard: Wildcard, prefix: string): boolean {
  const { middle, last } = wildcard
  return (
    middle.length === 0 &&
    last.length === 0 &&
    wildcard.hasStar &&
    matchesWildcard(wildcard, prefix)
  )
}

/**
 * Returns a function that compares ARNs with a pattern. ARNs are compared part by part, and in the first five of the six parts a wildcard
 * does not match beyond a colon (IAM User Guide, "Amazon Resource Name (ARN) condition operators").
 */
export function compileArn({ text, literals }: Pattern): (arn: string) => boolean {
  let start = 0
  const expected = splitArn(text).map((part) => {
    const own = new Set<number>()
    for (const at of literals) if (at >= start && at < start + part.length) own.add(at - start)
    start += part.length + 1
    return compileWildcard({ text: part, literals: own })
  })
  return (arn) => {
    const actual = splitArn(arn)
    if (expected.length !== actual.length) return false
    return expected.every((part, index) => matchesWildcard(part, actual[index] ?? ''))
  }
}

function splitArn(arn: string): string[] {
  const parts = arn.split(':')
  return parts.length < 6 ? [arn] : [...parts.slice(0, 5), parts.slice(5).join(':')]
}
