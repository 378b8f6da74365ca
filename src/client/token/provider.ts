/** What the grants ask of an identity provider, in our own words. */
import type { ObtainedToken } from './token-answer.ts'

export interface PersonalToken extends ObtainedToken {
  readonly idToken: string | undefined
  readonly refreshToken: string | undefined
}

export interface Authorization {
  /** For the browser. */
  readonly url: URL
  /** Trades what the browser came back with. @throws {StsCliError} For a state, nonce, issuer or token that is not ours, and for the provider's own refusal. */
  finish(answer: URL): Promise<PersonalToken>
}

export interface DeviceLogin {
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it, where the provider gives one. */
  readonly verificationUriComplete: string | undefined
  readonly expiresInSeconds: number
  /** Polls as RFC 8628 §3.5 says until somebody signed in, refused, or the signal aborts. */
  finish(signal: AbortSignal): Promise<PersonalToken>
}

/** One provider, and one client at it. */
export interface Provider {
  /** Authorization code with PKCE (S256), state and nonce. */
  beginAuthorization(redirectUri: string): Promise<Authorization>
  /** RFC 8628 §3.1. */
  beginDeviceLogin(): Promise<DeviceLogin>
  /** Any other grant: straight to the token endpoint. */
  requestToken(
    grantType: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<PersonalToken>
  /** Makes a refresh token worthless (RFC 7009). @returns False where the provider offers no such thing. */
  revokeToken(refreshToken: string): Promise<boolean>
}
