import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { evaluateAnyResource, evaluateDocument, type Verdict } from './evaluate-document.ts'
import { loadObjectTags } from './object-tags.ts'
import type { PolicyDocument } from './policy-document.ts'

type PolicyDocuments = ReadonlyMap<string, PolicyDocument>

interface IamOptions {
  readonly policies: PolicyDocuments
}

/** Decides by the policy documents that the principal's session names; root may do everything. */
export function createIamAuthorizer({ policies }: IamOptions): Authorizer {
  return {
    async authorize(request) {
      if (request.principal.kind === 'root') return allowedToRoot
      const documents = findDocuments(policies, request)
      const loaded = await loadObjectTags(request, [...documents.values()])
      return decide(documents, loaded, evaluateDocument)
    },
    couldAllow: async (request) =>
      decide(findDocuments(policies, request), request, evaluateAnyResource),
  }
}

const allowedToRoot: Decision = { isAllowed: true, reason: 'root' }

/** Returns the documents of a session, each once: a claim may name one policy a thousand times. */
function findDocuments(
  policies: PolicyDocuments,
  { principal }: AuthorizationRequest,
): PolicyDocuments {
  const documents = new Map<string, PolicyDocument>()
  for (const name of new Set(principal.policyNames)) {
    const document = policies.get(name)
    if (document !== undefined) documents.set(name, document)
  }
  return documents
}

function decide(
  documents: PolicyDocuments,
  request: AuthorizationRequest,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): Decision {
  if (request.principal.kind === 'root') return allowedToRoot
  const { otherAction } = request
  const [effect, reason] = decideAction(documents, request, evaluate)
  const decision = toDecision(effect, reason)
  if (otherAction === undefined || effect === 'Deny') return decision
  const question = { ...request, action: otherAction }
  const [otherEffect, otherReason] = decideAction(documents, question, evaluate)
  if (otherEffect === 'none' || otherEffect === effect) return decision
  return toDecision(otherEffect, otherReason)
}

function toDecision(effect: Verdict['effect'], reason: string): Decision {
  const decision = { isAllowed: effect === 'Allow', reason }
  return effect === 'Deny' ? { ...decision, isExplicit: true } : decision
}

function decideAction(
  documents: PolicyDocuments,
  request: AuthorizationRequest,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): [effect: Verdict['effect'], reason: string] {
  let allowedBy: string | undefined
  for (const [name, document] of documents) {
    const verdict = evaluate(document, request)
    if (verdict.effect === 'Deny') return ['Deny', `denied by ${name} ${verdict.label}`]
    if (verdict.effect === 'Allow') allowedBy ??= `${name} ${verdict.label}`
  }
  if (allowedBy !== undefined) return ['Allow', `allowed by ${allowedBy}`]
  const names = request.principal.policyNames.join(', ') || 'none'
  return ['none', `no statement allows ${request.action} (policies: ${names})`]
}
