import { createLazyMap } from '../../base/lazy-map.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { createDecisionMemo } from './decision-memo.ts'
import {
  buildConditions,
  type ConditionOptions,
  type ReceivedRequest,
} from './request-conditions.ts'

/** The part of an authorization request that all decisions about one HTTP request share (IAM User Guide, "Request context"). */
type RequestContext = Required<Pick<AuthorizationRequest, 'conditions' | 'memo'>>

/** The key is the request object, so a rebuilt request gets its own context. */
const contexts = new WeakMap<ReceivedRequest, RequestContext & ConditionOptions>()

/**
 * Returns the conditions of a request and the memo of its decisions, once per request and principal. The conditions are built when they are
 * first read: most policies have none.
 */
export function findRequestContext(
  request: ReceivedRequest,
  options: ConditionOptions,
): RequestContext {
  const { principal, formSignatureVersion } = options
  const cached = contexts.get(request)
  if (cached?.principal === principal && cached.formSignatureVersion === formSignatureVersion)
    return cached
  const { headers, query, remoteAddress, isTls, receivedAtMs } = request
  // Without the body, whose connection would be kept as long as the record of the request.
  const facts = { headers, query, remoteAddress, isTls, receivedAtMs }
  const conditions = createLazyMap(() => buildConditions(facts, options))
  const context = { principal, formSignatureVersion, conditions, memo: createDecisionMemo() }
  contexts.set(request, context)
  return context
}
