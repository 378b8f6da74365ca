import type { Log } from '../../../base/log.ts'
import { readString, type JsonObject } from '../../../base/parse.ts'
import type { Revocation } from '../revocations.ts'
import type { EtcdClient } from './etcd-client.ts'
import { decodeIdentity, identityKey, identityPrefix, type StoredIdentity } from './iam-records.ts'
import type { WriteQueue } from './write-queue.ts'

export interface PurgeContext {
  readonly client: EtcdClient
  readonly queue: WriteQueue
  readonly keyPrefix: string
  readonly log: Log
  /** Returns the claims of an identity's token, if its signature is valid. */
  readonly readClaims: (identity: StoredIdentity) => JsonObject | undefined
}

const pageSize = 32

/**
 * Deletes the revoked identities, so that a MinIO on the same etcd refuses them too. A failure is logged: servers of this program read the
 * revocation itself.
 */
export async function purgeIdentities(
  revocation: Revocation,
  context: PurgeContext,
): Promise<void> {
  const { client, queue, keyPrefix, log } = context
  const remove = (key: string): Promise<boolean> =>
    queue.write([{ key, value: undefined, endsAtMs: revocation.endsAtMs }])
  try {
    if (revocation.kind === 'access-key') {
      await remove(keyPrefix + identityKey(revocation.name))
      return
    }
    const prefix = keyPrefix + identityPrefix
    let afterKey: string | undefined
    for (;;) {
      const page = await client.readPrefix({ prefix, afterKey, limit: pageSize })
      const revoked = page.entries.filter(({ value }) => isRevoked(value, revocation, context))
      await Promise.all(revoked.map(({ key }) => remove(key)))
      afterKey = page.entries.at(-1)?.key
      if (!page.hasMore || afterKey === undefined) return
    }
  } catch (error) {
    log.warn(
      { reason: String(error) },
      'a MinIO on the same etcd may go on accepting what was revoked',
    )
  }
}

function isRevoked(
  value: Buffer | undefined,
  { name, revokeType, issuedUntilMs }: Revocation,
  { readClaims }: PurgeContext,
): boolean {
  const identity = value === undefined ? undefined : decodeIdentity(value.toString('utf8'))
  if (identity === undefined || identity.issuedAtMs > issuedUntilMs) return false
  const claims = readClaims(identity) ?? {}
  if (identity.parentUser !== name && readString(claims, 'sub') !== name) return false
  return revokeType === undefined || readString(claims, 'tokenRevokeType') === revokeType
}
