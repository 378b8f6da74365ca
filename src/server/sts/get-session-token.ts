import { AwsError } from '../../protocol/aws-error.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { issueOwnRights } from './issue-own-rights.ts'
import { invalidMember } from './member-list.ts'
import type { StsAction } from './sts-action.ts'

/** AWS's limits (AWS STS API, GetSessionToken): twelve hours if nothing is asked for, a day and a half at most, and an hour for root. */
const defaultSeconds = 43_200
const maxLongLivedSeconds = 129_600
const maxRootSeconds = 3600

/** GetSessionToken: issues temporary credentials with the rights of the long-lived ones that signed the request. It needs no permission. */
export const getSessionToken: StsAction = {
  name: 'GetSessionToken',
  isIssuing: true,
  isOfAws: true,
  async run(request, services) {
    const { parameters, session } = request
    const principal = await authenticateCaller('GetSessionToken', request, services)
    if (principal.kind === 'session')
      throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials')
    // A code that was not checked must not look as if it had been.
    if (parameters.has('SerialNumber') || parameters.has('TokenCode'))
      throw new AwsError(
        'AccessDenied',
        'MultiFactorAuthentication failed, this server has no MFA devices',
      )
    const durationSeconds = chooseLongLivedDuration(session.durationSeconds, {
      isRoot: principal.kind === 'root',
      defaultSeconds,
    })
    const { credentials } = await issueOwnRights(
      { principal, durationSeconds, tags: undefined },
      request,
      services,
    )
    return { credentials }
  },
}

/**
 * Returns the lifetime of credentials that long-lived ones ask for. Root's are an hour at most, as at AWS without a refusal.
 *
 * @throws {AwsError} `ValidationError` for more than a day and a half.
 */
export function chooseLongLivedDuration(
  asked: number | undefined,
  { isRoot, defaultSeconds: usual }: { readonly isRoot: boolean; readonly defaultSeconds: number },
): number {
  if (asked !== undefined && asked > maxLongLivedSeconds)
    throw invalidMember(
      'durationSeconds',
      `Member must have value less than or equal to ${maxLongLivedSeconds}`,
    )
  return isRoot ? Math.min(asked ?? usual, maxRootSeconds) : (asked ?? usual)
}
