import { formatUtc } from '../../protocol/dates.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { Principal } from '../sessions/principal.ts'

/**
 * Headers and parameters that a policy engine never sees: it, and its decision log, would hold credentials (docs/wire.md §5.2). By the words of
 * which such names are made: what a client calls its next secret is not known here. A listing's continuation token opens nothing.
 */
const secretName =
  /authorization|cookie|(?<!^continuation-)token|secret|password|signature|credential|accesskeyid|api-?key|customer-key$/i

/** Parameters of presigned URLs that begin like a header. */
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
  /** Where the signature is in an upload form: in MinIO's name for its version. */
  readonly formSignatureVersion?: string | undefined
}

/** What conditions are built from. */
export type ReceivedFacts = Pick<
  HttpRequest,
  'headers' | 'query' | 'remoteAddress' | 'isTls' | 'receivedAtMs'
>

/**
 * The facts of a request under MinIO's condition names: headers in canonical spelling, query parameters as sent, then what the server knows
 * itself (`SourceIp`, `SecureTransport`…), so that nothing a client sends can stand in for it. What a request lacks is an empty text, as
 * at MinIO. Claims are not mixed in.
 */
export function buildConditions(
  request: ReceivedFacts,
  { principal, formSignatureVersion }: ConditionOptions,
): ReadonlyMap<string, readonly string[]> {
  const conditions = new Map<string, string[]>()
  const referer = withoutSecrets(request.headers.get('referer') ?? '')
  for (const [name, value] of request.headers)
    if (name !== 'host' && !secretName.test(name))
      conditions.set(canonicalHeaderName(name), [name === 'referer' ? referer : value])
  const { query } = request
  // The first of two values is the one that the operations read.
  for (const [name, value] of query.pairs)
    if (isParameterName(name) && !conditions.has(name)) conditions.set(name, [value])
  const seconds = Math.floor(request.receivedAtMs / 1000)
  const facts: Record<string, string> = {
    SourceIp: request.remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ''),
    SecureTransport: String(request.isTls),
    UserAgent: request.headers.get('user-agent') ?? '',
    Referer: referer,
    CurrentTime: formatUtc(seconds * 1000),
    EpochTime: String(seconds),
    signatureversion: formSignatureVersion ?? (isSignedByV2(request) ? 'AWS' : 'AWS4-HMAC-SHA256'),
    authType: formSignatureVersion === undefined ? nameAuthType(request) : 'POST',
    principaltype: principal.kind === 'root' ? 'Account' : 'AssumedRole',
    userid: principal.accessKey,
    username: principal.subject,
    versionid: query.get('versionId') ?? '',
  }
  for (const [name, value] of Object.entries(facts)) conditions.set(name, [value])
  return conditions
}

/** S3's own parameters begin with a small letter; another that begins as a header does could stand in for one that was not sent. */
function isParameterName(name: string): boolean {
  return name !== '' && !secretName.test(name) && (!/^[A-Z]/.test(name) || presignNames.has(name))
}

/** The page that a browser comes from may have a presigned URL: then its query goes. */
function withoutSecrets(url: string): string {
  const at = url.indexOf('?')
  return at !== -1 && secretName.test(url.slice(at)) ? url.slice(0, at) : url
}

function nameAuthType({ headers }: ReceivedFacts): string {
  return headers.has('authorization') ? 'REST-HEADER' : 'REST-QUERY-STRING'
}

/** The last form looked for when a request is authenticated. */
function isSignedByV2({ headers, query }: ReceivedFacts): boolean {
  const isV4 = headers.has('authorization') || query.has('X-Amz-Signature')
  return !isV4 && query.has('AWSAccessKeyId')
}

/** `x-amz-date` → `X-Amz-Date`, as Go spells headers. */
function canonicalHeaderName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
