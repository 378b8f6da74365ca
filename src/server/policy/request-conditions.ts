import { unmapAddress } from '../../base/ip-network.ts'
import { formatUtc, parseAmzDateMs } from '../../protocol/dates.ts'
import { buildObjectConditions, isServerName } from './object-conditions.ts'
import { namePrincipalType } from './principal-keys.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { Principal } from '../sessions/principal.ts'

/**
 * Names of headers and parameters that a policy engine never receives, because it and its decision log would then hold credentials (docs/wire.md §5.2). The pattern matches the words in such names, because a list of names could not know the next client's. A listing's continuation
 * token is not a secret.
 */
const secretName =
  /authorization|cookie|(?<!^continuation-)token|secret|password|signature|credential|accesskeyid|api-?key|customer-key$/i

/** Parameters of presigned URLs whose names look like header names. */
const presignNames = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Content-Sha256',
  'Expires',
])

export interface ConditionOptions {
  readonly principal: Principal
  /** The signature version of an upload form, by MinIO's name: `AWS` or `AWS4-HMAC-SHA256`. Undefined for any other request. */
  readonly formSignatureVersion?: string | undefined
}

/** The part of a request that its conditions are built from. */
export type ReceivedRequest = Pick<
  HttpRequest,
  'headers' | 'query' | 'remoteAddress' | 'isTls' | 'receivedAtMs'
>

/**
 * Returns a request's condition values by MinIO's names: headers in canonical spelling, query parameters as sent, then the server's own
 * facts (`SourceIp`, `SecureTransport`…). The server's facts come last, so that nothing a client sends can replace them. A missing fact is
 * an empty text, as in MinIO. Claims are not included.
 */
export function buildConditions(
  request: ReceivedRequest,
  { principal, formSignatureVersion }: ConditionOptions,
): ReadonlyMap<string, readonly string[]> {
  const conditions = new Map<string, string[]>()
  const referer = withoutSecrets(request.headers.get('referer') ?? '')
  for (const [name, value] of request.headers)
    if (name !== 'host' && !secretName.test(name) && !isServerName(name))
      conditions.set(canonicalHeaderName(name), [name === 'referer' ? referer : value])
  const { query } = request
  // The operations read the first of two values, so the conditions hold the first as well.
  for (const [name, value] of query.pairs)
    if (isParameterName(name) && !conditions.has(name)) conditions.set(name, [value])
  const seconds = Math.floor(request.receivedAtMs / 1000)
  const facts: Record<string, string> = {
    SourceIp: unmapAddress(request.remoteAddress),
    SecureTransport: String(request.isTls),
    UserAgent: request.headers.get('user-agent') ?? '',
    Referer: referer,
    CurrentTime: formatUtc(seconds * 1000),
    EpochTime: String(seconds),
    ...describeSignature(request, { principal, formSignatureVersion }),
    principaltype: namePrincipalType(principal),
    userid: principal.kind === 'anonymous' ? 'anonymous' : principal.accessKey,
    username: principal.kind === 'anonymous' ? '' : principal.subject,
    versionid: query.get('versionId') ?? '',
  }
  for (const [name, value] of Object.entries(facts)) conditions.set(name, [value])
  const ageMs = findSignatureAge(request)
  if (ageMs !== undefined) conditions.set('signatureAge', [String(ageMs)])
  for (const [name, values] of buildObjectConditions(request.headers, request.receivedAtMs))
    conditions.set(name, values)
  return conditions
}

/** Returns the version and the type of the signature; empty, and so absent, if there is none. */
function describeSignature(
  request: ReceivedRequest,
  { principal, formSignatureVersion }: ConditionOptions,
): { signatureversion: string; authType: string } {
  if (principal.kind === 'anonymous') return { signatureversion: '', authType: '' }
  const version = isSignedByV2(request) ? 'AWS' : 'AWS4-HMAC-SHA256'
  return {
    signatureversion: formSignatureVersion ?? version,
    authType: formSignatureVersion === undefined ? findAuthType(request) : 'POST',
  }
}

/** Returns the age of a presigned URL of version 4 in milliseconds, the only form for which MinIO has the key. */
function findSignatureAge({ headers, query, receivedAtMs }: ReceivedRequest): number | undefined {
  if (headers.has('authorization') || !query.has('X-Amz-Signature')) return undefined
  const signedAtMs = parseAmzDateMs(query.get('X-Amz-Date') ?? '')
  return Number.isNaN(signedAtMs) ? undefined : receivedAtMs - signedAtMs
}

/**
 * Returns whether a query parameter may be a condition. S3's own parameters begin with a lower-case letter; one with a capital letter could
 * replace a header that was not sent.
 */
function isParameterName(name: string): boolean {
  if (name === '' || isServerName(name)) return false
  return !secretName.test(name) && (!/^[A-Z]/.test(name) || presignNames.has(name))
}

/** Removes the query of a referrer that may be a presigned URL. */
function withoutSecrets(url: string): string {
  const at = url.indexOf('?')
  return at !== -1 && secretName.test(url.slice(at)) ? url.slice(0, at) : url
}

function findAuthType({ headers }: ReceivedRequest): string {
  return headers.has('authorization') ? 'REST-HEADER' : 'REST-QUERY-STRING'
}

/** Returns true for Signature Version 2, in the header or in a presigned URL. It is checked after the V4 forms, in the order in which the authenticator looks for them. */
function isSignedByV2({ headers, query }: ReceivedRequest): boolean {
  if (headers.get('authorization')?.startsWith('AWS ') === true) return true
  const isV4 = headers.has('authorization') || query.has('X-Amz-Signature')
  return !isV4 && query.has('AWSAccessKeyId')
}

/** `x-amz-date` → `X-Amz-Date`, as Go spells headers. */
function canonicalHeaderName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
