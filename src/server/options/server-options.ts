/** The options of the server. The command line and the library set them; the server reads neither flags nor environment variables. */
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
  /** The region that requests must be signed for; empty for any, the empty one too. */
  readonly region: string
  readonly root: Credentials
  readonly objects: DirectoryObjects | GatewayObjects
  /** Domains whose subdomains are buckets, besides `localhost`. */
  readonly domains: readonly string[]
  /** The networks of the proxies whose word for their client counts, in CIDR notation; none if left out. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Name → policy document as JSON text, besides the canned ones. */
  readonly policies: ReadonlyMap<string, string>
  readonly identityProvider: EmbeddedProvider | ExternalProvider | SharedProvider | undefined
  readonly policyClaim: string
  /** Undefined if the IAM documents decide. */
  readonly policyEngine: RemoteEngine | RegoEngine | undefined
  /** Providers whose tokens get the policies of a role, not those of a claim. */
  readonly roleProviders?: readonly RoleProvider[] | undefined
  /** File (for messages) → role document as JSON text. */
  readonly roles?: ReadonlyMap<string, string> | undefined
  /** PEM certificates to trust besides the built-in roots, for the issuers that roles trust. */
  readonly ca?: readonly string[] | undefined
  readonly identityPlugin?: IdentityPluginOptions | undefined
  /** PEM of the CAs of accepted client certificates; requires `tls`. */
  readonly clientCa?: string | undefined
  /** An LDAP directory whose users may log in. */
  readonly ldap?: (LdapOptions & Pick<LdapLogins, 'policies'>) | undefined
  /** The etcd through which credentials are shared with other servers; undefined if they are derived, and nothing is stored. */
  readonly etcd?: EtcdOptions | undefined
  readonly limits: StsLimits
  /** True to accept Signature Version 2 in the Authorization header of S3 requests. */
  readonly isSignatureV2Allowed?: boolean | undefined
  /** Origins whose pages may read answers, as `readOriginPattern` writes them; undefined for all. */
  readonly corsOrigins?: readonly string[] | undefined
  /** How many requests are handled at once; undefined for the defaults. */
  readonly requests?: RequestLimits | undefined
  /** The other processes at the same address. */
  readonly peers?: Peers | undefined
  readonly log: Log
  readonly isAccessLogged: boolean
  /** The name of a policy that decides nothing, and of which the record says what it would have denied. */
  readonly observedPolicy?: string | undefined
  /** How many decided requests each process keeps in memory; 0 for none, undefined for the default. */
  readonly keptDecisions?: number | undefined
  readonly nowMs: () => number
}

/** MINIO_API_REQUESTS_MAX and MINIO_API_REQUESTS_DEADLINE, for each process. */
export interface RequestLimits {
  readonly maxRunning?: number | undefined
  /** How long a request may be queued before it is refused. */
  readonly maxWaitMs?: number | undefined
}

export interface DirectoryObjects {
  readonly kind: 'directory'
  /** Undefined for a temporary directory, which is removed when the server stops. */
  readonly directory: string | undefined
  /** Created at start. */
  readonly buckets: readonly string[]
}

/** OPA, or a plugin with the same protocol. */
export interface RemoteEngine {
  readonly kind: 'remote'
  /** The form of its questions: that of MinIO until 2022, or of its access management plugin. */
  readonly form: 'opa' | 'plugin'
  readonly url: string
  /** The exact value of the Authorization header. */
  readonly authorization: string | undefined
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}

/** MINIO_IDENTITY_OPENID_ROLE_POLICY and related variables. */
export interface RoleProvider {
  readonly configUrl: string
  /** The client that the token must name. The role's ARN is derived from it. */
  readonly clientId: string
  /** As those of `ExternalProvider`. */
  readonly clientSecret?: string | undefined
  readonly scope?: string | undefined
  readonly policyNames: readonly string[]
  readonly ca: readonly string[] | undefined
}

/** MINIO_IDENTITY_PLUGIN_URL and related variables. */
export interface IdentityPluginOptions {
  readonly url: string
  /** The exact value of the Authorization header. */
  readonly authorization: string | undefined
  readonly policyNames: readonly string[]
  /** Undefined if the role's ARN is derived from the URL. */
  readonly roleId: string | undefined
  readonly ca: readonly string[] | undefined
}

/** The operator's Rego, in an OPA that the server runs. */
export interface RegoEngine {
  readonly kind: 'rego'
  /** File or folder. */
  readonly rego: string
  /** The document to query; undefined for the only package of the Rego. */
  readonly query: string | undefined
  /** Environment in which `opa` is found. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface EmbeddedProvider {
  readonly kind: 'embedded'
  readonly address: ServerAddress
  readonly clients: readonly IssuerClient[]
  /** The users who may log in with a browser, a device or a password; none if left out. */
  readonly users?: readonly IssuerUser[] | undefined
  /** Where logins may lead besides the addresses of this machine; nowhere else if left out. */
  readonly redirectUris?: readonly string[] | undefined
}

/** The embedded provider of the primary. */
export interface SharedProvider {
  readonly kind: 'shared'
  readonly issuer: string
  readonly jwksUrl: string
  /** Its key set, which does not change. */
  readonly jwks: unknown
  /** Its self-signed certificate, in PEM. */
  readonly certificate: string
  /** Who may log in, and the clients, for the login of AWS's tools. */
  readonly users?: EmbeddedProvider['users']
  readonly clients?: EmbeddedProvider['clients'] | undefined
}

export interface ExternalProvider {
  readonly kind: 'external'
  readonly jwksUrl: string | undefined
  readonly configUrl: string | undefined
  readonly clientId: string | undefined
  /** The client's secret for logins in a browser; undefined for a public client. */
  readonly clientSecret?: string | undefined
  /** What such a login asks for (default: `openid`). */
  readonly scope?: string | undefined
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}
