/** The condition keys about the principal itself (IAM User Guide, "AWS global condition context keys", "Properties of the principal"). */
import type { JsonObject } from '../../base/parse.ts'
import { accountId } from '../identity/account.ts'
import { listPrincipalNames } from '../identity/principal-names.ts'
import { readSessionTag } from '../identity/session-tags.ts'
import type { Principal } from '../sessions/principal.ts'

const principalKeys: ReadonlySet<string> = new Set([
  'aws:username',
  'aws:userid',
  'aws:principaltype',
  'aws:groups',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalisawsservice',
  'aws:sourceidentity',
])
const tagKey = /^aws:principaltag\/(.+)$/is

/** Returns whether a key, in lower case, is about the principal. */
export function isPrincipalKey(lower: string): boolean {
  return principalKeys.has(lower) || tagKey.test(lower)
}

/** Returns AWS's type of a principal: `Account`, `AssumedRole` or `Anonymous`. */
export function namePrincipalType({ kind }: Pick<Principal, 'kind'>): string {
  return kind === 'root' ? 'Account' : kind === 'session' ? 'AssumedRole' : 'Anonymous'
}

/**
 * Returns a principal's values for a key; an empty list if it has none. An anonymous caller has the user id `anonymous`, and neither name, ARN, account,
 * groups nor tags, as at AWS ("Where you can use policy variables").
 */
export function listPrincipalValues(key: string, principal: Principal): readonly string[] {
  const isAnonymous = principal.kind === 'anonymous'
  const [, tag] = tagKey.exec(key) ?? []
  if (tag !== undefined) return readSessionTag(principal.claims, tag)
  switch (key.toLowerCase()) {
    case 'aws:username':
      return isAnonymous ? [] : [principal.subject]
    case 'aws:userid':
      return [isAnonymous ? 'anonymous' : principal.accessKey]
    case 'aws:groups':
      return principal.groups
    case 'aws:principalaccount':
      return isAnonymous ? [] : [accountId]
    case 'aws:principalarn': {
      const { arn } = listPrincipalNames(principal)
      return arn === undefined ? [] : [arn]
    }
    case 'aws:principalisawsservice':
      return ['false']
    case 'aws:sourceidentity':
      return principal.sourceIdentity === undefined ? [] : [principal.sourceIdentity]
    default:
      return [namePrincipalType(principal)]
  }
}

/** Returns a claim's values as texts; none for a claim that is not there, or that is an object. */
export function claimValues(claims: JsonObject, name: string): readonly string[] {
  const claim = Object.hasOwn(claims, name) ? claims[name] : undefined
  const items: unknown[] = Array.isArray(claim) ? claim : [claim]
  return items
    .filter(
      (item) => typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean',
    )
    .map(String)
}
