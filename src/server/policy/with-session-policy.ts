import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { evaluateDocument } from './policy-document.ts'
import { parseSessionPolicy } from './session-policy.ts'

/**
 * Makes session policies bind whatever engine decides the rest: allowed = the session policy allows ∧ the engine allows. MinIO let an
 * external engine's yes override them.
 */
export function withSessionPolicy(authorizer: Authorizer): Authorizer {
  return {
    async authorize(request) {
      const refusal = checkSessionPolicy(request)
      return refusal ?? authorizer.authorize(request)
    },
  }
}

function checkSessionPolicy(request: AuthorizationRequest): Decision | undefined {
  const { sessionPolicy } = request.principal
  if (sessionPolicy === undefined) return undefined
  try {
    const verdict = evaluateDocument(parseSessionPolicy(sessionPolicy), request)
    if (verdict.effect === 'Allow') return undefined
    return {
      isAllowed: false,
      reason:
        verdict.effect === 'Deny'
          ? `denied by session policy ${verdict.label}`
          : 'session policy does not allow it',
    }
  } catch {
    // It was readable when it was issued; one that is not any more allows nothing.
    return { isAllowed: false, reason: 'session policy cannot be read' }
  }
}
