/** The one check that credentials can still be used. On the hot path of `env`: it loads nothing. */
import type { IssuedCredentials } from '../protocol/credentials.ts'

/** A clock set back further than this before the issue makes credentials suspect. */
const maxClockSetBackMs = 300_000

/**
 * Returns the credentials when they are usable for a while yet, else undefined.
 *
 * @param minTtlSeconds The lifetime that must be left; when omitted, the renewal margin.
 */
export function findUsable<T extends IssuedCredentials>(
  credentials: T | undefined,
  nowMs: number,
  minTtlSeconds?: number,
): T | undefined {
  if (credentials === undefined) return undefined
  const marginMs = minTtlSeconds === undefined ? renewalMarginMs(credentials) : minTtlSeconds * 1000
  const isIssuedBefore = nowMs >= credentials.issuedAtMs - maxClockSetBackMs
  return isIssuedBefore && credentials.expiresAtMs - nowMs > marginMs ? credentials : undefined
}

/**
 * Returns the remaining lifetime below which credentials are renewed: a fifth of their lifetime, from one to fifteen minutes, but at most
 * half of their lifetime. Otherwise credentials that live for a minute would be renewed at each use.
 *
 * @param minMarginMs The least margin; a minute, so that a command that starts now can use what it gets.
 */
export function renewalMarginMs(
  { issuedAtMs, expiresAtMs }: Pick<IssuedCredentials, 'issuedAtMs' | 'expiresAtMs'>,
  minMarginMs = 60_000,
): number {
  const lifetimeMs = Math.max(0, expiresAtMs - issuedAtMs)
  return Math.min(900_000, lifetimeMs / 2, Math.max(minMarginMs, lifetimeMs / 5))
}
