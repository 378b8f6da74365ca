import type { AuthorizationRequest } from './authorizer.ts'
import { createDecisionMemo } from './decision-memo.ts'
import { buildConditions, type ConditionOptions, type ReceivedFacts } from './request-conditions.ts'

/** What every question about one request has in common (AWS, «Request context»). */
type RequestContext = Required<Pick<AuthorizationRequest, 'conditions' | 'memo'>>

/** Keyed by the request itself, so that a request which was rebuilt gets a context of its own. */
const contexts = new WeakMap<ReceivedFacts, RequestContext & ConditionOptions>()

/** Returns the conditions of a request and the memo of its decisions. Built once per request and principal. */
export function findRequestContext(
  request: ReceivedFacts,
  options: ConditionOptions,
): RequestContext {
  const { principal, formSignatureVersion } = options
  const earlier = contexts.get(request)
  if (earlier?.principal === principal && earlier.formSignatureVersion === formSignatureVersion)
    return earlier
  const conditions = buildConditions(request, options)
  const context = { principal, formSignatureVersion, conditions, memo: createDecisionMemo() }
  contexts.set(request, context)
  return context
}
