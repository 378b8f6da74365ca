/**
 * Credentials that are computed, not kept: the secret key is an HMAC of the access key, the session token a JWT under the root secret.
 * Nothing is written when they are issued, nothing is lost in a crash, and every replica with the same root secret accepts them.
 */
import type { JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { createRevocations, type Revocation, type Revocations } from './revocations.ts'
import { readOwnPrincipal } from './session-claims.ts'
import {
  createSessionTokens,
  type SessionTokens,
  type SessionTokensOptions,
} from './session-tokens.ts'
import type { RevocationTarget, SessionLookup, SessionStore } from './session-store.ts'

/** Opens the store that needs none. */
export function createDerivedSessions(options: SessionTokensOptions): SessionStore {
  const { nowMs } = options
  const tokens = createSessionTokens(options)
  const revocations = createRevocations(nowMs)
  return {
    issue: async (request) => tokens.issue(request),
    async lookUp(accessKeyId, sessionToken) {
      const claims = sessionToken === undefined ? undefined : tokens.read(sessionToken, accessKeyId)
      return lookUpDerived({ accessKeyId, sessionToken, claims }, { tokens, revocations, nowMs })
    },
    async revoke(target, atMs = nowMs()) {
      if (!revocations.add(toRevocation(target, atMs))) throw tooManyRevocations()
    },
    checkReady: async () => true,
    async close() {
      revocations.clear()
    },
  }
}

/** What every look-up of a derived session needs. */
export interface DerivedLookup {
  readonly tokens: SessionTokens
  readonly revocations: Revocations
  readonly nowMs: () => number
}

/** Looks up by what the token says; `claims` are those of a token that was proved to be the access key's. */
export function lookUpDerived(
  presented: {
    readonly accessKeyId: string
    readonly sessionToken: string | undefined
    readonly claims: JsonObject | undefined
  },
  { tokens, revocations, nowMs }: DerivedLookup,
): SessionLookup {
  const { accessKeyId, sessionToken, claims } = presented
  if (!isAccessKeyOfSession(accessKeyId)) return { outcome: 'unknown' }
  const secretAccessKey = tokens.deriveSecret(accessKeyId)
  if (sessionToken === undefined || sessionToken === '')
    return { outcome: 'missing-token', secretAccessKey }
  const principal = claims === undefined ? undefined : readOwnPrincipal(claims)
  if (principal === undefined) return { outcome: 'wrong-token', secretAccessKey }
  if (revocations.isRevoked(principal)) return { outcome: 'revoked' }
  if (nowMs() >= (principal.expiresAtMs ?? 0)) return { outcome: 'expired' }
  return { outcome: 'found', principal, secretAccessKey }
}

/** The form of every access key that we or a MinIO make up. */
export function isAccessKeyOfSession(accessKeyId: string): boolean {
  return /^[A-Z0-9]{20}$/.test(accessKeyId)
}

/** No session is longer than the longest that `--max-duration` takes. */
const longestSessionMs = 31_536_000 * 1000

/** A revocation of all that was issued until now. */
export function toRevocation(target: RevocationTarget, nowMs: number): Revocation {
  return {
    ...('accessKeyId' in target
      ? { kind: 'access-key', name: target.accessKeyId, revokeType: undefined }
      : { kind: 'user', name: target.user, revokeType: target.revokeType }),
    issuedUntilMs: nowMs,
    endsAtMs: nowMs + longestSessionMs,
  }
}

/** What a revocation that finds no room is refused with. */
export function tooManyRevocations(): AwsError {
  return new AwsError(
    'ServiceUnavailable',
    'too many revocations are kept; revoke all of a user’s sessions at once',
  )
}
