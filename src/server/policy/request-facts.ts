import type { AuthorizationRequest } from './authorizer.ts'
import { createDecisionMemo } from './decision-memo.ts'
import { buildConditions, type ConditionOptions, type ReceivedFacts } from './request-conditions.ts'

type RequestFacts = Required<Pick<AuthorizationRequest, 'conditions' | 'memo'>>

/** By the request itself: it goes with the request, and a request that was made anew is judged anew. */
const known = new WeakMap<ReceivedFacts, RequestFacts & ConditionOptions>()

/** What every question about a request has in common: its conditions, and what was found out already. Built once a request. */
export function findRequestFacts(request: ReceivedFacts, options: ConditionOptions): RequestFacts {
  const { principal, formSignatureVersion } = options
  const earlier = known.get(request)
  if (earlier?.principal === principal && earlier.formSignatureVersion === formSignatureVersion)
    return earlier
  const conditions = buildConditions(request, options)
  const facts = { principal, formSignatureVersion, conditions, memo: createDecisionMemo() }
  known.set(request, facts)
  return facts
}
