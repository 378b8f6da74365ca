/** The parameters that every STS action with new credentials has. They are read once, before the action runs. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { StsLimits, StsServices } from './sts-action.ts'

type Parameters = ReadonlyMap<string, string>

export interface SessionParameters {
  /** As asked for; undefined where it was left out. */
  readonly durationSeconds: number | undefined
  /** The session policy document as it was sent. */
  readonly sessionPolicy: string | undefined
  /** TokenRevokeType as a claim: a word by which its owner can end some sessions and leave others (MinIO since 2025). */
  readonly revokeClaims: { readonly tokenRevokeType?: string }
  /** For the log only: MinIO ignores it. */
  readonly roleSessionName: string | undefined
}

/** For actions that issue nothing. */
export const noSessionParameters: SessionParameters = {
  durationSeconds: undefined,
  sessionPolicy: undefined,
  revokeClaims: {},
  roleSessionName: undefined,
}

const maxRevokeTypeLength = 128

/**
 * Returns what the session of this request should be like.
 *
 * @throws {AwsError} `InvalidParameterValue` for a duration out of range or a revoke type that is too long, and what `checkSessionPolicy` throws.
 */
export function readSessionParameters(
  parameters: Parameters,
  { limits, checkSessionPolicy }: Pick<StsServices, 'limits' | 'checkSessionPolicy'>,
): SessionParameters {
  const durationSeconds = readDurationSeconds(parameters.get('DurationSeconds') ?? '', limits)
  const sessionPolicy = parameters.get('Policy') || undefined
  if (sessionPolicy !== undefined) checkSessionPolicy(sessionPolicy)
  return {
    durationSeconds,
    sessionPolicy,
    revokeClaims: readRevokeClaims(parameters.get('TokenRevokeType') ?? ''),
    roleSessionName: readRoleSessionName(parameters.get('RoleSessionName') ?? ''),
  }
}

/** An empty DurationSeconds means that there is none, as at MinIO. */
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

function readRevokeClaims(tokenRevokeType: string): SessionParameters['revokeClaims'] {
  if (tokenRevokeType.length > maxRevokeTypeLength)
    throw new AwsError(
      'InvalidParameterValue',
      `TokenRevokeType is longer than ${maxRevokeTypeLength} characters`,
    )
  return tokenRevokeType === '' ? {} : { tokenRevokeType }
}

/** AWS allows these names only. Another is left out of the log: it may be a token that was sent in the wrong parameter. */
function readRoleSessionName(text: string): string | undefined {
  return /^[\w+=,.@-]{1,64}$/.test(text) ? text : undefined
}
