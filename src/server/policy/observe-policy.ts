/** A policy that is only watched: it decides nothing, and the record says what it would have denied. */
import type { AuthorizationRequest, Authorizer } from './authorizer.ts'
import { evaluateDocument } from './evaluate-document.ts'
import { loadObjectTags } from './object-tags.ts'
import type { PolicyDocument } from './policy-document.ts'

/** A policy under observation, by its name. */
export interface ObservedPolicy {
  readonly name: string
  readonly document: PolicyDocument
}

/**
 * Returns an authorizer that decides as the given one. Of each yes to a session it also says whether the observed policy, in place of the session's own
 * policies, would have said no. Root and callers who did not sign have no policies that it could replace.
 */
export function observePolicy(authorizer: Authorizer, observed: ObservedPolicy): Authorizer {
  return {
    ...authorizer,
    async authorize(request) {
      const decision = await authorizer.authorize(request)
      if (!decision.isAllowed || request.principal.kind !== 'session') return decision
      const wouldDeny = await findDenial(request, observed)
      return wouldDeny === undefined ? decision : { ...decision, wouldDeny }
    },
  }
}

async function findDenial(
  request: AuthorizationRequest,
  { name, document }: ObservedPolicy,
): Promise<string | undefined> {
  const loaded = await loadObjectTags(request, [document])
  const { action, otherAction } = loaded
  const actions = [action, ...(otherAction === undefined ? [] : [otherAction])]
  const verdicts = actions.map((asked) => {
    return evaluateDocument(document, { ...loaded, action: asked, memo: undefined })
  })
  const denial = verdicts.find(({ effect }) => effect === 'Deny')
  if (denial?.effect === 'Deny') return `denied by ${name} ${denial.label}`
  const isAllowed = verdicts.some(({ effect }) => effect === 'Allow')
  return isAllowed ? undefined : `no statement of ${name} allows ${action}`
}
