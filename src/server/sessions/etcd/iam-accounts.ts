/** Reads MinIO's JSON of users, service accounts and groups, which `mc admin` creates (docs/wire.md §7.1, 7.2). */
import {
  isObject,
  parseJsonObject,
  readString,
  readStrings,
  type JsonObject,
} from '../../../base/parse.ts'

/** A user or a service account, whose keys need no session token. */
export interface StoredAccount {
  readonly kind: AccountKind
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly isEnabled: boolean
  /** Undefined for keys that do not expire. */
  readonly expiresAtMs: number | undefined
  readonly issuedAtMs: number
  /** The owner of a service account; empty for a user. */
  readonly parentUser: string
  /** The groups of the LDAP user who is the parent of a service account. */
  readonly groups: readonly string[]
  /** The token that a MinIO stores with a service account, signed under its root secret; empty for a user. */
  readonly token: string
}

export type AccountKind = 'users' | 'service-accounts'

export interface StoredGroup {
  readonly isEnabled: boolean
  readonly members: readonly string[]
}

/** MinIO's minimum lengths of keys. */
const [minAccessKeyLength, minSecretLength] = [3, 8]

/** Reads the identity of a user or a service account; undefined for anything else, and for one of the other kind. */
export function decodeAccount(text: string, kind: AccountKind): StoredAccount | undefined {
  const document = parseJsonObject(text)
  const credentials = document?.['credentials']
  if (document === undefined || !isObject(credentials)) return undefined
  const accessKeyId = readString(credentials, 'accessKey') ?? ''
  const secretAccessKey = readString(credentials, 'secretKey') ?? ''
  const status = readString(credentials, 'status') ?? ''
  const parentUser = readString(credentials, 'parentUser') ?? ''
  const token = readString(credentials, 'sessionToken') ?? ''
  const isOfKind =
    kind === 'users' ? parentUser === '' && token === '' : parentUser !== '' && token !== ''
  const isWhole =
    accessKeyId.length >= minAccessKeyLength &&
    secretAccessKey.length >= minSecretLength &&
    /^(on|off|enabled|disabled)$/.test(status)
  const expiresAtMs = readExpiration(credentials)
  if (!isOfKind || !isWhole || Number.isNaN(expiresAtMs)) return undefined
  return {
    kind,
    accessKeyId,
    secretAccessKey,
    isEnabled: /^(on|enabled)$/.test(status),
    expiresAtMs,
    issuedAtMs: Date.parse(readString(document, 'updatedAt') ?? '') || 0,
    parentUser,
    groups: readStrings(credentials, 'groups'),
    token,
  }
}

/** Reads a group; undefined for anything else. */
export function decodeGroup(text: string): StoredGroup | undefined {
  const document = parseJsonObject(text)
  if (document === undefined) return undefined
  const status = readString(document, 'status') ?? ''
  // Go writes an empty list as null.
  const members: unknown = document['members'] ?? []
  if (!/^(enabled|disabled)$/.test(status) || !Array.isArray(members)) return undefined
  const names = members.filter((name) => typeof name === 'string')
  return names.length === members.length
    ? { isEnabled: status === 'enabled', members: names }
    : undefined
}

/** Reads the expiration; undefined for keys that do not expire, which Go writes as its zero time or the epoch. NaN for what is not a time. */
function readExpiration(credentials: JsonObject): number | undefined {
  if (credentials['expiration'] === undefined) return undefined
  const ms = Date.parse(readString(credentials, 'expiration') ?? '')
  return ms <= 0 ? undefined : ms
}
