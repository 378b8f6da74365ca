/**
 * Sessions that are shared through etcd. They are issued as derived sessions, which work without etcd, and written as a MinIO writes its own, so
 * that a MinIO with the same root secret accepts them. Sessions that a MinIO wrote are accepted here.
 */
import { isSameSecret } from '../../../base/constant-time.ts'
import type { Log } from '../../../base/log.ts'
import type { JsonObject } from '../../../base/parse.ts'
import type { ServiceTls } from '../../../base/http/line-stream.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../../protocol/credentials.ts'
import {
  isAccessKeyOfSession,
  lookUpDerived,
  tooManyRevocations,
  toRevocation,
} from '../derived-sessions.ts'
import type {
  RevocationTarget,
  SessionLookup,
  SessionRequest,
  SessionStore,
} from '../session-store.ts'
import { isOwnToken } from '../session-claims.ts'
import { createSessionTokens, findParentUser, type SessionTokens } from '../session-tokens.ts'
import { createEtcdClient, type EtcdClient } from './etcd-client.ts'
import { followStore } from './follow-store.ts'
import {
  encodeIdentity,
  encodeMapping,
  encodeRevocation,
  identityKey,
  mappingKey,
  revocationKey,
  type StoredIdentity,
} from './iam-records.ts'
import type { StoredAccount } from './iam-accounts.ts'
import { lookUpAccount, type AccountLookup } from './look-up-account.ts'
import { lookUpStored, readEndMs } from './look-up-stored.ts'
import { purgeIdentities } from './purge-identities.ts'
import type { LeasedWrite } from './shared-leases.ts'
import { createSharedState } from './shared-state.ts'
import { createWriteQueue, type WriteQueue } from './write-queue.ts'

/** Addresses of etcd, and how to authenticate there. */
export interface EtcdOptions {
  /** Origins of its members' client URLs. */
  readonly endpoints: readonly string[]
  /** Prefix of every key; empty for none. */
  readonly keyPrefix: string
  readonly tls: ServiceTls
  readonly user: { readonly name: string; readonly password: string } | undefined
}

export interface EtcdSessionsOptions {
  readonly etcd: EtcdOptions
  readonly rootAccessKeyId: string
  readonly rootSecret: string
  readonly policyClaim: string
  readonly nowMs: () => number
  readonly log: Log
  readonly onPolicy: (name: string, text: string | undefined) => void
  /** How long a request waits for etcd; 2000 if left out. */
  readonly limitMs?: number | undefined
  /** 500 if left out. */
  readonly heartbeatMs?: number | undefined
}

/** The parts of the store. */
interface EtcdSessionsContext extends AccountLookup {
  readonly tokens: SessionTokens
  readonly client: EtcdClient
  readonly queue: WriteQueue
  readonly keyPrefix: string
  readonly log: Log
}

/**
 * Opens the store, and reads everything from etcd first.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE`, `ERR_REFUSED` or `ERR_PROTOCOL` naming the etcd and what is wrong; nothing is left open.
 */
export async function openEtcdSessions(options: EtcdSessionsOptions): Promise<SessionStore> {
  const { nowMs, log, limitMs = 2000, heartbeatMs = 500, onPolicy } = options
  const { keyPrefix } = options.etcd
  const tokens = createSessionTokens(options)
  // Identities of derived sessions need not be stored, as their token has everything. Those under another root secret are not accepted.
  const isStored = ({ accessKeyId, secretAccessKey, sessionToken }: StoredIdentity): boolean =>
    !isSameSecret(secretAccessKey, tokens.deriveSecret(accessKeyId)) &&
    tokens.read(sessionToken, accessKeyId) !== undefined
  const readClaims = ({ token, accessKeyId }: StoredAccount): JsonObject | undefined =>
    tokens.read(token, accessKeyId)
  const isAccepted = (account: StoredAccount): boolean =>
    account.kind === 'users' || readClaims(account) !== undefined
  const state = createSharedState({ keyPrefix, nowMs, log, isStored, isAccepted, onPolicy })
  const client = createEtcdClient({ ...options.etcd, limitMs })
  const queue = createWriteQueue({ client, nowMs, log, limitMs })
  const onAlive = (): void => queue.resume()
  const follow = { client, state, keyPrefix, log, heartbeatMs, onAlive }
  const following = await followStore(follow).catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  const { rootAccessKeyId, policyClaim } = options
  const context = {
    rootAccessKeyId,
    policyClaim,
    keyPrefix,
    tokens,
    readClaims,
    state,
    client,
    queue,
    nowMs,
    log,
  }

  return {
    async issue(request) {
      const credentials = tokens.issue(request)
      await queue.write(toWrites(credentials, request, context))
      return credentials
    },
    lookUp: (accessKeyId, sessionToken) => lookUp(accessKeyId, sessionToken, context),
    revoke: (target) => revoke(target, context),
    async checkReady() {
      return following.isCurrent && queue.isWriting
    },
    async close() {
      await following.close()
      await queue.close()
      await client.close()
    },
  }
}

