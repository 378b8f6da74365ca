import type { Principal } from '../sessions/principal.ts'
import type { Authorizer } from './authorizer.ts'
import type { PolicyDocument } from './policy-document.ts'
import { parseSessionPolicy } from './session-policy.ts'
import { matchesWildcard } from './wildcard.ts'

/**
 * Adds `couldAllow` to an authorizer: a principal without a statement that allows the action anywhere needs no look at what is there.
 * Resources, conditions and denials are left to `authorize`.
 *
 * @param policies The documents that the authorizer decides by; undefined for an external engine, of which only the session policy is known.
 */
export function withCouldAllow(
  authorizer: Authorizer,
  policies: ReadonlyMap<string, PolicyDocument> | undefined,
): Authorizer {
  return {
    ...authorizer,
    couldAllow: async (principal, action) => {
      if (principal.kind === 'root') return true
      if (!doesSessionName(principal, action)) return false
      if (policies === undefined) return true
      return principal.policyNames.some((name) => doesName(policies.get(name), action))
    },
  }
}

function doesSessionName({ sessionPolicy }: Principal, action: string): boolean {
  if (sessionPolicy === undefined) return true
  try {
    return doesName(parseSessionPolicy(sessionPolicy), action)
  } catch {
    // It was readable when it was issued; one that is not any more allows nothing.
    return false
  }
}

function doesName(document: PolicyDocument | undefined, action: string): boolean {
  return (document?.statements ?? []).some(({ effect, actions, isNotAction }) => {
    const isNamed = actions.some((pattern) => matchesWildcard(pattern, action))
    return effect === 'Allow' && isNamed !== isNotAction
  })
}
