/** The parameters of AssumeRole that MinIO does not have (AWS STS API, AssumeRole, "Request Parameters"). */
import { AwsError } from '../../protocol/aws-error.ts'
import { checkTags, type SessionTags } from '../identity/session-tags.ts'
import { invalidMember, readMembers } from './member-list.ts'

type Parameters = ReadonlyMap<string, string>

export interface RoleParameters {
  readonly externalId: string | undefined
  readonly sourceIdentity: string | undefined
  readonly tags: SessionTags
}

const maxTags = 50

/**
 * Returns the parameters, each checked by AWS's limits.
 *
 * @throws {AwsError} `ValidationError` for a text or a list out of its limits, `InvalidParameterValue` for tags that contradict each other.
 */
export function readRoleParameters(parameters: Parameters): RoleParameters {
  return {
    externalId: readText(parameters, 'ExternalId', {
      pattern: '[\\w+=,.@:\\/-]*',
      min: 2,
      max: 1224,
    }),
    sourceIdentity: readSourceIdentity(parameters),
    tags: readSessionTags(parameters),
  }
}

/**
 * Returns the name of a session of a role, which AWS requires.
 *
 * @throws {AwsError} `ValidationError` for one that is missing or out of AWS's limits.
 */
export function requireSessionName(parameters: Parameters): string {
  const name = readText(parameters, 'RoleSessionName', { pattern: namePattern, min: 2, max: 64 })
  if (name === undefined) throw invalidMember('roleSessionName', 'Member must not be null')
  return name
}

const namePattern = '[\\w+=,.@-]*'

/** `aws:` begins AWS's own names, which nobody may take. */
function readSourceIdentity(parameters: Parameters): string | undefined {
  const limits = { pattern: namePattern, min: 2, max: 64 }
  const sourceIdentity = readText(parameters, 'SourceIdentity', limits)
  if (sourceIdentity?.toLowerCase().startsWith('aws:') === true)
    throw new AwsError('InvalidParameterValue', 'SourceIdentity must not begin with aws:')
  return sourceIdentity
}

/** Returns a parameter's text; undefined if it is missing. @throws {AwsError} `ValidationError` for one out of its limits. */
export function readText(
  parameters: Parameters,
  name: string,
  { pattern, min, max }: { readonly pattern: string; readonly min: number; readonly max: number },
): string | undefined {
  const text = parameters.get(name)
  if (text === undefined || text === '') return undefined
  const member = name.charAt(0).toLowerCase() + name.slice(1)
  if (text.length < min)
    throw invalidMember(member, `Member must have length greater than or equal to ${min}`)
  if (text.length > max)
    throw invalidMember(member, `Member must have length less than or equal to ${max}`)
  if (!new RegExp(`^${pattern}$`).test(text))
    throw invalidMember(member, `Member must satisfy regular expression pattern: ${pattern}`)
  return text
}

/** Reads `Tags.member.N.Key` and `.Value`, and `TransitiveTagKeys.member.N`. */
export function readSessionTags(parameters: Parameters): SessionTags {
  const list = readMembers(parameters, 'Tags', { fields: ['Key', 'Value'], max: maxTags })
  const keys = readMembers(parameters, 'TransitiveTagKeys', { fields: [], max: maxTags })
  const tags = list.map((member, index): [string, string] => {
    const [key, value] = [member.get('Key'), member.get('Value')]
    if (key === undefined || value === undefined)
      throw invalidMember(
        `tags.${index + 1}.member.${key === undefined ? 'key' : 'value'}`,
        'Member must not be null',
      )
    return [key, value]
  })
  return checkTags(
    tags,
    keys.map((member) => member.get('') ?? ''),
  )
}
