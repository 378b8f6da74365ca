/** The part that ClientGrants and WebIdentity share: a proven token becomes a session. */
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject, type JsonObject } from '../../base/parse.ts'
import type { StsResult } from '../../protocol/sts-wire.ts'
import { readDurationSeconds, readSessionPolicy } from './parameters.ts'
import { keepKnownPolicies, readNames } from './policy-names.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

/** Verifies `token`, applies the claim and lifetime rules, and issues credentials. */
export async function federateToken(
  token: string,
  request: StsRequest,
  services: StsServices,
): Promise<StsResult> {
  const { parameters } = request
  const durationSeconds = readDurationSeconds(parameters, services.limits)
  if (services.tokenVerifier === undefined)
    throw new AwsError('STSNotInitialized', 'no identity provider is configured')
  const verified = await services.tokenVerifier.verify(token)
  request.http.log['principal'] = verified.subject
  const policyNames = readPolicyNames(verified.claims, services)
  const sessionPolicy = readSessionPolicy(parameters, services)
  const credentials = await services.sessions.issue({
    subject: verified.subject,
    claims: selectClaims(verified.claims),
    policyNames,
    sessionPolicy,
    groups: readNames(verified.claims['groups']),
    expiresAtMs: chooseEndMs(durationSeconds, verified.expiresAtMs, services),
  })
  return { credentials, subject: verified.subject }
}

/** The shorter of what was asked and what is left of the token, as MinIO 2022. */
function chooseEndMs(
  durationSeconds: number | undefined,
  tokenEndMs: number,
  { limits, nowMs }: StsServices,
): number {
  const longestMs = nowMs() + limits.maxDurationSeconds * 1000
  if (durationSeconds === undefined) return Math.min(tokenEndMs, longestMs)
  const wantedMs = nowMs() + durationSeconds * 1000
  return limits.isLongerThanTokenAllowed ? wantedMs : Math.min(wantedMs, tokenEndMs)
}

/**
 * The policies that the token's claim names and that exist here.
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

// Claims that mean something inside a MinIO session; an identity provider that lets users choose claim names must not set them.
const internalClaims = new Set([
  'accessKey',
  'sessionPolicy',
  'roleArn',
  'parent',
  'sa-policy',
  'ldapUser',
  'ldapUsername',
  'tokenRevokeType',
])

/** What policies may ask about: strings, numbers, booleans, and lists of strings. Nested objects stay behind. */
function selectClaims(claims: JsonObject): JsonObject {
  const selected: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims)) {
    if (internalClaims.has(name) || isObject(value)) continue
    if (Array.isArray(value) && !value.every((item) => typeof item === 'string')) continue
    selected[name] = value
  }
  return selected
}
