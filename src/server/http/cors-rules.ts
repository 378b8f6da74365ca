/** A bucket's own CORS rules, and which of them decides about a request (AWS, "Elements of a CORS configuration"). */
import { matchesStars } from './cors-origins.ts'

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
  return rules.find(
    (rule) =>
      rule.allowedOrigins.some((pattern) => matchesStars(pattern, origin)) &&
      rule.allowedMethods.includes(method) &&
      headers.every((name) => allowsHeader(rule, name)),
  )
}

function allowsHeader({ allowedHeaders }: CorsRule, name: string): boolean {
  return allowedHeaders.some((pattern) => matchesStars(pattern.toLowerCase(), name))
}
