import { isObject, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { checkTagClaims, hasTagClaims, normalizeTagClaim } from '../identity/session-tags.ts'

// Claims that have a meaning in a MinIO session. They are never copied from a token, because some identity providers let users name claims.
const internalClaims = new Set([
  // As a member's name it would set the prototype, so that the claim's own members would be claims of the session.
  '__proto__',
  'accessKey',
  'sessionPolicy',
  'roleArn',
  'parent',
  'sa-policy',
  'ldapUser',
  'ldapUsername',
  'tokenRevokeType',
])

/** The deepest nesting of a claim that a policy engine gets. */
const maxDepth = 16

/**
 * Returns the claims that a session keeps for policies, in a new object. Policy documents can only use strings, numbers, booleans and lists of strings, so that
 * other claims are left out where documents decide: the session token travels with each request. A policy engine gets all, as at MinIO: Keycloak has
 * its roles in the object `realm_access`.
 *
 * @param isForEngine True if a policy engine decides.
 * @throws {AwsError} `InvalidParameterValue` for a claim of more than 16 levels, which an engine may not be able to read. Leaving it out could
 *   allow what the engine denies because of it. `InvalidIdentityToken` for session tags that AWS does not take.
 */
export function selectClaims(
  claims: JsonObject,
  { isForEngine }: { readonly isForEngine: boolean },
): Record<string, unknown> {
  const selected: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims)) {
    if (internalClaims.has(name)) continue
    if (!isForEngine && !isPlain(value)) continue
    if (isForEngine && !isShallow(value, maxDepth))
      throw new AwsError(
        'InvalidParameterValue',
        `the claim ${name.slice(0, 100)} has more than ${maxDepth} levels`,
      )
    selected[name] = value
  }
  if (hasTagClaims(claims)) {
    checkTagClaims(claims)
    // Documents read session tags, which are in an object.
    if (!isForEngine) Object.assign(selected, normalizeTagClaim(claims))
  }
  return selected
}

function isPlain(value: unknown): boolean {
  return Array.isArray(value) ? value.every((item) => typeof item === 'string') : !isObject(value)
}

/** Returns whether a value has at most so many levels of lists and objects. It descends no further than that. */
function isShallow(value: unknown, levels: number): boolean {
  const items = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : undefined
  return items === undefined || (levels > 0 && items.every((item) => isShallow(item, levels - 1)))
}
