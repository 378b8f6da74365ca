/** One question, one answer: may this principal do this here, now? */
import type { Principal } from '../sessions/principal.ts'
import type { DecisionMemo } from './decision-memo.ts'

export interface AuthorizationRequest {
  readonly principal: Principal
  /** IAM action, such as `s3:PutObject`. */
  readonly action: string
  /**
   * Another action that allows the same: MinIO asks whether a caller may `s3:HeadBucket`, and then `s3:ListBucket`, which is AWS's action of
   * HeadBucket. A statement that denies either of them denies it.
   */
  readonly otherAction?: string | undefined
  /** Empty for service-level actions. */
  readonly bucket: string
  /** Decoded key, empty for bucket-level actions. */
  readonly object: string
  /** The ARN of the role that an action of the STS is about, in the form of `toLocalArn`; undefined for actions about no role. */
  readonly roleArn?: string | undefined
  /** The version of the object that the action is about; undefined for the newest. */
  readonly versionId?: string | undefined
  /**
   * Condition keys → values as MinIO names them (`SourceIp`, `prefix`, `X-Amz-Content-Sha256`…), built by the server from the
   * request, less every secret. Claims are not mixed in: they come from `principal.claims`.
   */
  readonly conditions: ReadonlyMap<string, readonly string[]>
  /**
   * Reads the object's tags, an empty record if there is no object; undefined if they cannot be known. It is called only for a policy that
   * asks for them. Left out, they are not known.
   */
  readonly readObjectTags?:
    | (() => Promise<Readonly<Record<string, string>> | undefined>)
    | undefined
  /** True if `conditions` has the object's tags as `ExistingObjectTag/NAME`. */
  readonly areObjectTagsKnown?: boolean | undefined
  /** True if the question is whether some object could be allowed; see `couldAllow`. */
  readonly isAboutAnyObject?: boolean | undefined
  /** Shared by all questions of one principal's one request, whose conditions are the same; undefined for a question that stands alone. */
  readonly memo?: DecisionMemo | undefined
}

export interface Decision {
  readonly isAllowed: boolean
  /** The rule that decided, for the log: `allowed by readwrite#0`, `no statement allows s3:PutObject`, `opa: false`… */
  readonly reason: string
  /** True for a no that no other policy's yes overrides: an explicit deny. */
  readonly isExplicit?: boolean | undefined
  /** Of a yes: why the policy under observation would have said no. Undefined if it would not, or there is none. */
  readonly wouldDeny?: string | undefined
}

/**
 * Contract: never throws for a reason of its own — no decision, a timeout or an unknown shape is
 * `{ isAllowed: false }` with the reason in it.
 */
export interface Authorizer {
  /** True for an engine that decides alone about signed requests: what a bucket policy allows adds nothing to it. */
  readonly isFinal?: boolean | undefined
  authorize(request: AuthorizationRequest): Promise<Decision>
  /**
   * Returns whether the action could be allowed on some key of the request's bucket, or, where the bucket is empty, on anything. A no is certain,
   * a yes promises nothing. It is asked before something is looked up or read that could only serve a caller who may do it somewhere. An engine
   * that cannot tell does not have it.
   */
  couldAllow?(request: AuthorizationRequest): Promise<Decision>
}
