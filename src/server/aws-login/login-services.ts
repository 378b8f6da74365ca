import type { HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import type { StsServices } from '../sts/sts-action.ts'
import type { LoginMemory } from './login-memory.ts'
import type { LoginProvider } from './login-provider.ts'
import type { People } from './people.ts'
import type { Sealer } from './seal.ts'

/** What the operations of the login use. */
export interface LoginServices {
  readonly sts: StsServices
  readonly provider: LoginProvider
  readonly people: People
  readonly sealer: Sealer
  readonly memory: LoginMemory
}

/** One request for an operation. */
export interface LoginCall {
  readonly http: HttpRequest
  readonly recorder: RequestRecorder
}

/** Answers one operation. @throws {LoginError} A refusal. */
export type LoginOperation = (call: LoginCall, services: LoginServices) => Promise<HttpReply>

/** The longest lifetime of a whole login by AWS Sign-In (AWS CLI User Guide, "Login for AWS local development"). */
export const signInSessionMs = 12 * 60 * 60 * 1000
/** The lifetime of a login by IAM Identity Center, as it is by default there. */
export const ssoSessionMs = 8 * 60 * 60 * 1000
/** The longest lifetime of credentials of AWS Sign-In, whose client models no longer one. */
export const signInCredentialSeconds = 900
/** The lifetime of credentials of the portal, and of its access tokens. */
export const portalSeconds = 3600
