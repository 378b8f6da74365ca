/**
 * Issued credentials: made, looked up, revoked. The contract below holds for every backend and is one test run against each.
 *
 * - `lookUp` gives a session exactly as it was issued, or the reason there is none.
 * - An expired session is `expired`, never `unknown`, for as long as its token can prove it was ours.
 * - A token that belongs to another access key, or was changed by a bit, is `wrong-token`.
 * - Compares secrets in constant time.
 */
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import type { Principal } from './principal.ts'

export interface SessionRequest {
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly policyNames: readonly string[]
  readonly sessionPolicy: string | undefined
  readonly groups: readonly string[]
  readonly expiresAtMs: number
}

/** One session, or a user's: by MinIO's name of a parent, or by the provider's own subject. */
export type RevocationTarget =
  | { readonly accessKeyId: string }
  | {
      readonly user: string
      /** Only sessions that were asked for with this `TokenRevokeType`; all when undefined. */
      readonly revokeType: string | undefined
    }

export type SessionLookup =
  | { readonly outcome: 'found'; readonly principal: Principal; readonly secretAccessKey: string }
  | { readonly outcome: 'unknown' | 'expired' | 'revoked' }
  /** The secret goes along: only a signature made with it shows that the access key was ever issued. */
  | {
      readonly outcome: 'missing-token' | 'wrong-token' | 'disabled'
      readonly secretAccessKey: string
    }

export interface SessionStore {
  /** @throws {AwsError} `InvalidParameterValue` when the session token would not fit a header (8 KiB). */
  issue(request: SessionRequest): Promise<TemporaryCredentials>
  lookUp(accessKeyId: string, sessionToken: string | undefined): Promise<SessionLookup>
  /**
   * Ends one session, or all of a user's that were issued until `atMs` (now, when it is left out); later look-ups answer `revoked`.
   *
   * @throws {AwsError} `ServiceUnavailable` when it is known to this server alone, or there is no room for it.
   */
  revoke(target: RevocationTarget, atMs?: number): Promise<void>
  /** Resolves when the store can answer; readiness asks it. */
  checkReady(): Promise<boolean>
  close(): Promise<void>
}
