import { decodeFormText } from '../../protocol/sigv4/canonical-request.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { Principal } from '../identity/principal.ts'

/** Parts of a request that a policy engine never sees: it, and its decision log, would hold credentials (WIRE 5.2). */
const secretNames = new Set([
  'authorization',
  'cookie',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-credential',
  'signature',
  'awsaccesskeyid',
  'proxy-authorization',
  'token',
  'webidentitytoken',
])

/**
 * The facts of a request under MinIO's condition names: its own first (`SourceIp`, `SecureTransport`…), headers in canonical
 * spelling, query parameters as sent. What the server knows itself is set last, so nothing a client sends can stand in for it.
 */
export function buildConditions(
  request: HttpRequest,
  { principal }: { readonly principal: Principal },
): ReadonlyMap<string, readonly string[]> {
  const conditions = new Map<string, string[]>()
  for (const [name, value] of request.headers)
    if (!secretNames.has(name)) conditions.set(canonicalHeaderName(name), [value])
  for (const part of request.rawQuery === '' ? [] : request.rawQuery.split('&')) {
    const at = part.indexOf('=')
    const name = decodeFormText(at === -1 ? part : part.slice(0, at))
    if (name === '' || secretNames.has(name.toLowerCase())) continue
    const value = at === -1 ? '' : decodeFormText(part.slice(at + 1))
    conditions.set(name, [...(conditions.get(name) ?? []), value])
  }
  const now = new Date(request.receivedAtMs)
  const facts: Record<string, string> = {
    SourceIp: request.remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''),
    SecureTransport: String(request.isTls),
    UserAgent: request.headers.get('user-agent') ?? '',
    Referer: request.headers.get('referer') ?? '',
    CurrentTime: now.toISOString(),
    EpochTime: String(Math.floor(request.receivedAtMs / 1000)),
    signatureversion: isSignedByV2(request) ? 'AWS' : 'AWS4-HMAC-SHA256',
    authType: request.headers.has('authorization') ? 'REST-HEADER' : 'REST-QUERY-STRING',
    principaltype: principal.kind === 'root' ? 'Account' : 'AssumedRole',
    userid: principal.accessKey,
    username: principal.subject,
  }
  for (const [name, value] of Object.entries(facts))
    conditions.set(name, value === '' ? [] : [value])
  return conditions
}

/** The last form looked for when a request is authenticated. */
function isSignedByV2({ headers, rawQuery }: HttpRequest): boolean {
  const isV4 = headers.has('authorization') || /(^|&)X-Amz-Signature=/.test(rawQuery)
  return !isV4 && rawQuery.includes('AWSAccessKeyId=')
}

/** `x-amz-date` → `X-Amz-Date`, as Go spells headers. */
function canonicalHeaderName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
