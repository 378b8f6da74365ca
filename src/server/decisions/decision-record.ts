/** What the record of decided requests tells about one of them. */
import type { HttpOutcome, HttpRequest } from '../http/http-message.ts'
import type { PolicyDecision, RequestFacts } from '../http/request-facts.ts'

/** An answered request, as it is kept. Its conditions are built when they are read. */
export interface KeptRequest {
  readonly id: string
  readonly receivedAtMs: number
  readonly latencyMs: number
  readonly method: string
  readonly path: string
  readonly remoteAddress: string
  readonly userAgent: string
  readonly status: number
  /** Length of the answer's body. */
  readonly sentBytes: number
  readonly facts: RequestFacts
  /** About how much memory this takes. */
  readonly keptBytes: number
}

/** One decision, as JSON. */
export interface DecisionView {
  readonly action: string
  readonly bucket: string
  readonly key: string
  readonly decision: 'allow' | 'deny'
  readonly rule: string
  /** Of a yes: why the policy under observation would have said no. */
  readonly wouldDeny?: string | undefined
}

/** A decided request, as JSON. It has no secret: no token, no signature, no secret key. */
export interface RequestView {
  readonly id: string
  /** ISO 8601, with milliseconds. */
  readonly time: string
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly source: string
  readonly userAgent: string
  readonly status: number
  readonly bytes: number
  readonly ms: number
  /** `root`, or the subject. */
  readonly principal?: string | undefined
  readonly name?: string | undefined
  readonly accessKeyId?: string | undefined
  readonly role?: string | undefined
  readonly roleSessionName?: string | undefined
  readonly issuer?: string | undefined
  readonly issuedAccessKeyId?: string | undefined
  readonly upstreamRequestId?: string | undefined
  readonly error?: string | undefined
  readonly reason?: string | undefined
  readonly decisions: readonly DecisionView[]
  /** The number of all decisions; more than the list has for a request about many keys. */
  readonly total: number
  readonly denied: number
}

/** The memory of a record without its texts. */
const recordBytes = 1024

/** Returns an answered request as it is kept: references to what the request has made already, because it is done for each request. */
export function keepRequest(
  request: HttpRequest,
  { reply, facts }: HttpOutcome,
  { sentBytes, nowMs }: { readonly sentBytes: number; readonly nowMs: number },
): KeptRequest {
  const { requestId: id, receivedAtMs, method, rawPath: path, remoteAddress, headers } = request
  let keptBytes = recordBytes + path.length
  for (const [name, value] of request.query.pairs) keptBytes += name.length + value.length
  for (const value of headers.values()) keptBytes += value.length
  return {
    id,
    receivedAtMs,
    latencyMs: Math.max(0, nowMs - receivedAtMs),
    method,
    path,
    remoteAddress,
    userAgent: headers.get('user-agent') ?? '',
    status: facts.refusal?.status ?? reply.status,
    sentBytes,
    facts,
    keptBytes: keptBytes + facts.decisions.first.length * recordBytes,
  }
}

/** Returns the kept request as JSON. */
export function viewRequest(kept: KeptRequest): RequestView {
  const { facts } = kept
  const { caller, decisions, refusal } = facts
  return {
    id: kept.id,
    time: new Date(kept.receivedAtMs).toISOString(),
    operation: facts.operation,
    method: kept.method,
    path: kept.path,
    source: kept.remoteAddress,
    userAgent: kept.userAgent,
    status: kept.status,
    bytes: kept.sentBytes,
    ms: kept.latencyMs,
    principal: caller?.kind === 'root' ? 'root' : caller?.subject,
    name: caller?.name,
    accessKeyId: caller?.accessKeyId,
    role: caller?.roleArn,
    roleSessionName: caller?.roleSessionName,
    issuer: caller?.issuer,
    issuedAccessKeyId: facts.issued?.accessKeyId,
    upstreamRequestId: facts.upstreamRequestId,
    error: refusal?.code,
    reason: refusal?.reason,
    decisions: listDecisions(kept).map(viewDecision),
    total: decisions.total,
    denied: decisions.denied,
  }
}

/** Returns the decisions that were kept: the first ones, the first no, and the first no of the policy under observation. */
export function listDecisions({ facts: { decisions } }: KeptRequest): readonly PolicyDecision[] {
  const { first, firstDenial, firstWouldDeny } = decisions
  const further = [firstDenial, firstWouldDeny].filter((each) => each !== undefined)
  return [...first, ...further.filter((each) => !first.includes(each))]
}

function viewDecision({
  action,
  bucket,
  key,
  isAllowed,
  rule,
  wouldDeny,
}: PolicyDecision): DecisionView {
  return { action, bucket, key, decision: isAllowed ? 'allow' : 'deny', rule, wouldDeny }
}
