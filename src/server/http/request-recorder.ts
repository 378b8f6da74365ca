import {
  serverOperations,
  type CallerFacts,
  type PolicyDecision,
  type Refusal,
  type RequestFacts,
} from './request-facts.ts'

/** Collects the facts about one request while it is handled. Each handler creates one recorder per request and passes it on. */
export interface RequestRecorder {
  setOperation(name: string): void
  setCaller(caller: CallerFacts): void
  setIssued(issued: RequestFacts['issued']): void
  setUpstreamRequestId(id: string): void
  addDecision(decision: PolicyDecision): void
  /** Returns the facts. @param refusal The error of a failed request; undefined when the request succeeded. */
  toFacts(refusal?: Refusal): RequestFacts
}

/** The most decisions that are kept per request. */
const maxKept = 20
/** The most UTF-16 units of a text that are kept. The longest key has 1024 bytes. */
const maxLength = 1024

/** Returns the recorder of one request. @param operation One of `serverOperations`; it applies until `setOperation` is called. */
export function createRequestRecorder(operation: string = serverOperations.other): RequestRecorder {
  let name = operation
  let caller: CallerFacts | undefined
  let issued: RequestFacts['issued']
  let upstreamRequestId: string | undefined
  const first: PolicyDecision[] = []
  let firstDenial: PolicyDecision | undefined
  let firstWouldDeny: PolicyDecision | undefined
  let total = 0
  let denied = 0
  return {
    setOperation: (given) => void (name = given),
    setCaller: (given) => void (caller = given),
    setIssued: (given) => void (issued = given),
    setUpstreamRequestId: (id) => void (upstreamRequestId = id.slice(0, 64)),
    addDecision(decision) {
      total += 1
      if (!decision.isAllowed) denied += 1
      const isFirstDenial = !decision.isAllowed && firstDenial === undefined
      const isFirstWouldDeny = decision.wouldDeny !== undefined && firstWouldDeny === undefined
      if (first.length >= maxKept && !isFirstDenial && !isFirstWouldDeny) return
      const { action, bucket, isAllowed, conditions, question, wouldDeny } = decision
      const [key, rule] = [decision.key.slice(0, maxLength), decision.rule.slice(0, maxLength)]
      const kept = { action, bucket, key, isAllowed, rule, conditions, question, wouldDeny }
      if (first.length < maxKept) first.push(kept)
      if (isFirstDenial) firstDenial = kept
      if (isFirstWouldDeny) firstWouldDeny = kept
    },
    toFacts: (refusal) => ({
      operation: name,
      caller,
      decisions: { total, denied, first, firstDenial, firstWouldDeny },
      issued,
      upstreamRequestId,
      refusal: refusal && {
        code: refusal.code,
        ...(refusal.status === undefined ? {} : { status: refusal.status }),
        reason: refusal.reason.slice(0, maxLength),
      },
    }),
  }
}

/** Returns the facts about a request without a caller and decisions. @param operation One of `serverOperations`. */
export function describeOperation(operation: string, refusal?: Refusal): RequestFacts {
  return createRequestRecorder(operation).toFacts(refusal)
}
