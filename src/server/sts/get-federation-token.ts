import { AwsError } from '../../protocol/aws-error.ts'
import { accountId } from '../identity/account.ts'
import { toFederatedArn } from '../identity/federated-user.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { chooseLongLivedDuration } from './get-session-token.ts'
import { issueOwnRights } from './issue-own-rights.ts'
import { invalidMember } from './member-list.ts'
import { requirePermission } from './require-permission.ts'
import { readSessionTags, readText } from './role-parameters.ts'
import { buildStsConditions } from './sts-conditions.ts'
import type { StsAction } from './sts-action.ts'

const defaultSeconds = 43_200

/**
 * GetFederationToken: issues temporary credentials for a user that the caller names. They may do what both the caller and the session policies allow, and
 * without a session policy nothing (AWS STS API, GetFederationToken).
 */
export const getFederationToken: StsAction = {
  name: 'GetFederationToken',
  isIssuing: true,
  isOfAws: true,
  async run(request, services) {
    const { http, parameters, session } = request
    const limits = { pattern: '[\\w+=,.@-]*', min: 2, max: 32 }
    const name = readText(parameters, 'Name', limits)
    if (name === undefined) throw invalidMember('name', 'Member must not be null')
    const tags = readSessionTags(parameters)
    const principal = await authenticateCaller('GetFederationToken', request, services)
    if (principal.kind === 'session')
      throw new AwsError('AccessDenied', 'Cannot call GetFederationToken with session credentials')
    const durationSeconds = chooseLongLivedDuration(session.durationSeconds, {
      isRoot: principal.kind === 'root',
      defaultSeconds,
    })
    const federatedArn = toFederatedArn(name)
    const conditions = buildStsConditions(http, { principal, durationSeconds, tags })
    const actions = ['sts:GetFederationToken', ...(tags.values.size > 0 ? ['sts:TagSession'] : [])]
    for (const action of actions)
      await requirePermission(
        { principal, action, conditions, resource: federatedArn },
        request,
        services,
      )
    const isLimited = session.sessionPolicy !== undefined
    const { credentials, packedPolicySize } = await issueOwnRights(
      {
        principal,
        durationSeconds,
        tags,
        federatedArn,
        // No policies at all allow nothing; a bucket policy may still name the federated user.
        sessionPolicyNames: session.sessionPolicyNames ?? (isLimited ? undefined : []),
      },
      request,
      services,
    )
    const federatedUser = { arn: federatedArn, id: `${accountId}:${name}` }
    return { credentials, federatedUser, packedPolicySize }
  },
}
