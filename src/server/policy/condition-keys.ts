/**
 * Condition keys and the sources of their values. The three sources are the claims, the server's own facts and the client's headers and
 * parameters. They are never mixed: in MinIO one map held all three, so `?sub=admin` or a header `Username:` could replace a claim (docs/wire.md §9.5).
 */
import type { AuthorizationRequest } from './authorizer.ts'
import { claimValues, isPrincipalKey, listPrincipalValues } from './principal-keys.ts'

/** Keys of requests to the STS (AWS service authorization reference, "Condition keys for AWS Security Token Service"). No other request has them. */
const serverKeysOfSts: Readonly<Record<string, string>> = {
  'aws:tagkeys': 'aws:TagKeys',
  'sts:externalid': 'sts:ExternalId',
  'sts:rolesessionname': 'sts:RoleSessionName',
  'sts:sourceidentity': 'sts:SourceIdentity',
  'sts:transitivetagkeys': 'sts:TransitiveTagKeys',
}

/**
 * Condition keys whose values the server determines, each with its name in `AuthorizationRequest.conditions`. With `clientKeys`, the keys of
 * the principal and those that no request has, they are all of `minioConditionKeys`.
 */
const serverKeys: Readonly<Record<string, string>> = {
  'aws:currenttime': 'CurrentTime',
  'aws:epochtime': 'EpochTime',
  'aws:sourceip': 'SourceIp',
  'aws:securetransport': 'SecureTransport',
  'aws:useragent': 'UserAgent',
  'aws:referer': 'Referer',
  's3:versionid': 'versionid',
  's3:signatureversion': 'signatureversion',
  's3:authtype': 'authType',
  's3:signatureage': 'signatureAge',
  's3:requestobjecttagkeys': 'RequestObjectTagKeys',
  's3:object-lock-mode': 'Object-Lock-Mode',
  's3:object-lock-retain-until-date': 'Object-Lock-Retain-Until-Date',
  's3:object-lock-legal-hold': 'Object-Lock-Legal-Hold',
  's3:object-lock-remaining-retention-days': 'object-lock-remaining-retention-days',
  'sts:durationseconds': 'DurationSeconds',
  ...serverKeysOfSts,
}

/** Condition keys whose values the client sends, each with the header or query parameter that carries it. */
const clientKeys: Readonly<Record<string, string>> = {
  's3:prefix': 'prefix',
  's3:delimiter': 'delimiter',
  's3:max-keys': 'max-keys',
  's3:locationconstraint': 'LocationConstraint',
  's3:x-amz-copy-source': 'X-Amz-Copy-Source',
  's3:x-amz-server-side-encryption': 'X-Amz-Server-Side-Encryption',
  's3:x-amz-server-side-encryption-aws-kms-key-id': 'X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id',
  's3:x-amz-server-side-encryption-customer-algorithm':
    'X-Amz-Server-Side-Encryption-Customer-Algorithm',
  's3:x-amz-metadata-directive': 'X-Amz-Metadata-Directive',
  's3:x-amz-storage-class': 'X-Amz-Storage-Class',
  's3:x-amz-content-sha256': 'X-Amz-Content-Sha256',
  's3:x-amz-acl': 'X-Amz-Acl',
  's3:x-amz-grant-full-control': 'X-Amz-Grant-Full-Control',
  's3:x-amz-grant-read': 'X-Amz-Grant-Read',
  's3:x-amz-grant-read-acp': 'X-Amz-Grant-Read-Acp',
  's3:x-amz-grant-write': 'X-Amz-Grant-Write',
  's3:x-amz-grant-write-acp': 'X-Amz-Grant-Write-Acp',
  's3:x-amz-object-ownership': 'X-Amz-Object-Ownership',
}

/** Keys of the tags that a request to the STS sets, with the tag's name, whose case does not count (IAM User Guide, "Session tags"). */
const requestTagKey = /^aws:requesttag\/(.+)$/is

/** Keys of objects' tags, with the tag's own name after the slash. Only that name is case-sensitive. */
const tagKey = /^s3:(existing|request)objecttag\/(.+)$/is

/**
 * Keys that no request has. Of MinIO's: tags without a name, and the lifetime of a service account, which this server does not create. Of AWS's: what
 * only requests through its networks, organizations, services and access points have.
 */
const absentKeys = new Set(
  `s3:existingobjecttag s3:requestobjecttag svc:durationseconds aws:calledvia aws:multifactorauthage aws:multifactorauthpresent
  aws:principalorgid aws:principalorgpaths aws:principalservicename aws:sourceaccount aws:sourcearn aws:sourceorgid aws:sourceowner
  aws:sourcevpc aws:sourcevpce aws:vpcsourceip s3:dataaccesspointaccount s3:dataaccesspointarn`.split(
    /\s+/,
  ),
)

/** Returns whether a policy may use the condition key. As in IAM, keys are not case-sensitive; a claim's own name is. */
export function isKnownConditionKey(key: string): boolean {
  const lower = key.toLowerCase()
  return (
    Object.hasOwn(serverKeys, lower) ||
    Object.hasOwn(clientKeys, lower) ||
    isPrincipalKey(lower) ||
    absentKeys.has(lower) ||
    tagKey.test(key) ||
    requestTagKey.test(key) ||
    /^(jwt|ldap):./.test(lower)
  )
}

