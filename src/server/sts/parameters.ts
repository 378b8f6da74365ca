/** Reading of an action's parameters, each with the refusal its sender can act on. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { StsLimits, StsServices } from './sts-action.ts'

type Parameters = ReadonlyMap<string, string>

const maxRevokeTypeLength = 128

/** @throws {AwsError} `MissingParameter` when none of the names has a value. */
export function requireParameter(parameters: Parameters, ...names: string[]): string {
  for (const name of names) {
    const value = parameters.get(name)
    if (value !== undefined && value !== '') return value
  }
  throw new AwsError('MissingParameter', `the parameter ${names[0] ?? ''} is missing`)
}

/**
 * TokenRevokeType as a claim: a word by which its owner can end some sessions and leave others (MinIO since 2025).
 *
 * @throws {AwsError} `InvalidParameterValue` when it is too long.
 */
export function readRevokeType(parameters: Parameters): { tokenRevokeType?: string } {
  const tokenRevokeType = parameters.get('TokenRevokeType') ?? ''
  if (tokenRevokeType.length > maxRevokeTypeLength)
    throw new AwsError(
      'InvalidParameterValue',
      `TokenRevokeType is longer than ${maxRevokeTypeLength} characters`,
    )
  return tokenRevokeType === '' ? {} : { tokenRevokeType }
}

/**
 * DurationSeconds in whole seconds; undefined when absent or empty (MinIO takes `DurationSeconds=` for absent).
 *
 * @throws {AwsError} `InvalidParameterValue` for anything but decimal digits in range.
 */
export function readDurationSeconds(parameters: Parameters, limits: StsLimits): number | undefined {
  const text = parameters.get('DurationSeconds')
  if (text === undefined || text === '') return undefined
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

/**
 * The session policy as it was sent; undefined when absent or empty.
 *
 * @throws {AwsError} What `checkSessionPolicy` throws.
 */
export function readSessionPolicy(
  parameters: Parameters,
  { checkSessionPolicy }: Pick<StsServices, 'checkSessionPolicy'>,
): string | undefined {
  const text = parameters.get('Policy') || undefined
  if (text !== undefined) checkSessionPolicy(text)
  return text
}
