/**
 * Sessions that are shared: issued as the derived ones are, so that they outlive any outage, and written to etcd as a MinIO writes its own,
 * so that one with the same root secret accepts them; and what a MinIO issued there is accepted here.
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

/** Where the etcd is and how it knows us. */
export interface EtcdOptions {
  /** Origins of its members' client addresses. */
  readonly endpoints: readonly string[]
  /** Before every key; empty for none. */
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
  /** What a request may wait for etcd; 2000 when left out. */
  readonly limitMs?: number | undefined
  /** 500 when left out. */
  readonly heartbeatMs?: number | undefined
}

/** What the store's parts share. */
interface Parts extends AccountLookup {
  readonly tokens: SessionTokens
  readonly client: EtcdClient
  readonly queue: WriteQueue
  readonly keyPrefix: string
  readonly log: Log
}

/**
 * Opens the store: everything is read before it answers.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE`, `ERR_REFUSED` or `ERR_PROTOCOL` saying what is wrong with which etcd; nothing is left open.
 */
export async function openEtcdSessions(options: EtcdSessionsOptions): Promise<SessionStore> {
  const { nowMs, log, limitMs = 2000, heartbeatMs = 500, onPolicy } = options
  const { keyPrefix } = options.etcd
  const tokens = createSessionTokens(options)
  // Of our own, the token says all; one under another root secret is a stranger's, as its MinIO would find ours.
  const isKept = ({ accessKeyId, secretAccessKey, sessionToken }: StoredIdentity): boolean =>
    !isSameSecret(secretAccessKey, tokens.deriveSecret(accessKeyId)) &&
    tokens.read(sessionToken, accessKeyId) !== undefined
  const readClaims = ({ token, accessKeyId }: StoredAccount): JsonObject | undefined =>
    tokens.read(token, accessKeyId)
  const isOurs = (account: StoredAccount): boolean =>
    account.kind === 'users' || readClaims(account) !== undefined
  const state = createSharedState({ keyPrefix, nowMs, log, isKept, isOurs, onPolicy })
  const client = createEtcdClient({ ...options.etcd, limitMs })
  const queue = createWriteQueue({ client, nowMs, log, limitMs })
  const onAlive = (): void => queue.resume()
  const follow = { client, state, keyPrefix, log, heartbeatMs, onAlive }
  const following = await followStore(follow).catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  const { rootAccessKeyId, policyClaim } = options
  const parts = {
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
      await queue.write(toWrites(credentials, request, parts))
      return credentials
    },
    lookUp: (accessKeyId, sessionToken) => lookUp(accessKeyId, sessionToken, parts),
    revoke: (target) => revoke(target, parts),
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

/** An account of `mc admin` by its keys, a MinIO's session by its identity, all others by what their token says. */
async function lookUp(
  accessKeyId: string,
  sessionToken: string | undefined,
  parts: Parts,
): Promise<SessionLookup> {
  const { tokens, state, nowMs } = parts
  const account = state.accounts.find(accessKeyId)
  if (account !== undefined) return lookUpAccount(account, sessionToken, parts)
  if (!isAccessKeyOfSession(accessKeyId)) return { outcome: 'unknown' }
  const claims = sessionToken === undefined ? undefined : tokens.read(sessionToken, accessKeyId)
  let identity = state.identities.get(accessKeyId)
  // Only a token that was proved to be a MinIO's makes us ask: a stranger cannot.
  if (identity === undefined && claims !== undefined && !isOwnToken(claims)) {
    if (nowMs() >= readEndMs(claims)) return { outcome: 'expired' }
    identity = await readIdentity(accessKeyId, parts)
    if (identity === undefined) return { outcome: 'unknown' }
  }
  if (identity !== undefined) return lookUpStored({ identity, sessionToken, claims }, parts)
  const { revocations } = state
  return lookUpDerived({ accessKeyId, sessionToken, claims }, { tokens, revocations, nowMs })
}

/** What was issued elsewhere a moment ago, or too long ago to be held here. */
async function readIdentity(
  accessKeyId: string,
  { client, state, keyPrefix }: Parts,
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

async function revoke(target: RevocationTarget, parts: Parts): Promise<void> {
  const { state, queue, keyPrefix, tokens } = parts
  const revocation = toRevocation(target, parts.nowMs())
  // Here at once, whatever becomes of the rest.
  if (!state.revocations.add(revocation)) throw tooManyRevocations()
  const record = {
    key: keyPrefix + revocationKey(revocation),
    value: encodeRevocation(revocation),
    endsAtMs: revocation.endsAtMs,
  }
  if (!(await queue.write([record]))) {
    throw new AwsError(
      'ServiceUnavailable',
      'revoked on this server; the others will learn of it when etcd answers again',
    )
  }
  // A MinIO knows a session by its identity alone. Looking for a user's may take longer than a request should.
  void purgeIdentities(revocation, {
    ...parts,
    readClaims: ({ sessionToken, accessKeyId }) => tokens.read(sessionToken, accessKeyId),
  })
}

/** The identity, and the mapping of its owner to policies where that is not there or would end too early. */
function toWrites(
  credentials: TemporaryCredentials,
  request: SessionRequest,
  { keyPrefix, rootAccessKeyId, state, queue, nowMs }: Parts,
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
    // A short login must not end the rights of a longer one.
    endsAtMs: Math.max(endsAtMs, presentEndMs),
  }
  return [identity, mapping]
}

/**
 * The groups that a MinIO stores with an identity: those of a directory's user (docs/wire.md §2.4). For any other it looks each of them up among its
 * own groups, and refuses everything where one is not there; ours are in the token.
 */
function findStoredGroups({ claims, groups }: SessionRequest): readonly string[] {
  return typeof claims['ldapUser'] === 'string' ? groups : []
}
