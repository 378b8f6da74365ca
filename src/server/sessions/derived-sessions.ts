/**
 * Credentials that are computed, not stored: the secret key is an HMAC of the access key, the session token a JWT under the root secret. Nothing
 * is written when they are issued, nothing is lost in a crash, and every server with the same root secret accepts them.
 */
import type { JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { createRevocations, type Revocation, type Revocations } from './revocations.ts'
import type { Principal } from './principal.ts'
import { readOwnPrincipal } from './session-claims.ts'
import {
  createSessionTokens,
  type SessionTokens,
  type SessionTokensOptions,
} from './session-tokens.ts'
import type { RevocationTarget, SessionLookup, SessionStore } from './session-store.ts'

/** Returns a session store without storage. */
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

/** The dependencies of a look-up. */
export interface DerivedLookup {
  readonly tokens: SessionTokens
  readonly revocations: Revocations
  readonly nowMs: () => number
}

/** What the claims of a token say, for as long as they are kept: they name one access key, and never change. */
const knownSessions = new WeakMap<
  JsonObject,
  { readonly principal: Principal; readonly secretAccessKey: string }
>()

/** Looks up a session by its token. @param presented `claims` are those of a token whose signature is valid and that names the access key. */
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
  const known = claims && knownSessions.get(claims)
  const secretAccessKey = known?.secretAccessKey ?? tokens.deriveSecret(accessKeyId)
  if (sessionToken === undefined || sessionToken === '')
    return { outcome: 'missing-token', secretAccessKey }
  const principal = known?.principal ?? (claims && readOwnPrincipal(claims))
  if (claims === undefined || principal === undefined)
    return { outcome: 'wrong-token', secretAccessKey }
  if (known === undefined) knownSessions.set(claims, { principal, secretAccessKey })
  if (revocations.isRevoked(principal)) return { outcome: 'revoked' }
  if (nowMs() >= (principal.expiresAtMs ?? 0)) return { outcome: 'expired' }
  return { outcome: 'found', principal, secretAccessKey }
}

/** Returns whether an access key has the form of those that this program and MinIO generate. */
export function isAccessKeyOfSession(accessKeyId: string): boolean {
  return /^[A-Z0-9]{20}$/.test(accessKeyId)
}

/** The longest session that `--max-duration` can allow. */
const longestSessionMs = 31_536_000 * 1000

/** Returns a revocation of what was issued until `nowMs`. */
export function toRevocation(target: RevocationTarget, nowMs: number): Revocation {
  return {
    ...('accessKeyId' in target
      ? { kind: 'access-key', name: target.accessKeyId, revokeType: undefined }
      : { kind: 'user', name: target.user, revokeType: target.revokeType }),
    issuedUntilMs: nowMs,
    endsAtMs: nowMs + longestSessionMs,
  }
}

/** Returns the error of a revocation for which there is no room. */
export function tooManyRevocations(): AwsError {
  return new AwsError(
    'ServiceUnavailable',
    'too many revocations are kept; revoke all of a user’s sessions at once',
  )
}
