/** The interface of an identity provider that the grants use. */
import type { ObtainedToken } from './token-answer.ts'

export interface PersonalToken extends ObtainedToken {
  readonly idToken: string | undefined
  readonly refreshToken: string | undefined
}

export interface Authorization {
  /** The page to open in the browser. */
  readonly url: URL
  /** Exchanges the code that the browser came back with. @throws {StsCliError} For a state, nonce, issuer or token of another login, and when the provider refuses. */
  finish(answer: URL): Promise<PersonalToken>
}

export interface DeviceLogin {
  readonly userCode: string
  readonly verificationUri: string
  /** The URI with the code in it; undefined where the provider gives none. */
  readonly verificationUriComplete: string | undefined
  readonly expiresInSeconds: number
  /** Polls as RFC 8628 §3.5 says until the person signed in or refused, or the signal aborts. */
  finish(signal: AbortSignal): Promise<PersonalToken>
}

/** One provider, and one client at it. */
export interface Provider {
  /** Begins an authorization code login, with PKCE (S256), state and nonce. */
  beginAuthorization(redirectUri: string): Promise<Authorization>
  /** Begins a device login (RFC 8628 §3.1). */
  beginDeviceLogin(): Promise<DeviceLogin>
  /** Sends any other grant to the token endpoint. */
  requestToken(
    grantType: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<PersonalToken>
  /** Revokes a refresh token (RFC 7009). @returns False where the provider has no revocation endpoint. */
  revokeToken(refreshToken: string): Promise<boolean>
}
