/**
 * Session tags: what an identity provider says about a user in the claim `https://aws.amazon.com/tags` (IAM User Guide, "Pass session tags in AWS STS",
 * AssumeRoleWithWebIdentity). Policies read them as `aws:PrincipalTag/NAME`.
 */
import { isObject, readStrings, type JsonObject } from '../../base/parse.ts'

const claim = 'https://aws.amazon.com/tags'
/** AWS's flat form of the claim, which providers use that cannot nest: one claim a tag. */
const flatPrefix = `${claim}/principal_tags/`
const maxTags = 50

/** Returns the values of a session's tag. AWS has one; of several, a condition sees all. */
export function readSessionTag(claims: JsonObject, name: string): readonly string[] {
  const nested = readNested(claims)
  if (Object.hasOwn(nested, name)) return readValues(nested, name)
  return readValues(claims, flatPrefix + name)
}

/** Returns the tags of the nested form in the flat form, which sessions keep. */
export function flattenSessionTags(claims: JsonObject): Record<string, readonly string[]> {
  const nested = readNested(claims)
  return Object.fromEntries(
    Object.keys(nested)
      .slice(0, maxTags)
      .map((name) => [flatPrefix + name, readValues(nested, name)]),
  )
}

function readNested(claims: JsonObject): JsonObject {
  const tags = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  const nested = isObject(tags) ? tags['principal_tags'] : undefined
  return isObject(nested) ? nested : {}
}

function readValues(object: JsonObject, name: string): readonly string[] {
  if (!Object.hasOwn(object, name)) return []
  const value = object[name]
  return typeof value === 'string' ? [value] : readStrings(object, name)
}
