import { AwsError } from '../../protocol/aws-error.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { readFederatedUser } from '../identity/federated-user.ts'
import { findRoleByArn } from '../identity/role-arn.ts'
import { inheritTags, toTagClaims } from '../identity/session-tags.ts'
import type { TokenRole } from '../policy/token-role.ts'
import { describePrincipal, pickNameClaims } from '../sessions/describe-principal.ts'
import type { Principal } from '../sessions/principal.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { authorizeRole } from './authorize-role.ts'
import { issueOwnRights } from './issue-own-rights.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import { invalidMember } from './member-list.ts'
import { measurePacked } from './packed-size.ts'
import { readRoleParameters, requireSessionName, type RoleParameters } from './role-parameters.ts'
import type { StsAction, StsRequest, StsServices } from './sts-action.ts'

/**
 * AssumeRole: issues temporary credentials for a signed request. With a RoleArn of this server they have the role's rights; without one, or on a server that
 * has no roles, the caller's rights or fewer, as at MinIO.
 */
export const assumeRole: StsAction = {
  name: 'AssumeRole',
  isIssuing: true,
  async run(request, services) {
    const { parameters, session, recorder } = request
    const asked = readRoleParameters(parameters)
    const principal = await authenticateCaller('AssumeRole', request, services)
    if (readFederatedUser(principal.claims) !== undefined)
      throw new AwsError('AccessDenied', 'Cannot call AssumeRole as a federated user')
    // After the signature, so that a stranger cannot find out which roles there are.
    const role = findRole(parameters.get('RoleArn') ?? '', services)
    recorder.setCaller({
      ...describePrincipal(principal),
      ...(role && { roleArn: role.arn }),
      roleSessionName: session.roleSessionName,
    })
    const caller = { principal, asked }
    return role === undefined
      ? assumeNoRole(caller, request, services)
      : issueRole({ ...caller, role }, request, services)
  },
}

interface Caller {
  readonly principal: Principal
  readonly asked: RoleParameters
}

/** Issues credentials with the caller's own rights, limited by the session policies, as at MinIO. */
async function assumeNoRole(
  { principal, asked }: Caller,
  request: StsRequest,
  services: StsServices,
): Promise<StsResult> {
  // Temporary credentials that could renew themselves would never expire. MinIO rejects them as well.
  if (principal.kind === 'session')
    throw new AwsError('AccessDenied', 'temporary credentials cannot get further credentials')
  const durationSeconds = request.session.durationSeconds ?? services.limits.defaultDurationSeconds
  const { tags, sourceIdentity } = asked
  const own = { principal, durationSeconds, tags, sourceIdentity }
  return { ...(await issueOwnRights(own, request, services)), sourceIdentity }
}

/** Issues credentials of a role. */
async function issueRole(
  { principal, asked, role }: Caller & { readonly role: TokenRole },
  request: StsRequest,
  services: StsServices,
): Promise<StsResult> {
  const { session } = request
  const roleSessionName = requireSessionName(request.parameters)
  const durationSeconds = chooseDuration({ principal, role }, request, services)
  const sourceIdentity = keepSourceIdentity(principal, asked.sourceIdentity)
  const isNewIdentity = sourceIdentity !== principal.sourceIdentity
  await authorizeRole(
    {
      principal,
      role,
      roleSessionName,
      asked: { ...asked, sourceIdentity: isNewIdentity ? sourceIdentity : undefined },
    },
    request,
    services,
  )
  const tags = inheritTags(principal.claims, asked.tags)
  const packedPolicySize = measurePacked(session, tags)
  const { tokenRevokeType } = principal.claims
  const issued = {
    subject: principal.subject,
    // Without a parent: a MinIO with the same root secret would give a child of root everything.
    claims: {
      ...pickNameClaims(principal.claims),
      ...(tokenRevokeType === undefined ? {} : { tokenRevokeType }),
      ...session.revokeClaims,
      ...toTagClaims(tags),
      roleArn: role.arn,
    },
    roleSessionName,
  }
  const credentials = await services.sessions.issue({
    ...issued,
    policyNames: keepKnownPolicies(role.policyNames, `the role ${role.arn}`, services),
    sessionPolicy: session.sessionPolicy,
    sessionPolicyNames: session.sessionPolicyNames,
    sourceIdentity,
    groups: [],
    expiresAtMs: services.nowMs() + durationSeconds * 1000,
  })
  return { credentials, assumedRole: nameAssumedRole(issued), sourceIdentity, packedPolicySize }
}

/** AWS's limit for a role that a session of a role assumes (IAM User Guide, "Role chaining"). */
const maxChainedSeconds = 3600

/**
 * Returns the lifetime of a role's credentials. @throws {AwsError} `ValidationError` for one beyond the role's maximum, or beyond an hour where temporary
 * credentials assume a role.
 */
function chooseDuration(
  { principal, role }: { readonly principal: Principal; readonly role: TokenRole },
  { session }: StsRequest,
  { limits }: StsServices,
): number {
  const asked = session.durationSeconds
  const isChained = principal.kind === 'session'
  if (isChained && asked !== undefined && asked > maxChainedSeconds)
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  const ofRole = role.maxDurationSeconds ?? limits.maxDurationSeconds
  if (asked !== undefined && asked > ofRole)
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  const most = Math.min(
    ofRole,
    limits.maxDurationSeconds,
    isChained ? maxChainedSeconds : Number.POSITIVE_INFINITY,
  )
  return Math.min(asked ?? limits.defaultDurationSeconds, most)
}

/** Returns the source identity of the new session: once set, it stays. @throws {AwsError} `AccessDenied` for another than the caller's. */
function keepSourceIdentity(
  { sourceIdentity }: Principal,
  asked: string | undefined,
): string | undefined {
  if (sourceIdentity !== undefined && asked !== undefined && asked !== sourceIdentity)
    throw new AwsError(
      'AccessDenied',
      'the source identity of a session cannot be changed when it assumes a role',
    )
  return sourceIdentity ?? asked
}

/** The longest ARN (AWS STS API, RoleArn). */
const maxArnChars = 2048

/**
 * Returns the role that a request names; undefined for the caller's own rights. On a server without roles the ARN is ignored, as at MinIO; on one with roles
 * an unknown one is an error: it must not lead to the caller's own rights, which only `byClaimArn` does, or no RoleArn.
 *
 * @throws {AwsError} `ValidationError` for what is too long or too short for an ARN; `InvalidParameterValue` for an unknown one.
 */
function findRole(arn: string, { roles }: StsServices): TokenRole | undefined {
  if (roles === undefined || roles.size === 0 || arn === '') return undefined
  if (arn.length < 20)
    throw invalidMember('roleArn', 'Member must have length greater than or equal to 20')
  if (arn.length > maxArnChars)
    throw invalidMember('roleArn', `Member must have length less than or equal to ${maxArnChars}`)
  const role = findRoleByArn(arn, roles)
  if (role !== undefined) return role === 'by-claim' ? undefined : role
  throw new AwsError('InvalidParameterValue', 'the parameter RoleArn names no role of this server')
}
