import { AwsError } from '../../protocol/aws-error.ts'
import type { StsServices } from './sts-action.ts'

/**
 * Returns the policies of a session: those of the names that exist on this server. The other names are logged. When an external engine
 * decides, all names are returned, and the list may be empty.
 *
 * @param source The source of the names, for messages: `claim policy`.
 * @throws {AwsError} `InvalidParameterValue` when none of the names exists.
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
