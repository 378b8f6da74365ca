/** The parameters that all STS actions with new credentials share. They are read once, before the action runs. */
import { AwsError } from '../../protocol/aws-error.ts'
import { invalidMember, readMembers } from './member-list.ts'
import type { StsLimits } from './sts-limits.ts'

type Parameters = ReadonlyMap<string, string>

export interface SessionParameters {
  /** The requested lifetime (DurationSeconds); undefined when the request has none. */
  readonly durationSeconds: number | undefined
  /** The session policy document (Policy), without the white space between its members. */
  readonly sessionPolicy: string | undefined
  /** The names of the policies of PolicyArns, which limit the session too; undefined for none. */
  readonly sessionPolicyNames?: readonly string[] | undefined
  /** TokenRevokeType as a claim: a label with which a user can revoke some sessions and keep others (MinIO since 2025). */
  readonly revokeClaims: { readonly tokenRevokeType?: string }
  /** RoleSessionName, for the log only: MinIO ignores it. */
  readonly roleSessionName: string | undefined
}

/** The limits and checks of the session parameters. */
export interface SessionParameterRules {
  readonly limits: StsLimits
  /** Returns the session policy as it is kept. Throws an `AwsError` for one that is not valid. */
  readonly checkSessionPolicy: (text: string) => string
  /** The policies that PolicyArns may name. */
  readonly knownPolicies: { has(name: string): boolean }
}

/** The parameters of an action that issues no credentials. */
export const noSessionParameters: SessionParameters = {
  durationSeconds: undefined,
  sessionPolicy: undefined,
  revokeClaims: {},
  roleSessionName: undefined,
}

const maxRevokeTypeLength = 128

/**
 * Returns the session parameters of a request.
 *
 * @throws {AwsError} `InvalidParameterValue` for a duration out of range or a revoke type that is too long; the errors of
 *   `checkSessionPolicy`; `ValidationError` for PolicyArns that are none or too many.
 */
export function readSessionParameters(
  parameters: Parameters,
  { limits, checkSessionPolicy, knownPolicies }: SessionParameterRules,
): SessionParameters {
  const durationSeconds = readDurationSeconds(parameters.get('DurationSeconds') ?? '', limits)
  const policy = parameters.get('Policy') || undefined
  const sessionPolicy = policy && checkSessionPolicy(policy)
  return {
    durationSeconds,
    sessionPolicy,
    sessionPolicyNames: readPolicyArns(parameters, knownPolicies),
    revokeClaims: readRevokeClaims(parameters.get('TokenRevokeType') ?? ''),
    roleSessionName: readRoleSessionName(parameters.get('RoleSessionName') ?? ''),
  }
}

/** Treats an empty DurationSeconds as a missing one, as MinIO does. */
function readDurationSeconds(text: string, limits: StsLimits): number | undefined {
  if (text === '') return undefined
  const seconds = Number(text)
  if (
    !/^\d{1,10}$/.test(text) ||
    seconds < limits.minDurationSeconds ||
    seconds > limits.maxDurationSeconds
  ) {
    throw new AwsError(
      'InvalidParameterValue',
      `DurationSeconds must be a whole number of seconds from ${limits.minDurationSeconds} to ${limits.maxDurationSeconds}`,
    )
  }
  return seconds
}

/** AWS's limit (AWS STS API, PolicyArns). */
const maxPolicyArns = 10

/**
 * Returns the names of the policies in `PolicyArns.member.N.arn`. Every action has this parameter: one that passed it over would issue more rights than
 * were asked for.
 */
function readPolicyArns(
  parameters: Parameters,
  knownPolicies: SessionParameterRules['knownPolicies'],
): readonly string[] | undefined {
  const members = readMembers(parameters, 'PolicyArns', { fields: ['arn'], max: maxPolicyArns })
  if (members.length === 0) return undefined
  return members.map((member, index) => {
    const [, name] =
      /^arn:(?:aws[\w-]*|minio):iam:[\w-]*:(?:aws|\d{12})?:policy\/(.{1,512})$/s.exec(
        member.get('arn') ?? '',
      ) ?? []
    if (name === undefined)
      throw invalidMember(
        `policyArns.${index + 1}.member.arn`,
        'Member must be an ARN of the form arn:aws:iam::000000000000:policy/NAME',
      )
    if (!knownPolicies.has(name))
      throw new AwsError(
        'InvalidParameterValue',
        `PolicyArns names the policy ${name.slice(0, 100)}, which does not exist here`,
      )
    return name
  })
}

function readRevokeClaims(tokenRevokeType: string): SessionParameters['revokeClaims'] {
  if (tokenRevokeType.length > maxRevokeTypeLength)
    throw new AwsError(
      'InvalidParameterValue',
      `TokenRevokeType is longer than ${maxRevokeTypeLength} characters`,
    )
  return tokenRevokeType === '' ? {} : { tokenRevokeType }
}

/** Returns a name that AWS allows. Any other is left out of the log: it may be a token that was sent in the wrong parameter. */
function readRoleSessionName(text: string): string | undefined {
  return /^[\w+=,.@-]{1,64}$/.test(text) ? text : undefined
}
