/**
 * Issues, looks up and revokes credentials. This contract holds for every backend; one test runs against each.
 *
 * - `lookUp` returns a session exactly as it was issued, or the reason why there is none.
 * - An expired session is `expired`, not `unknown`, as long as its token shows that it was issued here.
 * - A token of another access key, or with a changed bit, is `wrong-token`.
 * - Secrets are compared in constant time.
 */
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import type { Principal } from './principal.ts'

export interface SessionRequest {
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly policyNames: readonly string[]
  readonly sessionPolicy: string | undefined
  readonly groups: readonly string[]
  /** RoleSessionName, which is kept for logs and ARNs. */
  readonly roleSessionName?: string | undefined
  readonly sourceIdentity?: string | undefined
  readonly sessionPolicyNames?: readonly string[] | undefined
  readonly expiresAtMs: number
}

/** One session, or all of a user, who is named by MinIO's parent user or by the identity provider's subject. */
export type RevocationTarget =
  | { readonly accessKeyId: string }
  | {
      readonly user: string
      /** Only sessions that were requested with this `TokenRevokeType`; all if undefined. */
      readonly revokeType: string | undefined
    }

export type SessionLookup =
  | { readonly outcome: 'found'; readonly principal: Principal; readonly secretAccessKey: string }
  | { readonly outcome: 'unknown' | 'expired' | 'revoked' }
  /** The secret is included, because only a signature with it shows that the access key was issued. */
  | {
      readonly outcome: 'missing-token' | 'wrong-token' | 'disabled'
      readonly secretAccessKey: string
    }

export interface SessionStore {
  /** Issues credentials. @throws {AwsError} `InvalidParameterValue` if the session token would not fit into a header (8 KiB). */
  issue(request: SessionRequest): Promise<TemporaryCredentials>
  lookUp(accessKeyId: string, sessionToken: string | undefined): Promise<SessionLookup>
  /**
   * Revokes one session, or all of a user's that were issued until `atMs` (now, if left out); later look-ups return `revoked`.
   *
   * @throws {AwsError} `ServiceUnavailable` if only this server knows of it, or if there is no room for it.
   */
  revoke(target: RevocationTarget, atMs?: number): Promise<void>
  /** Resolves to whether the store can answer, for the readiness check. */
  checkReady(): Promise<boolean>
  close(): Promise<void>
}
