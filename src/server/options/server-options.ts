/** Every setting of the server in one shape. Commands and the library fill it; nothing below reads flags or the environment. */
import type { Log } from '../../base/log.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import type { LdapOptions } from '../identity/ldap/ldap-directory.ts'
import type { IssuerClient } from '../issuer/client-metadata.ts'
import type { IssuerUser } from '../issuer/users.ts'
import type { Peers } from './peers.ts'
import type { GatewayObjects } from '../s3/gateway/gateway-objects.ts'
import type { EtcdOptions } from '../sessions/etcd/etcd-sessions.ts'
import type { ServerAddress } from '../http/server-address.ts'
import type { LdapLogins } from '../sts/sts-action.ts'
import type { StsLimits } from '../sts/sts-limits.ts'

export interface ServerOptions {
  readonly address: ServerAddress
  readonly tls: { readonly cert: string; readonly key: string } | 'self-made' | undefined
  readonly region: string
  readonly root: Credentials
  readonly objects: DirectoryObjects | GatewayObjects
  /** Domains whose sub-domains are buckets, besides `localhost`. */
  readonly domains: readonly string[]
  /** Name → policy document as JSON text, besides the canned ones. */
  readonly policies: ReadonlyMap<string, string>
  readonly identityProvider: EmbeddedProvider | ExternalProvider | SharedProvider | undefined
  readonly policyClaim: string
  /** Undefined: the IAM documents decide. */
  readonly policyEngine: RemoteEngine | RegoEngine | undefined
  /** Providers whose tokens have the rights of a role, whatever their claims say. */
  readonly roleProviders?: readonly RoleProvider[] | undefined
  /** File, for messages → role document as JSON text. */
  readonly roles?: ReadonlyMap<string, string> | undefined
  /** PEM certificates to trust besides the built-in roots, at the issuers that roles trust. */
  readonly ca?: readonly string[] | undefined
  readonly identityPlugin?: IdentityPluginOptions | undefined
  /** PEM of the authorities whose client certificates are believed; needs `tls`. */
  readonly clientCa?: string | undefined
  /** A directory whose users may log in. */
  readonly ldap?: (LdapOptions & Pick<LdapLogins, 'policies'>) | undefined
  /** Where issued credentials are shared with other servers; undefined: they are derived, and nothing is kept. */
  readonly etcd?: EtcdOptions | undefined
  readonly limits: StsLimits
  /** How many requests are worked on at once; undefined: as many as is usual. */
  readonly requests?: RequestLimits | undefined
  /** Other processes at the same address. */
  readonly peers?: Peers | undefined
  readonly log: Log
  readonly isAccessLogged: boolean
  readonly nowMs: () => number
}

/** MINIO_API_REQUESTS_MAX and MINIO_API_REQUESTS_DEADLINE, of each process. */
export interface RequestLimits {
  readonly maxRunning?: number | undefined
  /** How long a request waits for its turn before it is refused. */
  readonly maxWaitMs?: number | undefined
}

export interface DirectoryObjects {
  readonly kind: 'directory'
  /** Undefined: a temporary directory, removed when the server stops. */
  readonly directory: string | undefined
  /** Made at start. */
  readonly buckets: readonly string[]
}

/** OPA, or a plugin that answers as it does. */
export interface RemoteEngine {
  readonly kind: 'remote'
  readonly url: string
  /** Header of that name, to the letter. */
  readonly authorization: string | undefined
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}

/** MINIO_IDENTITY_OPENID_ROLE_POLICY and its kin. */
export interface RoleProvider {
  readonly configUrl: string
  /** The token must be meant for it; the role's ARN is made of it. */
  readonly clientId: string
  readonly policyNames: readonly string[]
  readonly ca: readonly string[] | undefined
}

/** MINIO_IDENTITY_PLUGIN_URL and its kin. */
export interface IdentityPluginOptions {
  readonly url: string
  /** Header of that name, to the letter. */
  readonly authorization: string | undefined
  readonly policyNames: readonly string[]
  /** Undefined: the role's ARN is made of the URL. */
  readonly roleId: string | undefined
  readonly ca: readonly string[] | undefined
}

/** Rego of the operator's, and an OPA that the server runs itself. */
export interface RegoEngine {
  readonly kind: 'rego'
  /** File or folder. */
  readonly rego: string
  /** The document to ask; undefined: the package that is there. */
  readonly query: string | undefined
  /** Where `opa` is looked for. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface EmbeddedProvider {
  readonly kind: 'embedded'
  readonly address: ServerAddress
  readonly clients: readonly IssuerClient[]
  /** Who may sign in with a browser, a device or a password; nobody when left out. */
  readonly users?: readonly IssuerUser[] | undefined
}

/** The embedded provider of another process. */
export interface SharedProvider {
  readonly kind: 'shared'
  readonly issuer: string
  readonly jwksUrl: string
  /** Its key set: it has one for as long as it runs. */
  readonly jwks: unknown
}

export interface ExternalProvider {
  readonly kind: 'external'
  readonly jwksUrl: string | undefined
  readonly configUrl: string | undefined
  readonly clientId: string | undefined
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}
