/** Looks up sessions that a MinIO issued, by the identity that it stored. */
import { isSameSecret } from '../../../base/constant-time.ts'
import { readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import type { Principal } from '../principal.ts'
import type { SessionLookup } from '../session-store.ts'
import { readNames } from '../read-names.ts'
import { omitClaims, readSessionPolicy } from '../session-claims.ts'
import type { StoredIdentity } from './iam-records.ts'
import type { SharedState } from './shared-state.ts'

export interface StoredLookup {
  readonly state: SharedState
  readonly nowMs: () => number
  readonly rootAccessKeyId: string
  readonly policyClaim: string
}

/** Looks up a stored session. @param presented `claims` are those of a token that was signed under this root secret; it must also be the stored one. */
export function lookUpStored(
  presented: {
    readonly identity: StoredIdentity
    readonly sessionToken: string | undefined
    readonly claims: JsonObject | undefined
  },
  context: StoredLookup,
): SessionLookup {
  const { identity, sessionToken, claims } = presented
  const { secretAccessKey } = identity
  if (sessionToken === undefined || sessionToken === '')
    return { outcome: 'missing-token', secretAccessKey }
  if (claims === undefined || !isSameSecret(sessionToken, identity.sessionToken))
    return { outcome: 'wrong-token', secretAccessKey }
  const principal = toPrincipal(identity, claims, context)
  const { revocations } = context.state
  const isRevoked =
    revocations.isRevoked(principal) ||
    // By the parent that MinIO stored, which the claims may lack.
    revocations.isRevoked({ ...principal, subject: identity.parentUser ?? '' })
  // The sessions of a user that `mc admin` disabled are disabled too.
  const owner = context.state.accounts.find(identity.parentUser ?? '')
  if (isRevoked || !identity.isEnabled || owner?.isEnabled === false) return { outcome: 'revoked' }
  if (context.nowMs() >= (principal.expiresAtMs ?? 0)) return { outcome: 'expired' }
  return { outcome: 'found', principal, secretAccessKey }
}

/** Returns when a token expires by its claims, in milliseconds; 0 if they do not say. */
export function readEndMs(claims: JsonObject): number {
  return (readNumber(claims, 'exp') ?? 0) * 1000
}

/** Claims that conditions of policies cannot refer to. */
const internalClaims = new Set(['accessKey', 'sessionPolicy'])

function toPrincipal(
  identity: StoredIdentity,
  claims: JsonObject,
  context: StoredLookup,
): Principal {
  const parent = identity.parentUser ?? readString(claims, 'parent') ?? ''
  const named = readString(claims, 'sub') ?? readString(claims, 'ldapUsername') ?? parent
  return {
    kind: 'session',
    accessKey: identity.accessKeyId,
    subject: named === '' ? identity.accessKeyId : named,
    claims: omitClaims(claims, internalClaims),
    policyNames: findPolicyNames({ identity, claims, parent }, context),
    sessionPolicy: readSessionPolicy(claims),
    // A MinIO stores the groups of LDAP users; an identity provider's groups are in the token (docs/wire.md §5.2).
    groups: identity.groups.length > 0 ? identity.groups : readNames(claims['groups']),
    expiresAtMs: Math.min(identity.expiresAtMs, readEndMs(claims)),
    issuedAtMs: identity.issuedAtMs,
  }
}

/** Returns the policies that MinIO 2022 finds for the identity (docs/wire.md §9.3): those mapped to its owner and groups, else those of its policy claim. */
function findPolicyNames(
  owner: { identity: StoredIdentity; claims: JsonObject; parent: string },
  { state, rootAccessKeyId, policyClaim }: StoredLookup,
): string[] {
  const { identity, claims, parent } = owner
  if (parent === rootAccessKeyId) return ['consoleAdmin']
  // The policies of a role are settings of the MinIO that issued the credentials. They are not known here, so that nothing is allowed.
  if (Object.hasOwn(claims, 'roleArn')) return []
  const mapped = [
    state.findMapping('sts-users', parent) ?? state.findMapping('users', parent),
    ...[...identity.groups, ...state.accounts.findGroups(parent)].map((group) =>
      state.findMapping('groups', group),
    ),
  ].flatMap((mapping) => mapping?.policyNames ?? [])
  if (mapped.length > 0) return [...new Set(mapped)]
  return readNames(claims[policyClaim])
}
