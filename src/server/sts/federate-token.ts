/** What AssumeRoleWithClientGrants and AssumeRoleWithWebIdentity share: a verified token becomes a session. */
import { AwsError } from '../../protocol/aws-error.ts'
import { readString, type JsonObject } from '../../base/parse.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import type { TokenRole } from '../policy/token-role.ts'
import { readNames } from '../sessions/read-names.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import { selectClaims } from './select-claims.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

/** Verifies `token`, applies the rules of the policy claim or the role and those of the lifetime, and issues credentials. */
export async function federateToken(
  token: string,
  request: StsRequest,
  services: StsServices,
): Promise<StsResult> {
  const { parameters, session } = request
  const role = findRole(parameters.get('RoleArn') ?? '', services)
  const verifier = role ?? services.tokenVerifier
  if (verifier === undefined)
    throw new AwsError('STSNotInitialized', 'no identity provider is configured')
  const verified = await verifier.verify(token)
  request.recorder.setCaller({
    kind: 'openid',
    subject: verified.subject,
    roleArn: role?.arn,
    roleSessionName: session.roleSessionName,
    issuer: readString(verified.claims, 'iss'),
  })
  const policyNames =
    role === undefined
      ? readPolicyNames(verified.claims, services)
      : keepKnownPolicies(role.policyNames, `the role ${role.arn}`, services)
  const claims = selectClaims(verified.claims)
  const credentials = await services.sessions.issue({
    subject: verified.subject,
    claims: {
      ...claims,
      ...(role === undefined ? {} : { roleArn: role.arn }),
      ...session.revokeClaims,
    },
    policyNames,
    sessionPolicy: session.sessionPolicy,
    groups: readNames(verified.claims['groups']),
    expiresAtMs: chooseExpiryMs(
      {
        durationSeconds: session.durationSeconds,
        tokenExpiresAtMs: verified.expiresAtMs,
        role,
      },
      services,
    ),
  })
  return { credentials, subject: verified.subject }
}

/**
 * Returns the role that the request names. Where the server has no roles, RoleArn is ignored, as AWS's SDKs must send one. Where it has some,
 * a misspelt one must not fall back to the policies of the token's claim.
 *
 * @throws {AwsError} `InvalidParameterValue` for an unknown role; `MissingParameter` where a token without a role has no rights.
 */
function findRole(arn: string, { roles, tokenVerifier }: StsServices): TokenRole | undefined {
  if (roles === undefined || roles.size === 0) return undefined
  const role = roles.get(arn)
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

/** The shorter of what was asked and what is left of the token, as MinIO 2022; a role may say that the token's end does not matter. */
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
  const wantedMs = nowMs() + durationSeconds * 1000
  return isLongerThanTokenAllowed ? wantedMs : Math.min(wantedMs, tokenExpiresAtMs)
}

/**
 * Returns the policies that the token's claim names and that exist here.
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
