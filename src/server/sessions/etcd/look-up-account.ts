/** Looks up users and service accounts that `mc admin` created in the same etcd, with the rights that a MinIO gives them (docs/wire.md §9.3). */
import { readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import type { SessionLookup } from '../session-store.ts'
import { omitClaims, readSessionPolicy } from '../session-claims.ts'
import type { StoredAccount } from './iam-accounts.ts'
import type { StoredLookup } from './look-up-stored.ts'

export interface AccountLookup extends StoredLookup {
  /** Returns the claims of the account's token if it belongs to the access key and was signed under this root secret. */
  readonly readClaims: (account: StoredAccount) => JsonObject | undefined
}

/**
 * Looks up an account. The outcome is `disabled` for a disabled account, and for one of a disabled user.
 *
 * @throws {AwsError} `ServiceUnavailable` while a group in etcd cannot be read; see `AccountState`.
 */
export function lookUpAccount(
  account: StoredAccount,
  sessionToken: string | undefined,
  context: AccountLookup,
): SessionLookup {
  const { accessKeyId, secretAccessKey, parentUser } = account
  const { state, nowMs, readClaims, rootAccessKeyId } = context
  // These accounts have no session token; one beside their keys is a mistake or an attack, as with root.
  if (sessionToken !== undefined && sessionToken !== '')
    return { outcome: 'wrong-token', secretAccessKey }
  const claims = account.kind === 'users' ? {} : readClaims(account)
  if (claims === undefined || !isKnownForm(account, claims)) return { outcome: 'unknown' }
  const owner = account.kind === 'users' ? account : state.accounts.find(parentUser)
  if (!account.isEnabled || owner?.isEnabled === false)
    return { outcome: 'disabled', secretAccessKey }
  if (state.revocations.hasAccessKey(accessKeyId)) return { outcome: 'revoked' }
  const ends = [account.expiresAtMs, owner?.expiresAtMs, readEnd(claims)]
  const expiresAtMs = Math.min(...ends.map((end) => end ?? Number.POSITIVE_INFINITY))
  if (nowMs() >= expiresAtMs) return { outcome: 'expired' }
  const name = account.kind === 'users' ? accessKeyId : parentUser
  const isInternal = owner?.kind === 'users'
  const groups = isInternal ? state.accounts.findGroups(name) : account.groups
  const mappings = [
    state.findMapping(isInternal ? 'users' : 'sts-users', name),
    ...groups.map((group) => state.findMapping('groups', group)),
  ]
  const mapped = mappings.flatMap((mapping) => mapping?.policyNames ?? [])
  return {
    outcome: 'found',
    secretAccessKey,
    principal: {
      kind: 'session',
      accessKey: accessKeyId,
      subject: name,
      claims: omitClaims(claims, internalClaims),
      policyNames: name === rootAccessKeyId ? ['consoleAdmin'] : [...new Set(mapped)],
      sessionPolicy: readSessionPolicy(claims),
      groups,
      expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
      issuedAtMs: account.issuedAtMs,
    },
  }
}

/** Returns whether a service account inherits its parent's rights, or has a session policy that limits them: the two forms that MinIO writes. */
function isKnownForm({ kind, parentUser }: StoredAccount, claims: JsonObject): boolean {
  if (kind === 'users') return true
  const hasPolicy = Object.hasOwn(claims, 'sessionPolicy')
  const rights = readString(claims, 'sa-policy')
  return (
    readString(claims, 'parent') === parentUser &&
    ((rights === 'inherited-policy' && !hasPolicy) || (rights === 'embedded-policy' && hasPolicy))
  )
}

/** Claims that conditions of policies cannot refer to. */
const internalClaims = new Set(['accessKey', 'sessionPolicy', 'sa-policy'])

function readEnd(claims: JsonObject): number | undefined {
  const exp = readNumber(claims, 'exp') ?? 0
  return exp > 0 ? exp * 1000 : undefined
}
