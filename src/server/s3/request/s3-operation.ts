/** The interface of an S3 operation, and what it gets. */
import type { Query } from '../../../protocol/query.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { ParsedSignature } from '../../../protocol/sigv4/parse-signature.ts'
import type { CorsRule } from '../../http/cors-rules.ts'
import type { HttpReply, HttpRequest } from '../../http/http-message.ts'
import type { RequestRecorder } from '../../http/request-recorder.ts'
import type { Principal } from '../../sessions/principal.ts'
import type { FormSignatureVersion } from '../../identity/request-authenticator.ts'
import type { AuthorizationRequest, Authorizer, Decision } from '../../policy/authorizer.ts'
import type { FindBucketPolicy } from '../../policy/combine-policies.ts'
import { addLock, addTags, type RequestedLock } from '../../policy/object-conditions.ts'
import type { ReadTags } from '../../policy/object-tags.ts'
import { findRequestContext } from '../../policy/request-context.ts'
import { type Address, serviceAddress } from './address.ts'
import type { ChunkSeed } from '../body/aws-chunked.ts'
import { openPayload, type Payload, type PayloadOptions, type SizeBounds } from '../body/payload.ts'
import type { ObjectStore } from './object-store.ts'

/** An authenticated request, which every operation gets. */
export interface S3Request extends Address {
  /** The request, with the headers from the query of a presigned URL. */
  readonly request: HttpRequest
  /** The query without the signature and without headers. */
  readonly query: Query
  readonly recorder: RequestRecorder
  /** Records each question and its answer. */
  readonly authorizer: Authorizer
  /** The region that requests must be signed for; empty for any. */
  readonly region: string
  /** True if the host names the bucket. */
  readonly isBucketInHost: boolean
  readonly principal: Principal
  readonly signature: Pick<ParsedSignature, 'payloadHash'>
  /** The verified signature that chunk signatures continue. */
  readonly seed: ChunkSeed | undefined
  /** The tags in a body that was read before the decision. */
  readonly requestTags?: Readonly<Record<string, string>> | undefined
  /** The lock in a body that was read before the decision. */
  readonly requestLock?: RequestedLock | undefined
  /** Set if the body is the file of an upload form. */
  readonly form?: FormFacts | undefined
}

export interface FormFacts {
  /** The sizes that the form's policy allows. The length of the file is not known beforehand. */
  readonly sizes: SizeBounds
  /** Undefined for an unsigned form. */
  readonly signatureVersion: FormSignatureVersion | undefined
}

/** A request to the embedded operations, with their store. */
export interface S3Call extends S3Request {
  readonly objects: ObjectStore
}

export interface S3Operation<Call extends S3Request = S3Call> {
  /** S3's name of the operation, also in logs and metrics. */
  readonly name: string
  /** The IAM action on the addressed bucket and key; undefined when the operation authorizes itself. */
  readonly action: string | undefined
  /**
   * Makes every check that is decided quickly, and carries the operation out, or returns the rest of it as work.
   *
   * @throws {AwsError} A refusal.
   */
  run(call: Call): Promise<HttpReply | LongWork>
}

/**
 * Work that may take longer than clients wait for the first byte, such as three seconds. Its answer begins with the status 200 while it runs,
 * and a failure after that is an Error document in the body (AWS, "CompleteMultipartUpload", "CopyObject", "UploadPartCopy").
 */
export interface LongWork {
  /** Time after which the answer begins, in milliseconds; 0 to begin it before the work. Work that ends earlier is answered in one piece, with its own status. */
  readonly silenceMs: number
  /**
   * Called once.
   *
   * @param signal Aborts when the client is gone: the work then stops, unless its effect is already visible.
   * @param begin Begins the answer with these headers, before the end of the silence.
   * @throws {AwsError} A failure.
   */
  work(signal: AbortSignal, begin: (headers: HttpReply['headers']) => void): Promise<HttpReply>
}

/**
 * The silence before the answer to work in our own store, as in the gateway: small objects are finished by then, on a busy machine too, so that
 * their answers have their status and the headers of what was made, such as the version ID.
 */
const storeSilenceMs = 1000
/** Bytes that cannot be copied within the silence. */
const largeBytes = 64 * 1024 * 1024

/** Returns work in our own store. The answer to a large copy begins at once. @param bytes The size of what is written. */
export function toStoreWork(
  bytes: number,
  work: (signal: AbortSignal) => Promise<HttpReply>,
): LongWork {
  return { silenceMs: bytes > largeBytes ? 0 : storeSilenceMs, work }
}

