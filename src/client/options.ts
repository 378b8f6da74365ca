/** What the commands hand to the client half: flags, environment and defaults already weighed. */
import type { Credentials } from '../protocol/credentials.ts'

export interface NetOptions {
  /** For each request, retries included. */
  readonly timeoutMs: number
  /** Further tries after the first, for failures that another try may cure. */
  readonly retries: number
  /** PEM file trusted besides the built-in roots. */
  readonly caFile?: string | undefined
  /** Accept any certificate. */
  readonly isInsecure?: boolean | undefined
  /** `HTTPS_PROXY` and its kin are read from here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told of each request in one line without secrets (`-v`). */
  readonly trace?: ((line: string) => void) | undefined
}

export type TokenSource =
  | {
      readonly grant: 'client-credentials'
      /** One of the two: the endpoint itself, or the issuer whose discovery document names it. */
      readonly tokenEndpoint?: string | undefined
      readonly issuer?: string | undefined
      readonly clientId: string
      readonly clientSecret: string
      readonly authMethod: 'client_secret_basic' | 'client_secret_post'
      readonly scope?: string | undefined
      readonly audience?: string | undefined
      readonly parameters?: readonly (readonly [string, string])[] | undefined
    }
  | { readonly grant: 'token'; readonly token: string }

export type StsActionName = 'client-grants' | 'web-identity' | 'assume-role'

export interface ExchangeOptions {
  readonly stsEndpoint: string
  readonly action: StsActionName
  /** Undefined: the token's own `expires_in` where it may be asked for, else the server decides. */
  readonly durationSeconds?: number | undefined
  readonly policy?: string | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  /** AssumeRole only. */
  readonly signWith?: Credentials | undefined
  readonly region: string
}

export interface CacheOptions {
  /** Undefined: nothing is remembered (`--cache none`). */
  readonly directory: string | undefined
  /** `--profile`; what `env` and `creds` look up. */
  readonly profile: string
  /** Ask anew even when what is remembered is good. */
  readonly isRefresh: boolean
  /** Remaining life below which credentials are renewed; undefined: a fifth of their life, 60 s to 15 min. */
  readonly minTtlSeconds: number | undefined
}

export interface ObtainOptions {
  readonly source: TokenSource | undefined
  readonly exchange: ExchangeOptions
  readonly net: NetOptions
  readonly cache: CacheOptions
}
