/** The caller of a request: authenticated, or nobody in particular. */
import type { JsonObject } from '../../base/parse.ts'

export interface Principal {
  /** `root` passes every identity policy (but not OPA); `session` holds temporary credentials; `anonymous` did not sign. */
  readonly kind: 'root' | 'session' | 'anonymous'
  readonly accessKey: string
  /** The identity provider's subject, or the parent access key for AssumeRole. */
  readonly subject: string
  /** Claims carried by the session (allow-listed when issued); empty for root. */
  readonly claims: JsonObject
  /** Names of the policies that apply (from the `policy` claim or a role); empty for root. */
  readonly policyNames: readonly string[]
  /** The session policy document as JSON text, if there is one. */
  readonly sessionPolicy: string | undefined
  readonly groups: readonly string[]
  /** The name that the session was requested with (RoleSessionName); undefined if there was none. */
  readonly roleSessionName?: string | undefined
  /** The person or program behind a session, which no role on the way can change (AWS STS, SourceIdentity); undefined if none was set. */
  readonly sourceIdentity?: string | undefined
  /** Names of the policies that limit the session besides its session policy (AWS STS, PolicyArns); undefined for none. */
  readonly sessionPolicyNames?: readonly string[] | undefined
  /** When the credentials expire; undefined for root. */
  readonly expiresAtMs: number | undefined
  /** When the credentials were issued, which revocations compare; undefined for root. */
  readonly issuedAtMs: number | undefined
}
