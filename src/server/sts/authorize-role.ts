/** Whether the caller of AssumeRole may assume a role: its trust must name the caller, and the caller's own policies must allow it. */
import type { AwsError } from '../../protocol/aws-error.ts'
import { toLocalArn } from '../identity/principal-names.ts'
import type { AuthorizationRequest, Authorizer } from '../policy/authorizer.ts'
import { recordDecisions } from '../policy/record-decisions.ts'
import { doesTrustCaller, refusedByTrust, type PrincipalTrust } from '../policy/role-principals.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { Principal } from '../sessions/principal.ts'
import { toDenial } from './deny.ts'
import type { RoleParameters } from './role-parameters.ts'
import { buildStsConditions } from './sts-conditions.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

/** What a caller asks for. */
export interface RoleQuestion {
  readonly principal: Principal
  readonly role: TokenRole
  readonly roleSessionName: string
  readonly asked: RoleParameters
}

/**
 * Checks that the caller may assume the role, pass the tags and set the source identity.
 *
 * The action `sts:AssumeRole` needs both the role's trust and the caller's policies. `sts:TagSession` and `sts:SetSourceIdentity`, which a request with tags
 * or a new source identity needs besides, may be allowed by either, unless the caller's policies deny them (IAM User Guide, "Permissions required to add
 * session tags").
 *
 * @throws {AwsError} `AccessDenied`, which says as AWS does what is not allowed, and not by what.
 */
export async function authorizeRole(
  question: RoleQuestion,
  request: StsRequest,
  services: Pick<StsServices, 'authorizer' | 'authorizationMessages'>,
): Promise<void> {
  const { principal, role, asked } = question
  const { externalId, tags } = asked
  const conditions = buildStsConditions(request.http, {
    principal,
    roleArn: role.arn,
    roleSessionName: question.roleSessionName,
    externalId,
    sourceIdentity: asked.sourceIdentity ?? principal.sourceIdentity,
    durationSeconds: request.session.durationSeconds,
    tags,
  })
  const roleArn = toLocalArn(role.arn)
  const ask = (action: string): AuthorizationRequest => {
    return { principal, action, bucket: '', object: '', conditions, roleArn }
  }
  const recorded = recordDecisions(services.authorizer, request.recorder)
  const deny = (asking: AuthorizationRequest, reason: string, isExplicit?: boolean): AwsError =>
    toDenial({ question: asking, resource: roleArn, reason, isExplicit }, services)
  const assume = ask('sts:AssumeRole')
  const trusting = (role.principals ?? []).filter((entry) => doesTrustCaller(entry, assume))
  if (trusting.length === 0) {
    const rule = `${refusedByTrust} ${role.arn}`
    const { action } = assume
    request.recorder.addDecision({
      action,
      bucket: '',
      key: '',
      isAllowed: false,
      conditions,
      rule,
      question: assume,
    })
    throw deny(assume, rule)
  }
  const decision = await recorded.authorize(assume)
  if (!decision.isAllowed) throw deny(assume, decision.reason, decision.isExplicit)
  for (const action of listPermissions(asked)) {
    const asking = ask(action)
    const isTrusted = trusting.some((entry: PrincipalTrust) => entry.actions.has(action))
    // The trust alone gives it, as a bucket policy gives objects: the record has the decision of both.
    const deciding = isTrusted ? giveByTrust(services.authorizer, role.arn) : services.authorizer
    const both = await recordDecisions(deciding, request.recorder).authorize(asking)
    if (!both.isAllowed) throw deny(asking, both.reason, both.isExplicit)
  }
}

/** Returns an authorizer whose no, unless it is an explicit one, the trust of a role turns into a yes. */
function giveByTrust(authorizer: Authorizer, roleArn: string): Authorizer {
  return {
    async authorize(question) {
      const decision = await authorizer.authorize(question)
      if (decision.isAllowed || decision.isExplicit === true) return decision
      return { isAllowed: true, reason: `allowed by the trust of the role ${roleArn}` }
    },
  }
}

function listPermissions({ tags, sourceIdentity }: RoleParameters): string[] {
  return [
    ...(tags.values.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ]
}
