import { AwsError } from '../../protocol/aws-error.ts'
import { invalidMember } from './member-list.ts'
import { readSessionParameters, type SessionParameters } from './session-parameters.ts'
import type { StsAction, StsServices } from './sts-action.ts'

/**
 * Returns the session parameters of a request to an action that issues credentials. A wrong one has AWS's code for a role of this server and in actions that
 * MinIO does not have; else it has MinIO's (docs/wire.md §3.2).
 *
 * @throws {AwsError} The errors of `readSessionParameters`; at AWS `ValidationError` for a duration, `PackedPolicyTooLarge` and
 *   `MalformedPolicyDocument` for a session policy.
 */
export function readParameters(
  { isOfAws = false }: StsAction,
  parameters: ReadonlyMap<string, string>,
  services: StsServices,
): SessionParameters {
  const isForRole = (services.roles?.size ?? 0) > 0 && (parameters.get('RoleArn') ?? '') !== ''
  if (!isForRole && !isOfAws) return readSessionParameters(parameters, services)
  checkDuration(parameters.get('DurationSeconds') ?? '', services)
  return readSessionParameters(parameters, {
    ...services,
    checkSessionPolicy(text) {
      try {
        return services.checkSessionPolicy(text)
      } catch (error) {
        if (!(error instanceof AwsError)) throw error
        const isTooLong = /^the session policy has \d+ bytes/.test(error.message)
        const code = isTooLong ? 'PackedPolicyTooLarge' : 'MalformedPolicyDocument'
        throw new AwsError(code, error.message, { cause: error })
      }
    },
  })
}

function checkDuration(text: string, { limits }: StsServices): void {
  const { minDurationSeconds: min, maxDurationSeconds: max } = limits
  if (text === '') return
  if (!/^\d{1,10}$/.test(text)) throw invalidMember('durationSeconds', 'Member must be a number')
  if (Number(text) < min)
    throw invalidMember('durationSeconds', `Member must have value greater than or equal to ${min}`)
  if (Number(text) > max)
    throw invalidMember('durationSeconds', `Member must have value less than or equal to ${max}`)
}
