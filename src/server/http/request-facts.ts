/**
 * The facts that the server knows about an answered request. The access log prints them, and the metrics count them. They never contain a
 * secret: no token, no secret key and no signature, and of a session only the access key ID.
 */

export interface RequestFacts {
  /**
   * The operation's name in its API: `CopyObject`, `HeadObject`, `AssumeRoleWithClientGrants`, `RevokeTokens`; or one of `serverOperations`
   * for a request that no API names. It comes from the server's tables and never from the request.
   */
  readonly operation: string
  /** Undefined when the caller was not authenticated. */
  readonly caller: CallerFacts | undefined
  readonly decisions: DecisionSummary
  /** The credentials that an STS action issued. */
  readonly issued: { readonly accessKeyId: string; readonly expiresAtMs: number } | undefined
  /** The request id of the gateway's upstream S3. */
  readonly upstreamRequestId: string | undefined
  /** Undefined for a request that succeeded. */
  readonly refusal: Refusal | undefined
}

/** The authenticated caller. */
export interface CallerFacts {
  /** The way the caller was authenticated. `root` and `session` signed the request, `anonymous` did not; the others logged in at the STS. */
  readonly kind: 'root' | 'session' | 'anonymous' | 'openid' | 'ldap' | 'certificate' | 'plugin'
  /** The identity provider's subject, an LDAP user's distinguished name, or for root its access key ID. */
  readonly subject: string
  /** A name of the caller for people: nothing is decided by it. */
  readonly name?: string | undefined
  /** The access key ID of the request's signature. */
  readonly accessKeyId?: string | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  /** The issuer of the caller's token, or of the token that its session was issued for. */
  readonly issuer?: string | undefined
}

/** One policy decision. */
export interface PolicyDecision {
  /** IAM action, such as `s3:PutObject`. */
  readonly action: string
  /** Empty for a service-level action. */
  readonly bucket: string
  /** The decoded key; empty for a bucket-level action. */
  readonly key: string
  readonly isAllowed: boolean
  /** The statement or rule that decided. */
  readonly rule: string
  /** The condition values of the request. All decisions about one request share them. */
  readonly conditions: ReadonlyMap<string, readonly string[]>
  /** Of a yes: why the policy under observation would have said no. */
  readonly wouldDeny?: string | undefined
  /** What was asked, as the policies' room has it; only that room reads it. */
  readonly question: object
}

/** The policy decisions about one request. DeleteObjects needs up to a thousand, so only the first ones are kept. */
export interface DecisionSummary {
  /** The number of all decisions. */
  readonly total: number
  /** The number of denials. */
  readonly denied: number
  readonly first: readonly PolicyDecision[]
  readonly firstDenial: PolicyDecision | undefined
  /** The first decision that the policy under observation would have made otherwise. */
  readonly firstWouldDeny: PolicyDecision | undefined
}

/** The error of a request that failed. */
export interface Refusal {
  /** The error code that was sent to the client. */
  readonly code: string
  readonly reason: string
  /** The status of the error, if the reply had begun with another one. */
  readonly status?: number | undefined
}

/** The operation names of requests that no API names. */
export const serverOperations = {
  health: 'health',
  metrics: 'metrics',
  /** The question of a browser whether a page may send a request to another origin. */
  preflight: 'preflight',
  /** A request that was rejected because of overload, before it was handled. */
  refused: 'refused',
  /** A request that was rejected before its operation was known: its signature was not valid, or it is not supported. */
  other: 'other',
} as const
