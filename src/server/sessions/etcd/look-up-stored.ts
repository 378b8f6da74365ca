/** A session that a MinIO issued, from the identity it stored. */
import { isSameSecret } from '../../../base/constant-time.ts'
import { readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import type { Principal } from '../principal.ts'
import type { SessionLookup } from '../session-store.ts'
import { readNames } from '../read-names.ts'
import { readSessionPolicy } from '../session-claims.ts'
import type { StoredIdentity } from './iam-records.ts'
import type { SharedState } from './shared-state.ts'

export interface StoredLookup {
  readonly state: SharedState
  readonly nowMs: () => number
  readonly rootAccessKeyId: string
  readonly policyClaim: string
}

/** Looks up what a MinIO stored. Its token must be the one stored, and signed under our root secret: `claims` are of such a token. */
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
    // By MinIO's own name of the parent, which the claims may not give.
    revocations.isRevoked({ ...principal, subject: identity.parentUser ?? '' })
  // A user whom `mc admin` disabled has no sessions either.
  const owner = context.state.accounts.find(identity.parentUser ?? '')
  if (isRevoked || !identity.isEnabled || owner?.isEnabled === false) return { outcome: 'revoked' }
  if (context.nowMs() >= (principal.expiresAtMs ?? 0)) return { outcome: 'expired' }
  return { outcome: 'found', principal, secretAccessKey }
}

/** The instant a token's claims give as its end; the epoch where they give none. */
export function readEndMs(claims: JsonObject): number {
  return (readNumber(claims, 'exp') ?? 0) * 1000
}

function toPrincipal(
  identity: StoredIdentity,
  claims: JsonObject,
  context: StoredLookup,
): Principal {
  const parent = identity.parentUser ?? readString(claims, 'parent') ?? ''
  const named = readString(claims, 'sub') ?? readString(claims, 'ldapUsername') ?? parent
  const inner = new Set(['accessKey', 'sessionPolicy'])
  return {
    kind: 'session',
    accessKey: identity.accessKeyId,
    subject: named === '' ? identity.accessKeyId : named,
    claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !inner.has(name))),
    policyNames: findPolicyNames({ identity, claims, parent }, context),
    sessionPolicy: readSessionPolicy(claims),
    // A MinIO stores the groups of a directory's users; an identity provider's are in the token (docs/wire.md §5.2).
    groups: identity.groups.length > 0 ? identity.groups : readNames(claims['groups']),
    expiresAtMs: Math.min(identity.expiresAtMs, readEndMs(claims)),
    issuedAtMs: identity.issuedAtMs,
  }
}

/** What MinIO 2022 finds for the same identity (docs/wire.md §9.3): the mapping of its owner and groups, else its policy claim. */
function findPolicyNames(
  owner: { identity: StoredIdentity; claims: JsonObject; parent: string },
  { state, rootAccessKeyId, policyClaim }: StoredLookup,
): string[] {
  const { identity, claims, parent } = owner
  if (parent === rootAccessKeyId) return ['consoleAdmin']
  // Role policies are settings of the MinIO that issued it; we do not have them, so it may do nothing here.
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
