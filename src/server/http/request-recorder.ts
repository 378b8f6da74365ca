import {
  serverOperations,
  type CallerFacts,
  type PolicyDecision,
  type Refusal,
  type RequestFacts,
} from './request-facts.ts'

/** Collects what becomes known while one request is handled. Each handler makes one per request and hands it down. */
export interface RequestRecorder {
  setOperation(name: string): void
  setCaller(caller: CallerFacts): void
  setIssued(issued: RequestFacts['issued']): void
  setUpstreamRequestId(id: string): void
  addDecision(decision: PolicyDecision): void
  /** Returns the record. @param refusal Left out for a request that was carried out. */
  toFacts(refusal?: Refusal): RequestFacts
}

/** Decisions kept of one request. */
const maxKept = 20
/** Longest text kept, in UTF-16 units: the length of the longest key, which is counted in bytes. */
const maxLength = 1024

/** Makes the recorder of one request. @param operation One of `serverOperations`, until the operation is known. */
export function createRequestRecorder(operation: string = serverOperations.other): RequestRecorder {
  let name = operation
  let caller: CallerFacts | undefined
  let issued: RequestFacts['issued']
  let upstreamRequestId: string | undefined
  const first: PolicyDecision[] = []
  let firstDenial: PolicyDecision | undefined
  let asked = 0
  let denied = 0
  return {
    setOperation: (given) => void (name = given),
    setCaller: (given) => void (caller = given),
    setIssued: (given) => void (issued = given),
    setUpstreamRequestId: (id) => void (upstreamRequestId = id.slice(0, 64)),
    addDecision(decision) {
      asked += 1
      if (!decision.isAllowed) denied += 1
      const isFirstDenial = !decision.isAllowed && firstDenial === undefined
      if (first.length >= maxKept && !isFirstDenial) return
      const kept = {
        ...decision,
        key: decision.key.slice(0, maxLength),
        rule: decision.rule.slice(0, maxLength),
      }
      if (first.length < maxKept) first.push(kept)
      if (isFirstDenial) firstDenial = kept
    },
    toFacts: (refusal) => ({
      operation: name,
      caller,
      decisions: { asked, denied, first, firstDenial },
      issued,
      upstreamRequestId,
      refusal: refusal && {
        code: refusal.code,
        reason: refusal.reason.slice(0, maxLength),
      },
    }),
  }
}

/** Returns the record of a request that no handler took. @param operation One of `serverOperations`. */
export function describeOperation(operation: string, refusal?: Refusal): RequestFacts {
  return createRequestRecorder(operation).toFacts(refusal)
}
