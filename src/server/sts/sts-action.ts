/** The interface of an STS action. To add one, write a file for it and add it to the table in `actions.ts`. */
import type { Log } from '../../base/log.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import type { IdentityPlugin } from '../identity/identity-plugin.ts'
import type { LdapDirectory } from '../identity/ldap/ldap-directory.ts'
import type { RequestAuthenticator } from '../identity/request-authenticator.ts'
import type { TokenVerifier } from '../identity/token-verifier.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import type { AuthorizationMessages } from './authorization-messages.ts'
import type { SessionParameters } from './session-parameters.ts'
import type { StsLimits } from './sts-limits.ts'

/** The services and settings that the actions use. */
export interface StsServices {
  readonly authenticator: RequestAuthenticator
  /** Decides whether the policies of a signed request's caller allow an action. */
  readonly authorizer: Authorizer
  readonly authorizationMessages: AuthorizationMessages
  readonly sessions: SessionStore
  /** Undefined when no identity provider is configured. */
  readonly tokenVerifier: TokenVerifier | undefined
  /** True when client certificates are accepted; the listener verifies them. */
  readonly isCertificateAccepted?: boolean | undefined
  /** Undefined when no LDAP directory is configured. */
  readonly ldap?: LdapLogins | undefined
  /** The roles, by ARN; a role may have several ARNs. */
  readonly roles?: ReadonlyMap<string, TokenRole> | undefined
  /** Undefined when no identity plugin is configured. */
  readonly plugin?: PluginRole | undefined
  readonly limits: StsLimits
  /** The name of the claim that lists policies: MinIO's claim prefix and claim name, joined. */
  readonly policyClaim: string
  readonly knownPolicies: {
    has(name: string): boolean
    get?(name: string): PolicyDocument | undefined
  }
  /** False when an external engine (OPA) decides: then a token needs no policy claim. */
  readonly isPolicyClaimRequired: boolean
  /** Returns the session policy as it is kept. Throws an `AwsError` for one that is not valid. */
  readonly checkSessionPolicy: (text: string) => string
  readonly nowMs: () => number
  readonly log: Log
}

/** The identity plugin and the role that its users assume. */
export interface PluginRole {
  readonly client: IdentityPlugin
  readonly arns: readonly string[]
  readonly policyNames: readonly string[]
}

/** The LDAP directory and the policies of its users and groups. */
export interface LdapLogins {
  readonly directory: LdapDirectory
  /** The policy names of each user and group, by normalized distinguished name. */
  readonly policies: ReadonlyMap<string, readonly string[]>
}

/** A request for one action. */
export interface StsRequest {
  readonly http: HttpRequest
  readonly parameters: ReadonlyMap<string, string>
  /** The body as received: an STS signature covers its SHA-256. */
  readonly body: Buffer
  /** The parameters of every action that issues credentials. */
  readonly session: SessionParameters
  readonly recorder: RequestRecorder
}

export interface StsAction {
  readonly name: string
  /** True for an action that issues credentials. Only then are the session parameters read and checked. */
  readonly isIssuing: boolean
  /** True for an action that MinIO does not have, so that all its errors have AWS's codes. */
  readonly isOfAws?: boolean | undefined
  /** Runs the action and returns its result. @throws {AwsError} when the request is rejected. */
  run(request: StsRequest, services: StsServices): Promise<StsResult>
}
