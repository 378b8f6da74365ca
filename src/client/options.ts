/** What the commands hand to the client half: flags, environment and defaults already weighed. */
import type { HttpOptions } from '../base/http/http-client.ts'
import type { CredentialOrigin } from './credential-origin.ts'
import type { Credentials } from '../protocol/credentials.ts'

/** How each request is sent: all that `sendHttp` takes but the stage. The time limit is one request's, retries included. */
export interface NetOptions extends Omit<HttpOptions, 'stage'> {
  readonly env: Readonly<Record<string, string | undefined>>
}

export const authMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'none',
] as const

/** How the client proves itself to the identity provider (OpenID Connect Core §9, RFC 8705 §2.1). */
export type AuthMethod = (typeof authMethods)[number]

/** Which identity provider is asked, and as which client. */
export interface ClientAccess {
  /** One of the two: the endpoint itself, or the issuer whose discovery document names it. */
  readonly tokenEndpoint?: string | undefined
  readonly issuer?: string | undefined
  readonly clientId: string
  readonly authMethod: AuthMethod
  /** Of the two `client_secret_` methods. */
  readonly clientSecret?: string | undefined
  /** Of `private_key_jwt`: the key's file, PEM or JWK. */
  readonly keyFile?: string | undefined
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  /** Further parameters of the request. */
  readonly parameters?: readonly (readonly [string, string])[] | undefined
}

/** For grants that a person stands behind: their providers give two tokens. */
export interface IdTokenAccess extends ClientAccess {
  /** `web-identity` trades the ID token, which names the person to this client; all else the access token. */
  readonly isIdTokenWanted: boolean
}

/** For a person who signs in elsewhere. */
export interface PersonalAccess extends IdTokenAccess {
  readonly waitMs: number
}

/** Where the token comes from: one member a grant. */
export type TokenSource =
  | ({ readonly grant: 'client-credentials' } & ClientAccess)
  | BrowserSource
  | ({ readonly grant: 'device-code' } & PersonalAccess)
  | PasswordSource
  | RefreshSource
  | GithubActionsSource
  | { readonly grant: 'token'; readonly token: string }
  /** A command line that prints one, run by the shell. */
  | { readonly grant: 'token-command'; readonly command: string }

export interface PasswordSource extends IdTokenAccess {
  readonly grant: 'password'
  readonly username: string
  readonly password: string
}

/** All but the profile's name and the client's secret lies in the keyring. */
export interface RefreshSource {
  readonly grant: 'refresh-token'
  readonly profile: string
  readonly clientSecret?: string | undefined
}

export interface GithubActionsSource {
  readonly grant: 'github-actions'
  /** Of `ACTIONS_ID_TOKEN_REQUEST_URL` and `_TOKEN`. */
  readonly requestUrl: string
  readonly requestToken: string
  readonly audience: string | undefined
}

export interface BrowserSource extends PersonalAccess {
  readonly grant: 'browser'
  /** Where the provider sends the browser back to: http on a loopback address; port 0 takes a free one (RFC 8252 §7.3). */
  readonly redirectUri: string
  /** Whether a browser is opened, or the address only printed (`--no-browser`). */
  readonly isBrowserOpened: boolean
}

export const stsActionNames = [
  'client-grants',
  'web-identity',
  'assume-role',
  'ldap',
  'certificate',
  'custom-token',
] as const

export type StsActionName = (typeof stsActionNames)[number]

export interface ExchangeOptions {
  readonly stsEndpoint: string
  readonly action: StsActionName
  /** Undefined: the token's own `expires_in` where it may be asked for, else the server decides. */
  readonly durationSeconds?: number | undefined
  readonly policy?: string | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  /** Who logs in with `ldap`. */
  readonly ldap?: { readonly username: string; readonly password: string } | undefined
  /** AssumeRole only. */
  readonly signWith?: Credentials | undefined
  readonly region: string
}

export interface CacheOptions {
  /** What stands beside the credentials; undefined where nothing is remembered. */
  readonly origin?: CredentialOrigin | undefined
  /** Credentials from other inputs that are in the cache stay there: they were asked for by a login, these by flags for once. */
  readonly isEntryKept?: boolean | undefined
  /** Undefined: nothing is remembered (`--cache none`). */
  readonly directory: string | undefined
  /** The secrets go to the system's keyring and not to the file. */
  readonly isInKeyring?: boolean | undefined
  /** `--profile`; what `env` and `creds` look up. */
  readonly profile: string
  /** Ask anew even when what is remembered is good. */
  readonly isRefresh: boolean
  /** Remaining life below which credentials are renewed; undefined: a fifth of their life, 60 s to 15 min. */
  readonly minTtlSeconds: number | undefined
  /** Keep no refresh token (`--no-keyring`). */
  readonly isKeyringUnwanted?: boolean | undefined
  /** Told in a line what will not be remembered, and why. */
  readonly note?: ((line: string) => void) | undefined
}

export interface ObtainOptions {
  readonly source: TokenSource | undefined
  readonly exchange: ExchangeOptions
  readonly net: NetOptions
  readonly cache: CacheOptions
}
