import type { RequestRecorder } from '../http/request-recorder.ts'
import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'

/**
 * Returns an authorizer that decides as the given one and records every decision. Of the decisions about a whole bucket only denials are
 * recorded, because an allow there is not final.
 */
export function recordDecisions(authorizer: Authorizer, recorder: RequestRecorder): Authorizer {
  const { couldAllow } = authorizer
  const authorize = async (request: AuthorizationRequest): Promise<Decision> => {
    const decision = await authorizer.authorize(request)
    recorder.addDecision(toRecord(request, decision))
    return decision
  }
  if (couldAllow === undefined) return { isFinal: authorizer.isFinal, authorize }
  return {
    isFinal: authorizer.isFinal,
    authorize,
    async couldAllow(request) {
      const decision = await couldAllow.call(authorizer, request)
      if (!decision.isAllowed) recorder.addDecision(toRecord(request, decision))
      return decision
    },
  }
}

function toRecord(
  question: AuthorizationRequest,
  { isAllowed, reason, wouldDeny }: Decision,
): Parameters<RequestRecorder['addDecision']>[0] {
  const { action, bucket, object, conditions } = question
  return { action, bucket, key: object, isAllowed, rule: reason, conditions, question, wouldDeny }
}