/** Carries out operations: the embedded object store, or another S3. */
export interface S3Backend {
  /** @throws {AwsError} `InvalidBucketName`. */
  requireBucketName(name: string): void
  /** @throws {AwsError} `NotImplemented`, `MethodNotAllowed` for anything unknown. */
  findOperation(
    method: string,
    address: Address,
    query: Query,
    headers: ReadonlyMap<string, string>,
  ): S3Operation<S3Request>
  /** Resolves to the bucket's own CORS rules; to undefined if it has none or does not exist. Undefined if the server's origins decide about all. */
  readonly findCorsRules?:
    | ((bucket: string) => Promise<readonly CorsRule[] | undefined>)
    | undefined
  /** Finds the policy of a bucket. Undefined if buckets have no policies here: then no unsigned request is answered. */
  readonly findBucketPolicy?: FindBucketPolicy | undefined
  /** Reads the tags of an object for policies that ask for them. A backend that cannot tell does not have it. */
  readonly readTags?: ReadTags | undefined
  /**
   * Carries out the lifecycle of all buckets once, until the signal aborts. Undefined for a backend whose other S3 does.
   *
   * @see runPass
   */
  readonly runLifecycle?:
    | ((options: {
        readonly signal: AbortSignal
        readonly onRemoved: (kind: string) => void
      }) => Promise<unknown>)
    | undefined
  /** Returns whether the backend is ready. */
  checkReady(): Promise<boolean>
}

/** What an action is done with. */
export interface Place extends Address {
  /** The version of the object; undefined for the newest, or for that of the request if it is about this very key. */
  readonly version?: string | undefined
}

/**
 * Authorizes the caller for an action, on the addressed bucket and key or on others. Nothing is looked up before that, so that a denial does
 * not reveal what exists.
 *
 * @throws {AwsError} `AccessDenied`.
 */
export async function authorize(
  call: S3Request,
  action: string,
  at: Place = { bucket: call.bucket, key: call.key },
): Promise<void> {
  const decision = await decide(call, action, at)
  if (!decision.isAllowed) throw denial(action, at, decision)
}

/** Returns the error of a denial, with the rule that decided. AWS too says which kind of policy lacks the action ("Access denied error messages"). */
export function denial(action: string, { bucket, key }: Address, { reason }: Decision): AwsError {
  const where = bucket === '' ? '' : ` on ${bucket}${key === '' ? '' : `/${key}`}`
  return new AwsError('AccessDenied', `you may not ${action}${where}: ${reason}`)
}

/** Returns the decision, for operations that continue after a denial. */
export function decide(call: S3Request, action: string, at: Place): Promise<Decision> {
  return call.authorizer.authorize(toQuestion(call, action, at))
}

/**
 * Refuses a caller who may do none of these actions on any key of the bucket, before a body that lists keys is read. Passes if the policy
 * engine cannot tell.
 *
 * @throws {AwsError} `AccessDenied` if every key would be refused.
 */
export async function authorizeSomeKey(call: S3Request, actions: readonly string[]): Promise<void> {
  const at = { bucket: call.bucket, key: '' }
  for (const action of actions) {
    const decision = await call.authorizer.couldAllow?.(toQuestion(call, action, at))
    if (decision === undefined || decision.isAllowed) return
    if (action === actions.at(-1)) throw denial(actions[0] ?? action, at, decision)
  }
}

/** Returns whether the caller could be allowed an action on some bucket: false is certain. True if the policy engine cannot tell. */
export async function couldAllow(call: S3Request, action: string): Promise<boolean> {
  const decision = await call.authorizer.couldAllow?.(toQuestion(call, action, serviceAddress))
  return decision?.isAllowed ?? true
}

function toQuestion(call: S3Request, action: string, at: Place): AuthorizationRequest {
  const formSignatureVersion = call.form?.signatureVersion
  const { principal } = call
  const { conditions, memo } = findRequestContext(call.request, { principal, formSignatureVersion })
  const otherAction = findOtherAction(call.request.method, action)
  const isOfRequest = at.bucket === call.bucket && at.key === call.key
  const ofQuery = isOfRequest ? call.query.get('versionId') : undefined
  const versionId = at.version ?? ofQuery
  // With all its members from the start, because an object that gets new ones later costs more than the rest of the question.
  const question = {
    principal,
    action,
    otherAction,
    bucket: at.bucket,
    object: at.key,
    versionId,
    conditions,
    readObjectTags: undefined,
    areObjectTagsKnown: undefined,
    isAboutAnyObject: undefined,
    memo: undefined,
  }
  const { requestTags, requestLock } = call
  // A version that the body or a header names is not in the conditions of the request.
  const isNamedElsewhere = versionId !== ofQuery
  if (requestTags === undefined && requestLock === undefined && !isNamedElsewhere)
    return { ...question, memo }
  const withBody = new Map(conditions)
  if (isNamedElsewhere && versionId !== undefined) withBody.set('versionid', [versionId])
  if (requestTags !== undefined) addTags(withBody, Object.entries(requestTags))
  if (requestLock !== undefined) addLock(withBody, requestLock, call.request.receivedAtMs)
  return { ...question, conditions: withBody }
}

/** Returns MinIO's own action for what AWS has no action of its own for. */
function findOtherAction(method: string, action: string): string | undefined {
  if (method === 'HEAD' && action === 's3:ListBucket') return 's3:HeadBucket'
  if (method === 'DELETE' && action === 's3:PutBucketCors') return 's3:DeleteBucketCors'
  return undefined
}

/** Returns the call's body, unread. @throws {AwsError} as `openPayload`. */
export function openBody(
  call: S3Request,
  options: Pick<PayloadOptions, 'maxBytes' | 'algorithm' | 'keptAlgorithm' | 'isEtagNeeded'>,
): Payload {
  const { request, signature, seed, form } = call
  const { payloadHash } = signature
  return openPayload(request, { payloadHash, seed, sizes: form?.sizes, ...options })
}