/**
 * Returns true for a condition key of another service, such as `kms:ViaService`. As in IAM, a request to this server does not have it. A
 * global key (`aws:…`) that is not known here is not one of these: a request to AWS could have it.
 */
export function isOtherServiceKey(key: string): boolean {
  return (
    /^[a-z0-9][a-z0-9-]*:[\w:/.-]+$/i.test(key) && !/^(s3|aws|jwt|ldap|admin|sts|svc):/i.test(key)
  )
}

/**
 * Returns the name of a key in `AuthorizationRequest.conditions`. Returns undefined for a key whose values come from the principal: its
 * claims, name and groups.
 */
export function findConditionName(key: string): string | undefined {
  const lower = key.toLowerCase()
  const [, kind = '', tag = ''] = tagKey.exec(key) ?? []
  if (tag !== '') return tagConditionName(kind, tag)
  const [, requestTag] = requestTagKey.exec(key) ?? []
  if (requestTag !== undefined) return requestTagName(requestTag)
  const names = Object.hasOwn(serverKeys, lower) ? serverKeys : clientKeys
  return Object.hasOwn(names, lower) ? names[lower] : undefined
}

/** Returns the name of a tag that a request to the STS sets, in `AuthorizationRequest.conditions`. */
export function requestTagName(tag: string): string {
  return `aws:RequestTag/${tag.toLowerCase()}`
}

function tagConditionName(kind: string, tag: string): string {
  return `${kind.toLowerCase() === 'existing' ? 'Existing' : 'Request'}ObjectTag/${tag}`
}

/**
 * Returns a request's values for a key; an empty list when the request does not have the key. Returns undefined if the request may have it,
 * but the server does not know: what such a condition says must neither allow nor fail to deny.
 */
export function findConditionValues(
  key: string,
  request: AuthorizationRequest,
): readonly string[] | undefined {
  const lower = key.toLowerCase()
  if (isUnknown(lower, request)) return undefined
  const [, kind = '', tag = ''] = tagKey.exec(key) ?? []
  if (tag !== '') return readClientValues(tagConditionName(kind, tag), request)
  if (isPrincipalKey(lower)) return listPrincipalValues(key, request.principal)
  if (lower.startsWith('jwt:')) return claimValues(request.principal.claims, key.slice(4))
  if (lower.startsWith('ldap:')) return ldapValues(lower, request)
  if (Object.hasOwn(serverKeys, lower)) return readServerValues(serverKeys[lower], request)
  if (Object.hasOwn(clientKeys, lower)) return readClientValues(clientKeys[lower], request)
  const [, requestTag] = requestTagKey.exec(key) ?? []
  return requestTag === undefined ? [] : readClientValues(requestTagName(requestTag), request)
}

/** The actions on an object whose conditions may use its tags (AWS service authorization reference; minio/pkg). Others have no such key. */
const tagReadingAction =
  /^s3:(GetObject(Version)?(Acl|Attributes|ForReplication|Tagging|Torrent)?|(Put|Delete)Object(Version)?(Acl|Tagging)|Replicate(Delete|Object|Tags))$/

/** Returns whether an action's conditions may use the tags of the object that it is about. */
export function hasExistingTags(action: string): boolean {
  return tagReadingAction.test(action)
}

/**
 * Returns whether the value of a key may be in what the server has not read: the object's tags, or the body of a request that sets tags, a
 * retention, a legal hold or a location.
 */
function isUnknown(lower: string, { action, conditions, ...rest }: AuthorizationRequest): boolean {
  if (lower.startsWith('s3:existingobjecttag/'))
    return rest.areObjectTagsKnown !== true && hasExistingTags(action)
  if (lower.startsWith('s3:requestobjecttag'))
    return (
      /^s3:PutObject(Version)?Tagging$|^s3:PutBucketTagging$/.test(action) &&
      !conditions.has('RequestObjectTagKeys')
    )
  if (lower.startsWith('s3:object-lock-'))
    return (
      /^s3:(PutObjectRetention|PutObjectLegalHold|BypassGovernanceRetention)$/.test(action) &&
      !conditions.has(serverKeys[lower] ?? '')
    )
  if (lower === 's3:locationconstraint')
    return (
      action === 's3:CreateBucket' &&
      (conditions.get('Content-Length')?.[0] ?? '0') !== '0' &&
      !conditions.has('LocationConstraint')
    )
  return false
}

/** Returns whether the values of a key can be unknown, so that a variable cannot stand for them. */
export function canBeUnknown(key: string): boolean {
  return /^s3:(existingobjecttag|requestobjecttag|object-lock-|locationconstraint)/i.test(key)
}

/** Returns the values of a `ldap:` key, which only a session from an LDAP login has. */
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

/** Leaves out empty values: MinIO's conditions hold an empty text for a missing value, but in IAM such a key is absent. */
function readServerValues(
  name: string | undefined,
  request: AuthorizationRequest,
): readonly string[] {
  return readClientValues(name, request).filter((value) => value !== '')
}

/** Keeps empty values: with `prefix=` a client lists from the top of the bucket. */
function readClientValues(name = '', { conditions }: AuthorizationRequest): readonly string[] {
  return conditions.get(name) ?? []
}
