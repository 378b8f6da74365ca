/**
 * Condition keys and where their values come from. Claims, the server's own facts and what the client sent are three places that never
 * mix: at MinIO one map held all three, so `?sub=admin` or a header `Username:` could stand in for a claim (docs/wire.md §9.5).
 */
import type { JsonObject } from '../../base/parse.ts'
import type { AuthorizationRequest } from './authorizer.ts'

/** What the server knows itself → the condition's name in the request. */
const factKeys: Readonly<Record<string, string>> = {
  'aws:currenttime': 'CurrentTime',
  'aws:epochtime': 'EpochTime',
  'aws:sourceip': 'SourceIp',
  'aws:securetransport': 'SecureTransport',
  'aws:useragent': 'UserAgent',
  'aws:referer': 'Referer',
  's3:versionid': 'versionid',
  's3:signatureversion': 'signatureversion',
  's3:authtype': 'authType',
}

/** What the client sent → the header or query parameter that carries it. */
const sentKeys: Readonly<Record<string, string>> = {
  's3:prefix': 'prefix',
  's3:delimiter': 'delimiter',
  's3:max-keys': 'max-keys',
  's3:locationconstraint': 'LocationConstraint',
  's3:x-amz-copy-source': 'X-Amz-Copy-Source',
  's3:x-amz-server-side-encryption': 'X-Amz-Server-Side-Encryption',
  's3:x-amz-metadata-directive': 'X-Amz-Metadata-Directive',
  's3:x-amz-storage-class': 'X-Amz-Storage-Class',
  's3:x-amz-content-sha256': 'X-Amz-Content-Sha256',
}

/** Keys are compared without case, as IAM does; a claim's own name keeps its case. */
export function isKnownConditionKey(key: string): boolean {
  const lower = key.toLowerCase()
  return (
    Object.hasOwn(factKeys, lower) ||
    Object.hasOwn(sentKeys, lower) ||
    isPrincipalKey(lower) ||
    /^(jwt|ldap):./.test(lower)
  )
}

/** The name under which a request's conditions hold a key's values; undefined for a key that they do not hold (claims, who is asking). */
export function findConditionName(key: string): string | undefined {
  const lower = key.toLowerCase()
  const names = Object.hasOwn(factKeys, lower) ? factKeys : sentKeys
  return Object.hasOwn(names, lower) ? names[lower] : undefined
}

/** The values a request has for a key; none when it has no such fact. */
export function findConditionValues(key: string, request: AuthorizationRequest): readonly string[] {
  const lower = key.toLowerCase()
  if (isPrincipalKey(lower)) return principalValues(lower, request)
  if (lower.startsWith('jwt:')) return claimValues(request.principal.claims, key.slice(4))
  if (lower.startsWith('ldap:')) return ldapValues(lower, request)
  if (Object.hasOwn(factKeys, lower)) return readFact(factKeys[lower], request)
  return Object.hasOwn(sentKeys, lower) ? readValue(sentKeys[lower], request) : []
}

function isPrincipalKey(lower: string): boolean {
  return ['aws:username', 'aws:userid', 'aws:principaltype', 'aws:groups'].includes(lower)
}

function principalValues(lower: string, { principal }: AuthorizationRequest): readonly string[] {
  switch (lower) {
    case 'aws:username':
      return [principal.subject]
    case 'aws:userid':
      return [principal.accessKey]
    case 'aws:groups':
      return principal.groups
    default:
      return [principal.kind === 'root' ? 'Account' : 'AssumedRole']
  }
}

/** What a session that came from a directory carries. */
function ldapValues(lower: string, { principal }: AuthorizationRequest): readonly string[] {
  switch (lower) {
    case 'ldap:user':
      return claimValues(principal.claims, 'ldapUser')
    case 'ldap:username':
      return claimValues(principal.claims, 'ldapUsername')
    case 'ldap:groups':
      return principal.claims['ldapUser'] === undefined ? [] : principal.groups
    default:
      return []
  }
}

/** MinIO writes what a request lacks as an empty text; to IAM it is a key that is not there. */
function readFact(name: string | undefined, request: AuthorizationRequest): readonly string[] {
  return readValue(name, request).filter((value) => value !== '')
}

/** A header or parameter that was sent empty is there: `prefix=` is how a client lists from the top. */
function readValue(name = '', { conditions }: AuthorizationRequest): readonly string[] {
  return conditions.get(name) ?? []
}

function claimValues(claims: JsonObject, name: string): readonly string[] {
  const claim = Object.hasOwn(claims, name) ? claims[name] : undefined
  const items: unknown[] = Array.isArray(claim) ? claim : [claim]
  return items
    .filter(
      (item) => typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean',
    )
    .map(String)
}
