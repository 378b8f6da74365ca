/** The options of the client half: flags, variables and defaults are resolved already. */
import type { HttpOptions } from '../base/http/http-client.ts'
import type { CredentialOrigin } from './credential-origin.ts'
import type { Credentials } from '../protocol/credentials.ts'

/** How each request is sent: all that `sendHttp` takes except the stage. The time limit is for one request, retries included. */
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

/** How the client authenticates at the identity provider (OpenID Connect Core §9, RFC 8705 §2.1). */
export type AuthMethod = (typeof authMethods)[number]

/** The identity provider to ask, and the client to ask as. */
export interface ClientAccess {
  /** One of the two is given: the endpoint itself, or the issuer whose discovery document names it. */
  readonly tokenEndpoint?: string | undefined
  readonly issuer?: string | undefined
  readonly clientId: string
  readonly authMethod: AuthMethod
  /** For the two `client_secret_` methods. */
  readonly clientSecret?: string | undefined
  /** For `private_key_jwt`: the key's file, PEM or JWK. */
  readonly keyFile?: string | undefined
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  /** Further parameters of the token request. */
  readonly parameters?: readonly (readonly [string, string])[] | undefined
}

/** For grants in which a person signs in: their providers give two tokens. */
export interface IdTokenAccess extends ClientAccess {
  /** `web-identity` exchanges the ID token, which names the person to this client; the other actions exchange the access token. */
  readonly isIdTokenWanted: boolean
}

/** For grants in which a person signs in in a browser. */
export interface PersonalAccess extends IdTokenAccess {
  /** How long to wait for the sign-in. */
  readonly waitMs: number
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

/** A session tag of AWS's STS. */
export interface SessionTag {
  readonly key: string
  readonly value: string
}

/** What a session is restricted by, and what it says about itself, as AWS's STS has it. */
export interface SessionParameters {
  /** Undefined: the token's own `expires_in` where the STS accepts it, else the server's default. */
  readonly durationSeconds?: number | undefined
  readonly policy?: string | undefined
  readonly policyArns?: readonly string[] | undefined
  readonly tags?: readonly SessionTag[] | undefined
  /** The keys of the tags that further roles of a chain inherit. */
  readonly transitiveTagKeys?: readonly string[] | undefined
  readonly externalId?: string | undefined
  readonly sourceIdentity?: string | undefined
}

/** Whose credentials the STS must issue. Anything else is refused, and so is an answer that does not say it. */
export interface Expectations {
  /** The account in the session's ARN, which GetCallerIdentity also returns. */
  readonly expectAccount?: string | undefined
  /** The issuer of the exchanged token. */
  readonly expectIssuer?: string | undefined
}

export interface ExchangeOptions extends SessionParameters, Expectations {
  readonly stsEndpoint: string
  readonly action: StsActionName
  /** The role that the token, or the signature, assumes. */
  readonly roleArn?: string | undefined
  /** Role chaining: each of these is assumed with the credentials of the role before it. */
  readonly furtherRoleArns?: readonly string[] | undefined
  readonly roleSessionName?: string | undefined
  /** For `ldap`: who logs in. */
  readonly ldap?: { readonly username: string; readonly password: string } | undefined
  /** For `assume-role`: the keys that sign the request. */
  readonly signWith?: Credentials | undefined
  readonly region: string
}

export interface CacheOptions {
  /** Stored beside the credentials; undefined where nothing is cached. */
  readonly origin?: CredentialOrigin | undefined
  /** True when credentials from other inputs stay in the cache: a login put them there, and these are for one command. */
  readonly isEntryKept?: boolean | undefined
  /** Undefined: nothing is cached (`--cache none`). */
  readonly directory: string | undefined
  /** True when the secrets go to the system's keyring and not to the file. */
  readonly isInKeyring?: boolean | undefined
  /** `--profile`, by which `env` and `creds` find the credentials. */
  readonly profile: string
  /** Get new credentials even when the cached ones are usable. */
  readonly isRefresh: boolean
  /** Remaining lifetime below which credentials are renewed; undefined: a fifth of their lifetime, 60 s to 15 min. */
  readonly minTtlSeconds: number | undefined
  /** Store no refresh token (`--no-keyring`). */
  readonly isKeyringUnwanted?: boolean | undefined
  /** Called with a line that says what is not stored, and why. */
  readonly note?: ((line: string) => void) | undefined
}
