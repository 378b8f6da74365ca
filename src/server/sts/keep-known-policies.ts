import { AwsError } from '../../protocol/aws-error.ts'
import type { StsServices } from './sts-action.ts'

/**
 * Returns the policies of a session: those named that exist here. The others are logged. Where an external engine decides, any names will do,
 * and none.
 *
 * @param source Where the names come from, for messages: `claim policy`.
 * @throws {AwsError} `InvalidParameterValue` when there are none, or none is known.
 */
export function keepKnownPolicies(
  names: readonly string[],
  source: string,
  { isPolicyClaimRequired, knownPolicies, log }: StsServices,
): readonly string[] {
  if (!isPolicyClaimRequired) return names
  const known = names.filter((name) => knownPolicies.has(name))
  const unknown = names.filter((name) => !knownPolicies.has(name))
  if (known.length === 0) {
    throw new AwsError(
      'InvalidParameterValue',
      `${source} names no policy that exists here: ${unknown.slice(0, 5).join(', ')}`,
    )
  }
  if (unknown.length > 0)
    log.warn({ source, unknown: unknown.slice(0, 20) }, 'policies are named that do not exist here')
  return known
}
