/**
 * Builds what Open Policy Agent is asked: MinIO's document (docs/opa.md).
 *
 * `conditions` has three sources: the server's facts, the request, and the string claims of the caller's token. Each name belongs to one source
 * for all requests, so that nothing that a request sends can replace a claim, add to it, or pass for one that the token does not have. At MinIO all
 * share the names, and `?department=finance` is a claim (docs/wire.md §9.5).
 */
import type { JsonObject } from '../../base/parse.ts'
import { findParentUser } from '../sessions/session-tokens.ts'
import type { Principal } from '../sessions/principal.ts'
import type { AuthorizationRequest } from './authorizer.ts'

/**
 * The form of the document: that of MinIO until 2022 (`MINIO_IAM_OPA_URL`, `MINIO_POLICY_OPA_URL`), or that of the access management plugin today
 * (`MINIO_POLICY_PLUGIN_URL`).
 */
export type OpaForm = 'opa' | 'plugin'

/** Names that only the server sets. */
const serverNames = new Set([
  'SourceIp',
  'SecureTransport',
  'UserAgent',
  'Referer',
  'CurrentTime',
  'EpochTime',
  'LocationConstraint',
  'RequestObjectTagKeys',
  'authType',
  'principaltype',
  'signatureversion',
  'signatureAge',
  'object-lock-remaining-retention-days',
  'userid',
  'username',
  'groups',
  'versionid',
])
const serverPrefix = /^(Object-Lock-|RequestObjectTag\/|ExistingObjectTag\/|aws:|sts:)/

/** Headers in Go's spelling: those of HTTP, of S3 and of its clients. */
const headerName =
  /^((Accept|Access|Amz|Cache|Content|If|Keep|Sec|Transfer|User|X)-.*|Accept|Connection|Date|Expect|Expires|Forwarded|Max-Forwards|Origin|Pragma|Priority|Range|Te|Traceparent|Tracestate|Trailer|Upgrade|Via|Want-Digest|Digest)$/

/** Query parameters of S3. `policy` is not one of them, because it is the claim that names policies; the action says that it was sent. */
const parameterNames = new Set(
  `accelerate acl analytics attributes bucket-region continuation-token cors delete delimiter encoding-type encryption fetch-owner
  intelligent-tiering inventory key-marker legal-hold lifecycle list-type location logging marker max-buckets max-keys max-parts max-uploads
  metrics notification object-lock ownershipControls partNumber part-number-marker policyStatus prefix publicAccessBlock replication
  requestPayment response-cache-control response-content-disposition response-content-encoding response-content-language
  response-content-type response-expires restore retention select select-type start-after tagging torrent uploadId upload-id-marker
  uploads versionId version-id-marker versioning versions website x-id`.split(/\s+/),
)

/** Returns the document of one question. */
export function buildOpaInput(request: AuthorizationRequest, form: OpaForm): object {
  const { principal, action, bucket, object } = request
  return {
    account: principal.accessKey,
    groups: principal.groups.length === 0 ? null : principal.groups,
    action,
    ...(form === 'plugin' ? { originalAction: '' } : {}),
    bucket,
    conditions: buildOpaConditions(request, form),
    owner: principal.kind === 'root',
    object,
    claims:
      principal.kind === 'root' ? {} : { ...principal.claims, accessKey: principal.accessKey },
    denyOnly: false,
  }
}

function buildOpaConditions(
  { principal, conditions }: AuthorizationRequest,
  form: OpaForm,
): Record<string, readonly string[]> {
  const built = new Map([...conditions].filter(([name]) => isReserved(name)))
  built.delete('groups')
  if (principal.kind === 'session')
    for (const [name, value] of listClaims(principal)) built.set(name, [value])
  for (const [name, values] of listNames(principal, form)) built.set(name, values)
  return Object.fromEntries(built)
}

function isServerName(name: string): boolean {
  return serverNames.has(name) || serverPrefix.test(name)
}

function isRequestName(name: string): boolean {
  return parameterNames.has(name) || headerName.test(name)
}

/**
 * Returns the string claims under their own names, as MinIO of 2022, and in lower case, as MinIO since, without those whose names are the
 * server's or a request's: they are in `claims`.
 */
function listClaims({ claims, accessKey }: Principal): (readonly [string, string])[] {
  const named = Object.entries({ ...claims, accessKey }).flatMap(
    ([name, value]): [string, string][] => {
      return typeof value === 'string' && !isReserved(name) ? [[name, value]] : []
    },
  )
  const lower = named.map(([name, value]) => [name.toLowerCase(), value] as const)
  // The exact name comes last, so that no claim can replace another one whose name it resembles.
  return [...lower.filter(([name]) => !isReserved(name)), ...named]
}

function isReserved(name: string): boolean {
  return isServerName(name) || isRequestName(name)
}

/** Returns who asks, by the names of the form's time. As at MinIO, a claim of such a name is the name. */
function listNames(
  { kind, claims, accessKey, groups, ...rest }: Principal,
  form: OpaForm,
): (readonly [string, readonly string[]])[] {
  const isDerived = form === 'plugin' && kind === 'session'
  const owner = isDerived ? findParentUser({ claims, ...rest }) : accessKey
  const ldapUser = readText(claims, 'ldapUser')
  const names: [string, readonly string[]][] = [
    ['userid', [readText(claims, 'userid') ?? owner]],
    ['username', [readText(claims, 'ldapUsername') ?? readText(claims, 'username') ?? owner]],
  ]
  if (ldapUser !== undefined) names.push(['user', [ldapUser]])
  if (form === 'plugin' && groups.length > 0) names.push(['groups', groups])
  return names
}

function readText(claims: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return typeof value === 'string' ? value : undefined
}
