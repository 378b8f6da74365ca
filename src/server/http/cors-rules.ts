/** A bucket's own CORS rules, and which of them decides about a request (AWS, "Elements of a CORS configuration"). */
import { compileStars } from './cors-origins.ts'

export interface CorsRule {
  readonly id?: string | undefined
  /** Each may have one `*`. */
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  /** Each may have one `*`; compared without case. */
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number | undefined
}

/** What a browser asks before, or sends with, a request to another origin. */
export interface CorsQuestion {
  readonly origin: string
  readonly method: string
  /** In lower case. Empty for anything but a preflight. */
  readonly headers: readonly string[]
}

/** Returns the first rule that allows the origin, the method and every header; undefined if there is none. */
export function findCorsRule(
  rules: readonly CorsRule[],
  { origin, method, headers }: CorsQuestion,
): CorsRule | undefined {
  return rules.find((rule) => {
    const { allowsOrigin, allowsHeader } = compileRule(rule)
    return (
      rule.allowedMethods.includes(method) && allowsOrigin(origin) && headers.every(allowsHeader)
    )
  })
}

interface CompiledRule {
  readonly allowsOrigin: (origin: string) => boolean
  readonly allowsHeader: (name: string) => boolean
}

const compiled = new WeakMap<CorsRule, CompiledRule>()

/** Returns the tests of a rule. They are made once: anybody can send a preflight with many headers, and a rule can have two thousand patterns. */
function compileRule(rule: CorsRule): CompiledRule {
  const known = compiled.get(rule)
  if (known) return known
  const made = {
    allowsOrigin: compileList(rule.allowedOrigins),
    allowsHeader: compileList(rule.allowedHeaders.map((pattern) => pattern.toLowerCase())),
  }
  compiled.set(rule, made)
  return made
}

function compileList(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns)
  const tests = [...exact].filter((pattern) => pattern.includes('*')).map(compileStars)
  // No text that a browser sends has a star, which could stand for a pattern's.
  return (text) => exact.has(text) || tests.some((fits) => fits(text))
}
