import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { createDecisionMemo, type DecisionMemo } from './decision-memo.ts'
import { evaluateBucket, evaluateDocument, type Verdict } from './evaluate-document.ts'
import type { PolicyDocument } from './policy-document.ts'
import { parseSessionPolicy } from './session-policy.ts'

/**
 * Makes session policies bind whatever engine decides the rest: allowed = the session policy allows ∧ the engine allows. MinIO let an
 * external engine's yes override them.
 */
export function withSessionPolicy(authorizer: Authorizer): Authorizer {
  return {
    async authorize(request) {
      const refusal = checkSessionPolicy(request, evaluateDocument)
      return refusal ?? authorizer.authorize(request)
    },
    async authorizeBucket(request) {
      const refusal = checkSessionPolicy(request, evaluateBucket)
      if (refusal !== undefined) return refusal
      // What an engine cannot tell is asked of it key by key.
      const decision = await authorizer.authorizeBucket?.(request)
      return decision ?? { isAllowed: true, reason: 'the policy engine decides for each key' }
    },
  }
}

function checkSessionPolicy(
  request: AuthorizationRequest,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): Decision | undefined {
  const { sessionPolicy } = request.principal
  if (sessionPolicy === undefined) return undefined
  const document = readOnce(sessionPolicy, request.memo ?? createDecisionMemo())
  // It was readable when it was issued; one that is not any more allows nothing.
  if (document === undefined) return { isAllowed: false, reason: 'session policy cannot be read' }
  const verdict = evaluate(document, request)
  if (verdict.effect === 'Allow') return undefined
  return {
    isAllowed: false,
    reason:
      verdict.effect === 'Deny'
        ? `denied by session policy ${verdict.label}`
        : 'session policy does not allow it',
  }
}

function readOnce(text: string, { sessionPolicies }: DecisionMemo): PolicyDocument | undefined {
  if (!sessionPolicies.has(text)) {
    let document: PolicyDocument | undefined
    try {
      document = parseSessionPolicy(text)
    } catch {
      document = undefined
    }
    sessionPolicies.set(text, document)
  }
  return sessionPolicies.get(text)
}
