/** What an STS action is, and what it is given. A new one is a file and a line in `actions`. */
import type { Log } from '../../base/log.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import type { IdentityPlugin } from '../identity/identity-plugin.ts'
import type { LdapDirectory } from '../identity/ldap/directory.ts'
import type { RequestAuthenticator } from '../identity/request-authenticator.ts'
import type { TokenVerifier } from '../identity/token-verifier.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import type { SessionParameters } from './session-parameters.ts'

export interface StsLimits {
  readonly minDurationSeconds: number
  readonly maxDurationSeconds: number
  /** The lifetime where neither the request nor a token sets one (MinIO: 3600; MINIO_STS_DURATION). */
  readonly defaultDurationSeconds: number
  /** Credentials may outlive the identity provider's token (as MinIO since 2023). */
  readonly isLongerThanTokenAllowed: boolean
}

export interface StsServices {
  readonly authenticator: RequestAuthenticator
  readonly sessions: SessionStore
  /** Undefined where no identity provider is configured. */
  readonly tokenVerifier: TokenVerifier | undefined
  /** Whether client certificates that the listener verified are accepted. */
  readonly isCertificateAccepted?: boolean | undefined
  /** Undefined where no directory is configured. */
  readonly ldap?: LdapLogins | undefined
  /** By ARN; a role may have several. */
  readonly roles?: ReadonlyMap<string, TokenRole> | undefined
  /** Undefined where no identity plugin is configured. */
  readonly plugin?: PluginRole | undefined
  readonly limits: StsLimits
  /** Name of the claim that names policies: MinIO's prefix and name joined. */
  readonly policyClaim: string
  readonly knownPolicies: { has(name: string): boolean }
  /** False where an external engine (OPA) decides: then a token needs no policy claim. */
  readonly isPolicyClaimRequired: boolean
  /** Throws for a session policy that cannot be accepted. */
  readonly checkSessionPolicy: (text: string) => void
  readonly nowMs: () => number
  readonly log: Log
}

/** The identity plugin, and the role that its users assume. */
export interface PluginRole {
  readonly client: IdentityPlugin
  readonly arns: readonly string[]
  readonly policyNames: readonly string[]
}

/** The LDAP directory, and the policies of its users and groups. */
export interface LdapLogins {
  readonly directory: LdapDirectory
  /** Normalized distinguished name of a user or a group → names of policies. */
  readonly policies: ReadonlyMap<string, readonly string[]>
}

export interface StsRequest {
  readonly http: HttpRequest
  readonly parameters: ReadonlyMap<string, string>
  /** As it came: an STS signature covers its SHA-256. */
  readonly body: Buffer
  /** What every action that issues credentials takes. */
  readonly session: SessionParameters
  readonly recorder: RequestRecorder
}

export interface StsAction {
  readonly name: string
  /** Only then are the session's parameters read, and refused where they are wrong. */
  readonly isIssuing: boolean
  /** Throws an `AwsError` to refuse. */
  run(request: StsRequest, services: StsServices): Promise<StsResult>
}
