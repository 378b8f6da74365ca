/**
 * Session tags: attributes of the person or program behind a session. An identity provider says them in the claim `https://aws.amazon.com/tags`, and a
 * caller of AssumeRole in `Tags` (IAM User Guide, "Pass session tags in AWS STS"). Policies read them as `aws:PrincipalTag/NAME`. A session keeps them
 * in the nested form of that claim, whoever said them.
 */
import { isObject, readStrings, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'

export const tagsClaim = 'https://aws.amazon.com/tags'
/** AWS's flat form of the claim, which providers use that cannot nest: one claim a tag. */
const flatPrefix = `${tagsClaim}/principal_tags/`
const maxTags = 50
const maxKeyChars = 128
const maxValueChars = 256
/** Letters, digits and spaces of all languages, and these signs (AWS STS API, Tag). */
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** Tags by name, in the case in which they were set, and the names of those that go on to the next role. */
export interface SessionTags {
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly transitiveKeys: readonly string[]
}

export const noTags: SessionTags = { values: new Map(), transitiveKeys: [] }

/** Returns the values of a session's tag, whose name is compared without case, as at AWS. AWS has one value; of several, a condition sees all. */
export function readSessionTag(claims: JsonObject, name: string): readonly string[] {
  const nested = readNested(claims)
  if (Object.hasOwn(nested, name)) return readValues(nested, name)
  const lower = name.toLowerCase()
  const isSame = (key: string): boolean => key.toLowerCase() === lower
  const same = Object.keys(nested).find(isSame)
  if (same !== undefined) return readValues(nested, same)
  const flat = Object.keys(claims).find(
    (key) => key.startsWith(flatPrefix) && isSame(key.slice(flatPrefix.length)),
  )
  return flat === undefined ? [] : readValues(claims, flat)
}

/** Returns whether a token's claims have tags in either form. Most have none, so that this is asked before anything is read. */
export function hasTagClaims(claims: JsonObject): boolean {
  for (const name in claims) if (name.startsWith(tagsClaim)) return true
  return false
}

/**
 * Returns the tags in the claims of a verified token, checked by AWS's limits.
 *
 * @throws {AwsError} `InvalidIdentityToken` for tags that AWS does not take: the provider is configured wrongly, and a tag that was left out could be the one
 *   that a policy denies by.
 */
export function checkTagClaims(claims: JsonObject): SessionTags {
  const tags = readTagClaims(claims)
  const list = [...tags.values].flatMap(([key, values]) =>
    (values.length === 0 ? [''] : values).map((value) => [key, value] as const),
  )
  const firsts = [...tags.values].map(([key, [value = '']]) => [key, value] as const)
  try {
    if (firsts.length > maxTags) throw invalidTag('tags', tooMany(maxTags))
    // Each value of a tag is held to the limits, and each name counts once.
    for (const tag of list) checkTags([tag], [])
    checkTags(firsts, tags.transitiveKeys)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    throw new AwsError('InvalidIdentityToken', `the claim ${tagsClaim}: ${error.message}`, {
      cause: error,
    })
  }
  return tags
}

/** Returns the nested claim in the form in which a session keeps it. */
export function normalizeTagClaim(claims: JsonObject): JsonObject {
  const nested = Object.hasOwn(claims, tagsClaim) ? claims[tagsClaim] : undefined
  return nested === undefined ? {} : toTagClaims(readTagClaims({ [tagsClaim]: nested }))
}

/** Returns the tags in a session's or a token's claims, in both forms of the claim. */
export function readTagClaims(claims: JsonObject): SessionTags {
  const nested = readNested(claims)
  const values = new Map(Object.keys(nested).map((name) => [name, readValues(nested, name)]))
  for (const name of Object.keys(claims))
    if (name.startsWith(flatPrefix) && name.length > flatPrefix.length)
      values.set(name.slice(flatPrefix.length), readValues(claims, name))
  if (values.size === 0) return noTags
  const claim = Object.hasOwn(claims, tagsClaim) ? claims[tagsClaim] : undefined
  const transitiveKeys = isObject(claim)
    ? readStrings(claim, 'transitive_tag_keys')
    : readStrings(claims, `${tagsClaim}/transitive_tag_keys`)
  return { values, transitiveKeys }
}

/** Returns the claims by which a session keeps its tags; none for a session without tags. */
export function toTagClaims({ values, transitiveKeys }: SessionTags): JsonObject {
  if (values.size === 0) return {}
  const keys = transitiveKeys.length === 0 ? {} : { transitive_tag_keys: transitiveKeys }
  return { [tagsClaim]: { principal_tags: Object.fromEntries(values), ...keys } }
}

/**
 * Checks tags that a caller asks for.
 *
 * @throws {AwsError} `ValidationError` for a name or value that AWS does not take; `InvalidParameterValue` for a name that is there twice, begins with
 *   `aws:`, or is transitive and not among the tags.
 */
export function checkTags(
  tags: readonly (readonly [string, string])[],
  transitiveKeys: readonly string[],
): SessionTags {
  for (const [index, [key, value]] of tags.entries()) {
    checkText(`tags.${index + 1}.member.key`, key, { min: 1, max: maxKeyChars })
    checkText(`tags.${index + 1}.member.value`, value, { min: 0, max: maxValueChars })
    if (/^aws:/i.test(key))
      throw new AwsError(
        'InvalidParameterValue',
        'Tag keys beginning with "aws:" are reserved for system use',
      )
  }
  const keys = new Set(tags.map(([key]) => key.toLowerCase()))
  if (keys.size < tags.length)
    throw new AwsError(
      'InvalidParameterValue',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    )
  for (const [index, key] of transitiveKeys.entries()) {
    checkText(`transitiveTagKeys.${index + 1}.member`, key, { min: 1, max: maxKeyChars })
    if (!keys.has(key.toLowerCase()))
      throw new AwsError(
        'InvalidParameterValue',
        'The specified transitive tag key must be included in the requested tags.',
      )
  }
  return { values: new Map(tags.map(([key, value]) => [key, [value]])), transitiveKeys }
}

function checkText(
  member: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (text.length < min)
    throw invalidTag(member, `Member must have length greater than or equal to ${min}`)
  if (text.length > max) throw invalidTag(member, tooMany(max))
  if (!allowed.test(text))
    throw invalidTag(
      member,
      'Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+',
    )
}

function tooMany(max: number): string {
  return `Member must have length less than or equal to ${max}`
}

function invalidTag(member: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}

/**
 * Returns the tags of a session of the next role: those that are asked for, and those of the caller's that are transitive, which stay so.
 *
 * @throws {AwsError} `InvalidParameterValue` for a tag that the caller's session has as a transitive one: it cannot be changed on the way.
 */
export function inheritTags(claims: JsonObject, asked: SessionTags): SessionTags {
  const own = readTagClaims(claims)
  if (own.transitiveKeys.length === 0) return asked
  const transitive = new Set(own.transitiveKeys.map((key) => key.toLowerCase()))
  const inherited = [...own.values].filter(([key]) => transitive.has(key.toLowerCase()))
  if ([...asked.values.keys()].some((key) => transitive.has(key.toLowerCase())))
    throw new AwsError(
      'InvalidParameterValue',
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )
  if (inherited.length + asked.values.size > maxTags)
    throw new AwsError(
      'InvalidParameterValue',
      `the session would have more than ${maxTags} tags, those of the calling session included`,
    )
  return {
    values: new Map([...inherited, ...asked.values]),
    transitiveKeys: [...inherited.map(([key]) => key), ...asked.transitiveKeys],
  }
}

function readNested(claims: JsonObject): JsonObject {
  const tags = Object.hasOwn(claims, tagsClaim) ? claims[tagsClaim] : undefined
  const nested = isObject(tags) ? tags['principal_tags'] : undefined
  return isObject(nested) ? nested : {}
}

function readValues(object: JsonObject, name: string): readonly string[] {
  if (!Object.hasOwn(object, name)) return []
  const value = object[name]
  return typeof value === 'string' ? [value] : readStrings(object, name)
}
