/**
 * What the server knows about a request once it is answered: one record, which the access log prints and the metrics count. It holds no
 * secret: no token, no secret key, no signature, and of a session only its access key ID.
 */

export interface RequestFacts {
  /**
   * The operation's own name in its API: `CopyObject`, `HeadObject`, `AssumeRoleWithClientGrants`, `RevokeTokens`. Where no API names it, one
   * of `serverOperations`. It comes from the server's tables and never from the request.
   */
  readonly operation: string
  /** Undefined until somebody is proven. */
  readonly caller: CallerFacts | undefined
  readonly decisions: DecisionSummary
  /** The credentials that an STS action issued. */
  readonly issued: { readonly accessKeyId: string; readonly expiresAtMs: number } | undefined
  /** The gateway's upstream S3 calls the request by this ID. */
  readonly upstreamRequestId: string | undefined
  /** Undefined for a request that was carried out. */
  readonly refusal: Refusal | undefined
}

/** Who asked, once that is proven. */
export interface CallerFacts {
  /** `root` and `session` signed the request; the others proved themselves to the STS, which issues sessions to them. */
  readonly kind: 'root' | 'session' | 'openid' | 'ldap' | 'certificate' | 'plugin'
  /** The identity provider's subject, an LDAP user's distinguished name, or for root its access key ID. */
  readonly subject: string
  /** What the request was signed with. */
  readonly accessKeyId?: string | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  /** Issuer of the token that the caller came with, or that its session was issued for. */
  readonly issuer?: string | undefined
}

/** One policy question and its answer. */
export interface PolicyDecision {
  /** IAM action, such as `s3:PutObject`. */
  readonly action: string
  /** Empty for an action on the service. */
  readonly bucket: string
  /** Decoded; empty for an action on a bucket. */
  readonly key: string
  readonly isAllowed: boolean
  /** The statement or rule that decided. */
  readonly rule: string
  /** The condition values that the policy engine was given. All questions about one request share them. */
  readonly conditions: ReadonlyMap<string, readonly string[]>
}

/** The policy questions of one request. DeleteObjects asks a thousand, so only the first ones are kept. */
export interface DecisionSummary {
  readonly asked: number
  readonly denied: number
  readonly first: readonly PolicyDecision[]
  readonly firstDenial: PolicyDecision | undefined
}

/** Why the request was not carried out. */
export interface Refusal {
  /** The error code that the client was sent. */
  readonly code: string
  readonly reason: string
}

/** Names for requests that no API has an operation for. */
export const serverOperations = {
  health: 'health',
  metrics: 'metrics',
  /** Refused under overload, before anything looked at it. */
  refused: 'refused',
  /** Refused before its operation was known: without a valid signature, or for something that the server does not have. */
  other: 'other',
} as const
