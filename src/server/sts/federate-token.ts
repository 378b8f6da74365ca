/** Exchanges an identity provider's token for temporary credentials, for AssumeRoleWithClientGrants and AssumeRoleWithWebIdentity. */
import { AwsError } from '../../protocol/aws-error.ts'
import { createLazyMap } from '../../base/lazy-map.ts'
import { readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import { findIssueDenial } from '../policy/find-issue-denial.ts'
import { claimValues } from '../policy/principal-keys.ts'
import type { TrustedRequest } from '../policy/role-trust.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { SessionRequest } from '../sessions/session-store.ts'
import { readNames } from '../sessions/read-names.ts'
import { readDisplayName } from '../sessions/describe-principal.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { byClaimArn, findRoleByArn } from '../identity/role-arn.ts'
import { hasTagClaims, readTagClaims } from '../identity/session-tags.ts'
import type { Principal } from '../sessions/principal.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import { selectClaims } from './select-claims.ts'
import { buildStsConditions } from './sts-conditions.ts'
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
  const describe = (claims: JsonObject): TrustedRequest => describeToken(claims, role, request)
  const verified = await verifier.verify(text.trim(), describe)
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
    sourceIdentity: readSourceIdentity(verified.claims),
  }
  requireIssueAllowed(issued, request, services)
  const credentials = await services.sessions.issue({
    ...issued,
    expiresAtMs: chooseExpiryMs(
      { ...session, tokenExpiresAtMs: verified.expiresAtMs, role },
      services,
    ),
  })
  return {
    credentials,
    subject: verified.subject,
    assumedRole: nameAssumedRole(issued),
    sourceIdentity: issued.sourceIdentity,
    audience: readAudience(verified.claims),
    provider: readString(verified.claims, 'iss'),
  }
}

/** Returns the client that a token was issued to: its only audience, or of several the authorized party (OpenID Connect Core §2). */
function readAudience(claims: JsonObject): string | undefined {
  const { aud } = claims
  const [first, ...others] = typeof aud === 'string' ? [aud] : readStrings(claims, 'aud')
  return others.length === 0 ? first : (readString(claims, 'azp') ?? first)
}

const assumeByToken = 'sts:AssumeRoleWithWebIdentity'

/** Returns what a request with a token brings, for the trust of a role. Its conditions are built when one is first asked for: most trusts have none. */
function describeToken(
  claims: JsonObject,
  role: TokenRole | undefined,
  { http, session: { roleSessionName, durationSeconds } }: StsRequest,
): TrustedRequest {
  const subject = readString(claims, 'sub') ?? ''
  const conditions = createLazyMap(() =>
    buildStsConditions(http, {
      principal: toPrincipal({ subject, claims, policyNames: [], groups: [] }),
      roleArn: role?.arn,
      roleSessionName,
      durationSeconds,
      sourceIdentity: readSourceIdentity(claims),
      tags: readTagClaims(claims),
    }),
  )
  return { conditions, actions: listPermissions(claims) }
}

/** Returns the actions that a token needs besides, because of what it says. */
function listPermissions(claims: JsonObject): readonly string[] {
  return [
    ...(hasTagClaims(claims) ? ['sts:TagSession'] : []),
    ...(readSourceIdentity(claims) === undefined ? [] : ['sts:SetSourceIdentity']),
  ]
}

/** Returns the principal that a session would be, for questions that come before it is issued. */
function toPrincipal(
  issued: Pick<Principal, 'subject' | 'claims' | 'policyNames' | 'groups'>,
): Principal {
  const limits = { sessionPolicy: undefined, expiresAtMs: undefined, issuedAtMs: undefined }
  return { ...limits, ...issued, kind: 'session', accessKey: '' }
}

const sourceIdentityClaim = 'https://aws.amazon.com/source_identity'

/**
 * Returns the source identity that the identity provider says (IAM User Guide, "Monitor and control actions taken with assumed roles").
 *
 * @throws {AwsError} `InvalidIdentityToken` for one that AWS does not take.
 */
function readSourceIdentity(claims: JsonObject): string | undefined {
  if (!Object.hasOwn(claims, sourceIdentityClaim)) return undefined
  const [text = '', second] = claimValues(claims, sourceIdentityClaim)
  if (second === undefined && /^(?!aws:)[\w+=,.@-]{2,64}$/i.test(text)) return text
  throw new AwsError(
    'InvalidIdentityToken',
    `the claim ${sourceIdentityClaim} must be one text of 2 to 64 characters of A-Z, a-z, 0-9 and _+=,.@-`,
  )
}

/** @throws {AwsError} `AccessDenied` if a policy denies the issue of credentials, for example of a lifetime (`sts:DurationSeconds`) or a tag. */
function requireIssueAllowed(
  issued: Omit<SessionRequest, 'expiresAtMs'>,
  { http, session }: StsRequest,
  { knownPolicies }: StsServices,
): void {
  for (const action of [assumeByToken, ...listPermissions(issued.claims)]) {
    const denial = findIssueDenial(knownPolicies, issued.policyNames, () => {
      const principal = toPrincipal(issued)
      const { durationSeconds, roleSessionName } = session
      const { sourceIdentity } = issued
      const tags = readTagClaims(issued.claims)
      const facts = { principal, durationSeconds, roleSessionName, sourceIdentity, tags }
      const conditions = buildStsConditions(http, facts)
      return { principal, action, bucket: '', object: '', conditions }
    })
    if (denial !== undefined)
      throw new AwsError('AccessDenied', `you may not ${action}: denied by ${denial}`)
  }
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
