/** Whether the caller of AssumeRole may assume a role: its trust must name the caller, and the caller's own policies must allow it. */
import { AwsError } from '../../protocol/aws-error.ts'
import { listPrincipalNames, toLocalArn } from '../identity/principal-names.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import type { AuthorizationRequest } from '../policy/authorizer.ts'
import { recordDecisions } from '../policy/record-decisions.ts'
import { doesTrustCaller, type PrincipalTrust } from '../policy/role-principals.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { Principal } from '../sessions/principal.ts'
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
  { authorizer }: Pick<StsServices, 'authorizer'>,
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
  const recorded = recordDecisions(authorizer, request.recorder)
  const assume = ask('sts:AssumeRole')
  const trusting = (role.principals ?? []).filter((entry) => doesTrustCaller(entry, assume))
  if (trusting.length === 0) {
    request.recorder.addDecision({
      action: assume.action,
      bucket: '',
      key: '',
      isAllowed: false,
      conditions,
      rule: `the trust of the role ${role.arn} does not name the caller, or its conditions do not hold`,
    })
    throw toDenial(principal, assume.action, roleArn)
  }
  if (!(await recorded.authorize(assume)).isAllowed)
    throw toDenial(principal, assume.action, roleArn)
  for (const action of listPermissions(asked)) {
    const decision = await recorded.authorize(ask(action))
    const isTrusted = trusting.some((entry: PrincipalTrust) => entry.actions.has(action))
    if (!decision.isAllowed && (decision.isExplicit === true || !isTrusted))
      throw toDenial(principal, action, roleArn)
  }
}

function listPermissions({ tags, sourceIdentity }: RoleParameters): string[] {
  return [
    ...(tags.values.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ]
}

/** Returns AWS's sentence for a caller who may not. */
export function toDenial(principal: Principal, action: string, resource: string): AwsError {
  const arn =
    principal.kind === 'session'
      ? nameAssumedRole(principal).arn
      : (listPrincipalNames(principal).arn ?? 'anonymous')
  return new AwsError(
    'AccessDenied',
    `User: ${arn} is not authorized to perform: ${action} on resource: ${resource}`,
  )
}
