/** The keys and JSON of MinIO's records in etcd (docs/wire.md §7.1, 7.2), and of this program's revocations. */
import {
  isObject,
  parseJsonObject,
  readNumber,
  readString,
  readStrings,
  type JsonObject,
} from '../../../base/parse.ts'
import type { TemporaryCredentials } from '../../../protocol/credentials.ts'
import { readNames } from '../read-names.ts'
import type { Revocation } from '../revocations.ts'
import type { AccountKind } from './iam-accounts.ts'

/** What a key stands for. */
export type IamSubject =
  | { readonly kind: 'identity'; readonly accessKeyId: string }
  | { readonly kind: 'mapping'; readonly of: MappingOwner; readonly name: string }
  | { readonly kind: 'policy'; readonly name: string }
  | { readonly kind: 'account'; readonly of: AccountKind; readonly accessKeyId: string }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'revocation' }

type MappingOwner = 'sts-users' | 'users' | 'groups'

/** Everything that is read and watched is below this prefix. */
export const iamPrefix = 'config/iam/'
export const identityPrefix = 'config/iam/sts/'
/** A folder of this program, which MinIO does not read: it lists its own folders one by one. */
const revocationPrefix = 'config/iam/sts-cli/revoked/'
/** Read completely at start and after an interruption. */
export const wholePrefixes = [
  'config/iam/policies/',
  'config/iam/policydb/',
  'config/iam/groups/',
  'config/iam/users/',
  'config/iam/service-accounts/',
  revocationPrefix,
]

/** Parses a key without the operator's prefix; undefined for keys that do not concern this program. */
export function parseIamKey(key: string): IamSubject | undefined {
  const [, accessKeyId] = /^config\/iam\/sts\/([A-Z0-9]{20})\/identity\.json$/.exec(key) ?? []
  if (accessKeyId !== undefined) return { kind: 'identity', accessKeyId }
  const [, of, name] =
    /^config\/iam\/policydb\/(sts-users|users|groups)\/(.+)\.json$/.exec(key) ?? []
  if (name !== undefined) return { kind: 'mapping', of: of as MappingOwner, name }
  const [, policy] = /^config\/iam\/policies\/([^/]+)\/policy\.json$/.exec(key) ?? []
  if (policy !== undefined) return { kind: 'policy', name: policy }
  const [, kind, account] =
    /^config\/iam\/(users|service-accounts)\/([^/]+)\/identity\.json$/.exec(key) ?? []
  if (account !== undefined)
    return { kind: 'account', of: kind as AccountKind, accessKeyId: account }
  const [, group] = /^config\/iam\/groups\/(.+)\/members\.json$/.exec(key) ?? []
  if (group !== undefined) return { kind: 'group', name: group }
  return key.startsWith(revocationPrefix) ? { kind: 'revocation' } : undefined
}

export function identityKey(accessKeyId: string): string {
  return `${identityPrefix}${accessKeyId}/identity.json`
}

export function mappingKey(parentUser: string): string {
  return `config/iam/policydb/sts-users/${parentUser}.json`
}

export function accountKey(kind: AccountKind, accessKeyId: string): string {
  return `config/iam/${kind}/${accessKeyId}/identity.json`
}

export function groupKey(name: string): string {
  return `config/iam/groups/${name}/members.json`
}

export function policyKey(name: string): string {
  return `config/iam/policies/${name}/policy.json`
}

export function revocationKey({ kind, name, revokeType }: Revocation): string {
  const type = revokeType === undefined ? '' : `.${Buffer.from(revokeType).toString('base64url')}`
  return `${revocationPrefix}${kind}/${Buffer.from(name).toString('base64url')}${type}.json`
}

/** An identity as stored in etcd. */
export interface StoredIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
  readonly issuedAtMs: number
  readonly isEnabled: boolean
  readonly parentUser: string | undefined
  readonly groups: readonly string[]
}

/** Encodes an identity exactly as MinIO 2022 does: names, their order, and what is left out. */
export function encodeIdentity(
  credentials: TemporaryCredentials,
  owner: { readonly parentUser: string; readonly groups: readonly string[] },
  nowMs: number,
): string {
  return JSON.stringify({
    version: 1,
    credentials: {
      accessKey: credentials.accessKeyId,
      secretKey: credentials.secretAccessKey,
      expiration: credentials.expirationText,
      sessionToken: credentials.sessionToken,
      status: 'on',
      parentUser: owner.parentUser,
      groups: owner.groups.length === 0 ? undefined : owner.groups,
    },
    updatedAt: new Date(nowMs).toISOString(),
  })
}

/** Reads an identity of any version of MinIO (that of 2018 is flat); undefined for anything else. */
export function decodeIdentity(text: string): StoredIdentity | undefined {
  const document = parseJsonObject(text)
  if (document === undefined) return undefined
  const credentials = isObject(document['credentials']) ? document['credentials'] : document
  const accessKeyId = readString(credentials, 'accessKey')
  const secretAccessKey = readString(credentials, 'secretKey')
  const sessionToken = readString(credentials, 'sessionToken')
  const expiresAtMs = readInstant(credentials, 'expiration')
  if (
    accessKeyId === undefined ||
    secretAccessKey === undefined ||
    secretAccessKey === '' ||
    sessionToken === undefined ||
    sessionToken === '' ||
    expiresAtMs === undefined
  )
    return undefined
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiresAtMs,
    issuedAtMs: readInstant(document, 'updatedAt') ?? 0,
    isEnabled: /^(on|enabled)$/.test(readString(credentials, 'status') ?? ''),
    parentUser: readString(credentials, 'parentUser'),
    groups: readStrings(credentials, 'groups'),
  }
}

export function encodeMapping(policyNames: readonly string[], nowMs: number): string {
  const updatedAt = new Date(nowMs).toISOString()
  return JSON.stringify({ version: 1, policy: policyNames.join(','), updatedAt })
}

export function decodeMapping(text: string): string[] | undefined {
  const document = parseJsonObject(text)
  const policy = document === undefined ? undefined : readString(document, 'policy')
  return policy === undefined ? undefined : readNames(policy)
}

/** Returns the IAM document as JSON text: the bare document of 2018, or the later one without its wrapper. */
export function decodePolicy(text: string): string | undefined {
  const document = parseJsonObject(text)
  if (document === undefined) return undefined
  return isObject(document['Policy']) ? JSON.stringify(document['Policy']) : text
}

export function encodeRevocation(revocation: Revocation): string {
  return JSON.stringify({ version: 1, ...revocation })
}

export function decodeRevocation(text: string): Revocation | undefined {
  const document = parseJsonObject(text)
  if (document === undefined) return undefined
  const kind = readString(document, 'kind')
  const name = readString(document, 'name')
  const issuedUntilMs = readNumber(document, 'issuedUntilMs')
  const endsAtMs = readNumber(document, 'endsAtMs')
  if ((kind !== 'access-key' && kind !== 'user') || name === undefined) return undefined
  if (issuedUntilMs === undefined || endsAtMs === undefined) return undefined
  return { kind, name, issuedUntilMs, endsAtMs, revokeType: readString(document, 'revokeType') }
}

function readInstant(object: JsonObject, name: string): number | undefined {
  const ms = Date.parse(readString(object, name) ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
