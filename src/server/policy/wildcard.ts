/** Wildcard patterns of policies: `*` stands for any run of characters, `?` for one. */
import {
  anyCharacter,
  findStretch,
  prepareStretch,
  type StepCounter,
  type Stretch,
} from './wildcard-search.ts'

/** A pattern whose filled-in parts are no wildcards: a claim of `*` must not match everything (docs/wire.md §9.5, injection 3). */
export interface Pattern {
  readonly text: string
  /** Positions in `text` of a `*` or `?` that stands for itself. */
  readonly literals: ReadonlySet<number>
}

/** A pattern ready to be compared, cut at its stars. */
export interface Wildcard {
  /** What the text must begin with: all of it when there is no star. */
  readonly first: Int32Array
  readonly hasStar: boolean
  /** Stretches between two stars, in order, none of them empty. */
  readonly middle: readonly Stretch[]
  /** What the text must end with, after the last star. */
  readonly last: Int32Array
  /** Characters that a text has at least. */
  readonly minLength: number
}

const none: ReadonlySet<number> = new Set()
const nothing = new Int32Array(0)

/** A pattern as somebody wrote it: every `*` and `?` is a wildcard. */
export function toPattern(text: string): Pattern {
  return { text, literals: none }
}

/** Prepares a pattern for comparisons: linear in its length. A character outside of the basic plane is one character. */
export function compileWildcard(pattern: string | Pattern): Wildcard {
  const { text, literals } = typeof pattern === 'string' ? toPattern(pattern) : pattern
  const stretches: number[][] = [[]]
  let current = stretches[0] ?? []
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at) ?? 0
    const isWild = (point === 0x2a || point === 0x3f) && !literals.has(at)
    if (isWild && point === 0x2a) stretches.push((current = []))
    else current.push(isWild ? anyCharacter : point)
    at += point > 0xff_ff ? 2 : 1
  }
  const [first = nothing, ...rest] = stretches.map((points) => Int32Array.from(points))
  const last = rest.pop()
  return {
    first,
    hasStar: last !== undefined,
    middle: rest.filter((points) => points.length > 0).map(prepareStretch),
    last: last ?? nothing,
    minLength: stretches.reduce((sum, points) => sum + points.length, 0),
  }
}

/** The code points of a text: what a wildcard is compared with. Worth keeping where many patterns are. */
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
 * Whether a text matches. The two ends are compared first; each stretch between two stars is then taken where it first occurs, which is
 * right because a later place leaves less room for the rest. The cost is linear: at most two steps for each character of the text and one
 * for each of the pattern (a stretch of n > 32 characters with a `?` inside: ⌈n/32⌉ steps for each character that is searched).
 *
 * @param counter Gets the steps.
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
  for (const stretch of middle) {
    const at = findStretch(stretch, points, { from, to, counter })
    if (at === -1) return false
    from = at + stretch.points.length
  }
  return true
}

function isAt(
  wanted: Int32Array,
  text: Int32Array,
  { at, counter }: { at: number; counter: StepCounter },
): boolean {
  let index = 0
  while (
    index < wanted.length &&
    (wanted[index] === anyCharacter || wanted[index] === text[at + index])
  )
    index += 1
  counter.steps += index + 1
  return index === wanted.length
}

/** Whether some text that begins with `beginning` and goes on for at least one character matches. */
export function couldMatchBeyond({ first, hasStar }: Wildcard, beginning: string): boolean {
  const points = toCodePoints(beginning)
  if (!hasStar && first.length <= points.length) return false
  const shared = Math.min(first.length, points.length)
  return isAt(first.subarray(0, shared), points, { at: 0, counter: { steps: 0 } })
}

/** Whether every text that begins with `beginning` matches, as far as the pattern’s form tells: `a*` of what begins with `a`. */
export function matchesAllBeyond(wildcard: Wildcard, beginning: string): boolean {
  const { middle, last } = wildcard
  return (
    middle.length === 0 &&
    last.length === 0 &&
    wildcard.hasStar &&
    matchesWildcard(wildcard, beginning)
  )
}

/**
 * Prepares a pattern for ARNs, which are compared part by part: in the first five of six, between colons, a wildcard stops at the colon
 * (IAM User Guide, «ARN condition operators»).
 */
export function compileArn({ text, literals }: Pattern): (arn: string) => boolean {
  let start = 0
  const wanted = splitArn(text).map((part) => {
    const own = new Set<number>()
    for (const at of literals) if (at >= start && at < start + part.length) own.add(at - start)
    start += part.length + 1
    return compileWildcard({ text: part, literals: own })
  })
  return (arn) => {
    const actual = splitArn(arn)
    if (wanted.length !== actual.length) return false
    return wanted.every((part, index) => matchesWildcard(part, actual[index] ?? ''))
  }
}

function splitArn(arn: string): string[] {
  const parts = arn.split(':')
  return parts.length < 6 ? [arn] : [...parts.slice(0, 5), parts.slice(5).join(':')]
}
