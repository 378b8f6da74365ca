import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { evaluateAnyResource, evaluateDocument, type Verdict } from './evaluate-document.ts'
import { loadObjectTags } from './object-tags.ts'
import type { PolicyDocument } from './policy-document.ts'
import { parseSessionPolicy } from './session-policy.ts'

/**
 * Makes session policies bind whatever engine decides the rest: allowed = the session policy allows ∧ the engine allows. MinIO let an
 * external engine's yes override them.
 */
export function withSessionPolicy(authorizer: Authorizer): Authorizer {
  const read = createReader()
  return {
    async authorize(request) {
      const { sessionPolicy } = request.principal
      const document = sessionPolicy === undefined ? undefined : read(sessionPolicy)
      const loaded = document === undefined ? request : await loadObjectTags(request, [document])
      const refusal = checkSessionPolicy(loaded, read, evaluateDocument)
      return refusal ?? authorizer.authorize(loaded)
    },
    async couldAllow(request) {
      const refusal = checkSessionPolicy(request, read, evaluateAnyResource)
      if (refusal !== undefined) return refusal
      // An engine that cannot tell is asked about each resource later.
      const decision = await authorizer.couldAllow?.(request)
      return decision ?? { isAllowed: true, reason: 'the policy engine decides for each resource' }
    },
  }
}

function checkSessionPolicy(
  request: AuthorizationRequest,
  read: (text: string) => PolicyDocument | undefined,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): Decision | undefined {
  const { sessionPolicy } = request.principal
  if (sessionPolicy === undefined) return undefined
  const document = read(sessionPolicy)
  // It was readable when it was issued; one that is not any more allows nothing.
  if (document === undefined) return { isAllowed: false, reason: 'session policy cannot be read' }
  const actions = [request.action, ...(request.otherAction ? [request.otherAction] : [])]
  const verdicts = actions.map((action) => evaluate(document, { ...request, action }))
  const denial = verdicts.find(({ effect }) => effect === 'Deny')
  if (denial === undefined && verdicts.some(({ effect }) => effect === 'Allow')) return undefined
  return {
    isAllowed: false,
    reason:
      denial?.effect === 'Deny'
        ? `denied by session policy ${denial.label}`
        : 'session policy does not allow it',
  }
}

/** How many session policies stay parsed: a session asks again and again. */
const maxCached = 64

/** Reads session policies, each once as long as it is among those that were asked for last; undefined for one that cannot be read. */
function createReader(): (text: string) => PolicyDocument | undefined {
  const cached = new Map<string, PolicyDocument | undefined>()
  return (text) => {
    const document = cached.has(text) ? cached.get(text) : readOrNone(text)
    // The last one of a map is the newest.
    cached.delete(text)
    cached.set(text, document)
    const [oldest] = cached.size > maxCached ? cached.keys() : []
    if (oldest !== undefined) cached.delete(oldest)
    return document
  }
}

function readOrNone(text: string): PolicyDocument | undefined {
  try {
    return parseSessionPolicy(text)
  } catch {
    return undefined
  }
}