/** Looks up accounts of `mc admin` by their keys, a MinIO's sessions by the identity, and all others by their token. */
async function lookUp(
  accessKeyId: string,
  sessionToken: string | undefined,
  context: EtcdSessionsContext,
): Promise<SessionLookup> {
  const { tokens, state, nowMs } = context
  const account = state.accounts.find(accessKeyId)
  if (account !== undefined) return lookUpAccount(account, sessionToken, context)
  if (!isAccessKeyOfSession(accessKeyId)) return { outcome: 'unknown' }
  const claims = sessionToken === undefined ? undefined : tokens.read(sessionToken, accessKeyId)
  let identity = state.identities.get(accessKeyId)
  // Only a token that a MinIO has signed leads to a request to etcd: a stranger cannot cause one.
  if (identity === undefined && claims !== undefined && !isOwnToken(claims)) {
    if (nowMs() >= readEndMs(claims)) return { outcome: 'expired' }
    identity = await readIdentity(accessKeyId, context)
    if (identity === undefined) return { outcome: 'unknown' }
  }
  if (identity !== undefined) return lookUpStored({ identity, sessionToken, claims }, context)
  const { revocations } = state
  return lookUpDerived({ accessKeyId, sessionToken, claims }, { tokens, revocations, nowMs })
}

/** Reads an identity that was written a moment ago, or one that is no longer in memory. */
async function readIdentity(
  accessKeyId: string,
  { client, state, keyPrefix }: EtcdSessionsContext,
): Promise<StoredIdentity | undefined> {
  try {
    const page = await client.readKey(keyPrefix + identityKey(accessKeyId))
    for (const entry of page.entries) state.apply(entry)
  } catch (cause) {
    throw new AwsError(
      'ServiceUnavailable',
      'the credentials were issued elsewhere and etcd does not answer; try again',
      { cause },
    )
  }
  return state.identities.get(accessKeyId)
}

async function revoke(target: RevocationTarget, context: EtcdSessionsContext): Promise<void> {
  const { state, queue, keyPrefix, tokens } = context
  const revocation = toRevocation(target, context.nowMs())
  // On this server it applies at once, even if writing it fails.
  if (!state.revocations.add(revocation)) throw tooManyRevocations()
  const record = {
    key: keyPrefix + revocationKey(revocation),
    value: encodeRevocation(revocation),
    endsAtMs: revocation.endsAtMs,
  }
  if (!(await queue.write([record]))) {
    throw new AwsError(
      'ServiceUnavailable',
      'revoked on this server; the others will see it when etcd answers again',
    )
  }
  // A MinIO accepts a session as long as its identity is there. Finding those of a user may take longer than a request should.
  void purgeIdentities(revocation, {
    ...context,
    readClaims: ({ sessionToken, accessKeyId }) => tokens.read(sessionToken, accessKeyId),
  })
}

/** Returns the identity, and the mapping of its owner to policies if it is missing or would expire too early. */
function toWrites(
  credentials: TemporaryCredentials,
  request: SessionRequest,
  { keyPrefix, rootAccessKeyId, state, queue, nowMs }: EtcdSessionsContext,
): LeasedWrite[] {
  const parentUser = findParentUser(request)
  const endsAtMs = credentials.expiration.getTime()
  const identity = {
    key: keyPrefix + identityKey(credentials.accessKeyId),
    value: encodeIdentity(credentials, { parentUser, groups: findStoredGroups(request) }, nowMs()),
    endsAtMs,
  }
  if (parentUser === rootAccessKeyId || request.policyNames.length === 0) return [identity]
  const present = state.findMapping('sts-users', parentUser)
  const presentEndMs = present === undefined ? 0 : (queue.findLeaseEndMs(present.lease) ?? 0)
  const isSamePolicy = present?.policyNames.join(',') === request.policyNames.join(',')
  if (isSamePolicy && presentEndMs >= endsAtMs) return [identity]
  const mapping = {
    key: keyPrefix + mappingKey(parentUser),
    value: encodeMapping(request.policyNames, nowMs()),
    // A short session must not end the rights of a longer one.
    endsAtMs: Math.max(endsAtMs, presentEndMs),
  }
  return [identity, mapping]
}

/**
 * Returns the groups to store with an identity: those of an LDAP user, as MinIO does (docs/wire.md §2.4). For other users MinIO looks up each
 * group among its own and denies everything if one is missing; their groups are in the token only.
 */
function findStoredGroups({ claims, groups }: SessionRequest): readonly string[] {
  return typeof claims['ldapUser'] === 'string' ? groups : []
}
