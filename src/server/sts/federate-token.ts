/** Exchanges an identity provider's token for temporary credentials, for AssumeRoleWithClientGrants and AssumeRoleWithWebIdentity. */
import { AwsError } from '../../protocol/aws-error.ts'
import { readString, type JsonObject } from '../../base/parse.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import { findIssueDenial } from '../policy/find-issue-denial.ts'
import { buildConditions } from '../policy/request-conditions.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { SessionRequest } from '../sessions/session-store.ts'
import { readNames } from '../sessions/read-names.ts'
import { readDisplayName } from '../sessions/describe-principal.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { byClaimArn, findRoleByArn } from '../identity/role-arn.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import { selectClaims } from './select-claims.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

/**
 * Verifies a token and issues credentials. Their policies come from the token's policy claim or from the requested role.
 *
 * @param text The token; white space around it does not count, because AWS's SDKs send a token file whole, with its final newline.
 * @throws {AwsError} `STSNotInitialized` when no identity provider is configured; the errors of `TokenVerifier.verify`; `AccessDenied` or
 *   `InvalidParameterValue` when the token may not assume the role, names no policy, or a policy denies it credentials.
 */
export async function federateToken(
  text: string,
  request: StsRequest,
  services: StsServices,
): Promise<StsResult> {
  const { parameters, session } = request
  const role = findRole(parameters.get('RoleArn') ?? '', services)
  const verifier = role ?? services.tokenVerifier
  if (verifier === undefined)
    throw new AwsError('STSNotInitialized', 'no identity provider is configured')
  const verified = await verifier.verify(text.trim())
  request.recorder.setCaller({
    kind: 'openid',
    subject: verified.subject,
    name: readDisplayName(verified.claims),
    roleArn: role?.arn,
    roleSessionName: session.roleSessionName,
    issuer: readString(verified.claims, 'iss'),
  })
  const policyNames =
    role === undefined
      ? readPolicyNames(verified.claims, services)
      : keepKnownPolicies(role.policyNames, `the role ${role.arn}`, services)
  const issued = {
    subject: verified.subject,
    // The selected claims are a new object, so that it is filled: a copy of it cost a twentieth of the exchange.
    claims: Object.assign(
      selectClaims(verified.claims, { isForEngine: !services.isPolicyClaimRequired }),
      role && { roleArn: role.arn },
      session.revokeClaims,
    ),
    policyNames,
    sessionPolicy: session.sessionPolicy,
    sessionPolicyNames: session.sessionPolicyNames,
    groups: readNames(verified.claims['groups']),
    roleSessionName: session.roleSessionName,
  }
  requireIssueAllowed(issued, request, services)
  const credentials = await services.sessions.issue({
    ...issued,
    expiresAtMs: chooseExpiryMs(
      {
        durationSeconds: session.durationSeconds,
        tokenExpiresAtMs: verified.expiresAtMs,
        role,
      },
      services,
    ),
  })
  return { credentials, subject: verified.subject, assumedRole: nameAssumedRole(issued) }
}

/** @throws {AwsError} `AccessDenied` if a policy denies the issue of credentials, for example of a lifetime (`sts:DurationSeconds`). */
function requireIssueAllowed(
  issued: Omit<SessionRequest, 'expiresAtMs'>,
  { http, session }: StsRequest,
  { knownPolicies }: StsServices,
): void {
  const action = 'sts:AssumeRoleWithWebIdentity'
  const denial = findIssueDenial(knownPolicies, issued.policyNames, () => {
    const ends = { expiresAtMs: undefined, issuedAtMs: undefined }
    const principal = { ...issued, ...ends, kind: 'session', accessKey: '' } as const
    const conditions = new Map(buildConditions(http, { principal }))
    const { durationSeconds } = session
    if (durationSeconds !== undefined) conditions.set('DurationSeconds', [String(durationSeconds)])
    return { principal, action, bucket: '', object: '', conditions }
  })
  if (denial !== undefined)
    throw new AwsError('AccessDenied', `you may not ${action}: denied by ${denial}`)
}

/**
 * Returns the role that the request names; undefined if the token's claim names the policies. When the server has no roles, RoleArn is ignored, because
 * AWS's SDKs always send one. When the server has roles, a misspelt RoleArn is an error: it must not lead to the policies of the token's claim, which
 * only `byClaimArn` does, or no RoleArn.
 *
 * @throws {AwsError} `InvalidParameterValue` for an unknown role, and for `byClaimArn` when tokens are only accepted for roles; `MissingParameter`
 *   when RoleArn is missing then.
 */
function findRole(arn: string, { roles, tokenVerifier }: StsServices): TokenRole | undefined {
  if (roles === undefined || roles.size === 0) return undefined
  const role = findRoleByArn(arn, roles)
  if (role === 'by-claim') {
    if (tokenVerifier !== undefined) return undefined
    throw new AwsError(
      'InvalidParameterValue',
      `the parameter RoleArn is ${byClaimArn}, but no identity provider’s claim names policies here: name a role`,
    )
  }
  if (role !== undefined) return role
  if (arn !== '')
    throw new AwsError(
      'InvalidParameterValue',
      'the parameter RoleArn names no role of this server',
    )
  if (tokenVerifier === undefined)
    throw new AwsError('MissingParameter', 'the parameter RoleArn is missing')
  return undefined
}

interface Lifetime {
  readonly durationSeconds: number | undefined
  readonly tokenExpiresAtMs: number
  readonly role: TokenRole | undefined
}

/**
 * Returns the time when the credentials expire: after the requested duration, but not later than the token, as in MinIO 2022. A role with
 * `maxDurationSeconds` ignores the token's expiry.
 */
function chooseExpiryMs(
  { durationSeconds, tokenExpiresAtMs, role }: Lifetime,
  { limits, nowMs }: StsServices,
): number {
  const { maxDurationSeconds, defaultDurationSeconds, isLongerThanTokenAllowed } = limits
  const longestMs = nowMs() + maxDurationSeconds * 1000
  if (role?.maxDurationSeconds !== undefined) {
    const seconds = Math.min(durationSeconds ?? defaultDurationSeconds, role.maxDurationSeconds)
    return Math.min(nowMs() + seconds * 1000, longestMs)
  }
  if (durationSeconds === undefined) return Math.min(tokenExpiresAtMs, longestMs)
  const requestedMs = nowMs() + durationSeconds * 1000
  return isLongerThanTokenAllowed ? requestedMs : Math.min(requestedMs, tokenExpiresAtMs)
}

/**
 * Returns the policies that the token's claim names and that exist on this server.
 *
 * @throws {AwsError} `InvalidParameterValue` when the claim is missing or none of its names is known.
 */
function readPolicyNames(claims: JsonObject, services: StsServices): readonly string[] {
  const names = readNames(claims[services.policyClaim])
  if (services.isPolicyClaimRequired && names.length === 0) {
    throw new AwsError(
      'InvalidParameterValue',
      `claim ${services.policyClaim} is missing: the token names no policy`,
    )
  }
  return keepKnownPolicies(names, `claim ${services.policyClaim}`, services)
}
