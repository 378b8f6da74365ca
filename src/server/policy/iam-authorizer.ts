import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { evaluateAnyResource, evaluateDocument, type Verdict } from './evaluate-document.ts'
import type { PolicyDocument } from './policy-document.ts'

interface IamOptions {
  readonly policies: ReadonlyMap<string, PolicyDocument>
}

/** Decides by the policy documents that the principal's session names; root may do everything. */
export function createIamAuthorizer({ policies }: IamOptions): Authorizer {
  return {
    authorize: async (request) => decide(policies, request, evaluateDocument),
    couldAllow: async (request) => decide(policies, request, evaluateAnyResource),
  }
}

function decide(
  policies: ReadonlyMap<string, PolicyDocument>,
  request: AuthorizationRequest,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): Decision {
  if (request.principal.kind === 'root') return { isAllowed: true, reason: 'root' }
  let allowedBy: string | undefined
  // A claim may name one policy a thousand times.
  for (const name of new Set(request.principal.policyNames)) {
    const document = policies.get(name)
    if (document === undefined) continue
    const verdict = evaluate(document, request)
    if (verdict.effect === 'Deny')
      return { isAllowed: false, reason: `denied by ${name} ${verdict.label}` }
    if (verdict.effect === 'Allow') allowedBy ??= `${name} ${verdict.label}`
  }
  if (allowedBy !== undefined) return { isAllowed: true, reason: `allowed by ${allowedBy}` }
  const names = request.principal.policyNames.join(', ') || 'none'
  return {
    isAllowed: false,
    reason: `no statement allows ${request.action} (policies: ${names})`,
  }
}
