/** A pattern whose filled-in parts are no wildcards: a claim of `*` must not match everything (WIRE 9.5, injection 3). */
export interface Pattern {
  readonly text: string
  /** Positions in `text` of a `*` or `?` that stands for itself. */
  readonly literals: ReadonlySet<number>
}

const none: ReadonlySet<number> = new Set()

/** A pattern as somebody wrote it: every `*` and `?` is a wildcard. */
export function toPattern(text: string): Pattern {
  return { text, literals: none }
}

/**
 * Whether `text` matches, where `*` stands for any run of characters and `?` for one. Linear in memory and at worst pattern × text in
 * time: a policy cannot make the server think for long.
 */
export function matchesWildcard(pattern: string | Pattern, text: string): boolean {
  const { text: wanted, literals } = typeof pattern === 'string' ? toPattern(pattern) : pattern
  const isWildcard = (at: number, sign: string): boolean => wanted[at] === sign && !literals.has(at)
  let p = 0
  let t = 0
  let starAt = -1
  let resumeAt = 0
  while (t < text.length) {
    if (isWildcard(p, '*')) {
      starAt = p
      resumeAt = t
      p += 1
    } else if (isWildcard(p, '?')) {
      p += 1
      t += widthAt(text, t)
    } else if (wanted[p] === text[t]) {
      p += 1
      t += 1
    } else if (starAt !== -1) {
      resumeAt += widthAt(text, resumeAt)
      p = starAt + 1
      t = resumeAt
    } else {
      return false
    }
  }
  while (isWildcard(p, '*')) p += 1
  return p === wanted.length
}

/** One character may be two of JavaScript's units: `?` stands for all of an emoji. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xff_ff ? 2 : 1
}

/**
 * ARNs are compared part by part: in the first five of six, between colons, a wildcard stops at the colon (IAM User Guide, «ARN condition
 * operators»).
 */
export function matchesArn({ text, literals }: Pattern, arn: string): boolean {
  const wanted = splitArn(text)
  const actual = splitArn(arn)
  if (wanted.length !== actual.length) return false
  let start = 0
  return wanted.every((part, index) => {
    const own = new Set([...literals].map((at) => at - start))
    start += part.length + 1
    return matchesWildcard({ text: part, literals: own }, actual[index] ?? '')
  })
}

function splitArn(arn: string): string[] {
  const parts = arn.split(':')
  return parts.length < 6 ? [arn] : [...parts.slice(0, 5), parts.slice(5).join(':')]
}
