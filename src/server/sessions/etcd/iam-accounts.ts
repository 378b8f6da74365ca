/** MinIO's JSON of those whom `mc admin` makes: users, service accounts and groups (docs/wire.md §7.1, 7.2). */
import {
  isObject,
  parseJsonObject,
  readString,
  readStrings,
  type JsonObject,
} from '../../../base/parse.ts'

/** The keys of a user or of a service account; they need no session token. */
export interface StoredAccount {
  readonly kind: AccountKind
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly isEnabled: boolean
  /** Undefined for keys that do not expire. */
  readonly expiresAtMs: number | undefined
  readonly issuedAtMs: number
  /** To whom a service account belongs; empty for a user. */
  readonly parentUser: string
  /** Of a service account whose parent is a directory's user: that user's groups. */
  readonly groups: readonly string[]
  /** What a MinIO keeps of a service account, signed under its root secret; empty for a user. */
  readonly token: string
}

export type AccountKind = 'users' | 'service-accounts'

export interface StoredGroup {
  readonly isEnabled: boolean
  readonly members: readonly string[]
}

/** MinIO's bounds for keys. */
const [minAccessKeyLength, minSecretLength] = [3, 8]

/** Reads the identity of a user or a service account; undefined for anything else, and for one that is not of its kind. */
export function decodeAccount(text: string, kind: AccountKind): StoredAccount | undefined {
  const document = parseJsonObject(text)
  const credentials = document?.['credentials']
  if (document === undefined || !isObject(credentials)) return undefined
  const accessKeyId = readString(credentials, 'accessKey') ?? ''
  const secretAccessKey = readString(credentials, 'secretKey') ?? ''
  const status = readString(credentials, 'status') ?? ''
  const parentUser = readString(credentials, 'parentUser') ?? ''
  const token = readString(credentials, 'sessionToken') ?? ''
  const isOfItsKind =
    kind === 'users' ? parentUser === '' && token === '' : parentUser !== '' && token !== ''
  const isWhole =
    accessKeyId.length >= minAccessKeyLength &&
    secretAccessKey.length >= minSecretLength &&
    /^(on|off|enabled|disabled)$/.test(status)
  const expiresAtMs = readExpiration(credentials)
  if (!isOfItsKind || !isWhole || Number.isNaN(expiresAtMs)) return undefined
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
  // Go writes a list that was never filled as null.
  const members: unknown = document['members'] ?? []
  if (!/^(enabled|disabled)$/.test(status) || !Array.isArray(members)) return undefined
  const names = members.filter((name) => typeof name === 'string')
  return names.length === members.length
    ? { isEnabled: status === 'enabled', members: names }
    : undefined
}

/** Go's zero time and the epoch mean that keys do not expire. NaN for what is no time. */
function readExpiration(credentials: JsonObject): number | undefined {
  if (credentials['expiration'] === undefined) return undefined
  const ms = Date.parse(readString(credentials, 'expiration') ?? '')
  return ms <= 0 ? undefined : ms
}
