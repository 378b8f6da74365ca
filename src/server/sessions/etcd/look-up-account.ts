/** A user or a service account that `mc admin` made in the same etcd, with the rights that a MinIO would give it (docs/wire.md §9.3). */
import { readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import type { SessionLookup } from '../session-store.ts'
import { readSessionPolicy } from '../session-claims.ts'
import type { StoredAccount } from './iam-accounts.ts'
import type { StoredLookup } from './look-up-stored.ts'

export interface AccountLookup extends StoredLookup {
  /** The claims of a token that is the access key's and was signed under our root secret. */
  readonly readClaims: (account: StoredAccount) => JsonObject | undefined
}

/**
 * Looks up an account whose keys were presented; disabled ones, and those of a disabled user, are `disabled`.
 *
 * @throws {AwsError} `ServiceUnavailable` while a group in etcd cannot be read: see `AccountState`.
 */
export function lookUpAccount(
  account: StoredAccount,
  sessionToken: string | undefined,
  context: AccountLookup,
): SessionLookup {
  const { accessKeyId, secretAccessKey, parentUser } = account
  const { state, nowMs, readClaims, rootAccessKeyId } = context
  // Their keys are all that there is: a token beside them is a mix-up at best, as it is with root's.
  if (sessionToken !== undefined && sessionToken !== '')
    return { outcome: 'wrong-token', secretAccessKey }
  const claims = account.kind === 'users' ? {} : readClaims(account)
  if (claims === undefined || !isUnderstood(account, claims)) return { outcome: 'unknown' }
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
      claims: pickClaims(claims),
      policyNames: name === rootAccessKeyId ? ['consoleAdmin'] : [...new Set(mapped)],
      sessionPolicy: readSessionPolicy(claims),
      groups,
      expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
      issuedAtMs: account.issuedAtMs,
    },
  }
}

/** A service account either has its parent's rights, or those that a policy of its own leaves of them. */
function isUnderstood({ kind, parentUser }: StoredAccount, claims: JsonObject): boolean {
  if (kind === 'users') return true
  const hasPolicy = Object.hasOwn(claims, 'sessionPolicy')
  const rights = readString(claims, 'sa-policy')
  return (
    readString(claims, 'parent') === parentUser &&
    ((rights === 'inherited-policy' && !hasPolicy) || (rights === 'embedded-policy' && hasPolicy))
  )
}

/** What policies may ask about: of a directory's user its names, for instance. */
function pickClaims(claims: JsonObject): JsonObject {
  const inner = new Set(['accessKey', 'sessionPolicy', 'sa-policy'])
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !inner.has(name)))
}

function readEnd(claims: JsonObject): number | undefined {
  const exp = readNumber(claims, 'exp') ?? 0
  return exp > 0 ? exp * 1000 : undefined
}
