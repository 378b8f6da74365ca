/** The origins whose pages may read answers (Fetch standard, "CORS protocol"). */

/** Returns whether a page of the origin may read answers. */
export type IsOriginAllowed = (origin: string) => boolean

/** The value of an Origin header: `null`, or a scheme with a host (Fetch standard, "Origin header"). A list is never one. */
const originPattern = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s,/?#@\\"<>]+)$/i

/** The time in which a browser need not repeat a preflight. */
export const preflightMaxAgeSeconds = 600

/** A host name has at most 253 characters. */
const maxOriginLength = 512

/** Returns the origin of a request; undefined if there is none, or none that a browser sends. */
export function readOrigin(headers: ReadonlyMap<string, string>): string | undefined {
  const origin = headers.get('origin') ?? ''
  return origin.length <= maxOriginLength && originPattern.test(origin) ? origin : undefined
}

/**
 * Returns the test for a list of origins, in which `*` stands for any text, as in MinIO's `MINIO_API_CORS_ALLOW_ORIGIN`.
 *
 * @param patterns From `readOriginPattern`; undefined allows every origin, as MinIO does by default.
 */
export function allowOrigins(patterns: readonly string[] | undefined): IsOriginAllowed {
  if (patterns === undefined) return () => true
  const tests = patterns.map(compileStars)
  return (origin) => tests.some((fits) => fits(origin))
}

/**
 * Returns the test whether a text fits a pattern, in which `*` stands for any characters or none. The cost is linear in the text for each star,
 * and never more.
 */
export function compileStars(pattern: string): (text: string) => boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return (text) => text === pattern
  return (text) => {
    if (!text.startsWith(first)) return false
    let at = first.length
    for (const piece of others) {
      const found = text.indexOf(piece, at)
      if (found === -1) return false
      at = found + piece.length
    }
    return text.length - last.length >= at && text.endsWith(last)
  }
}

/**
 * Returns an origin as browsers write it: in lower case, without its scheme's default port. With a `*` in it, it only becomes lower case.
 *
 * @returns undefined if the text can never be a browser's origin: it has no scheme, or a path.
 */
export function readOriginPattern(text: string): string | undefined {
  const pattern = text.toLowerCase()
  if (pattern === '*' || pattern === 'null') return pattern
  if (pattern.includes('*'))
    return /^(?:[a-z][a-z0-9+.*-]*|\*):\/\/[^\s,/?#@\\"<>]+$|^\*[^\s,/?#@\\"<>]+$/.test(pattern)
      ? pattern
      : undefined
  if (!originPattern.test(pattern) || !URL.canParse(pattern)) return undefined
  const { protocol, host, origin } = new URL(pattern)
  // `capacitor://localhost` and other schemes of apps have no origin of their own in the URL standard.
  return origin === 'null' ? `${protocol}//${host}` : origin
}
