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
  /** What an identity's token says, where it is proved to be one. */
  readonly readClaims: (identity: StoredIdentity) => JsonObject | undefined
}

const pageSize = 32

/**
 * Deletes the identities that a revocation is about, so that a MinIO on the same etcd refuses them as well. A failure is logged: our own
 * servers go by the revocation.
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
      const meant = page.entries.filter(({ value }) => isMeant(value, revocation, context))
      await Promise.all(meant.map(({ key }) => remove(key)))
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

function isMeant(
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
