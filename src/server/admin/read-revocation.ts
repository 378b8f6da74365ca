import { readString } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { Query } from '../../protocol/query.ts'
import type { Principal } from '../sessions/principal.ts'
import type { RevocationTarget } from '../sessions/session-store.ts'
import { findParentUser } from '../sessions/session-tokens.ts'

/** An LDAP user's distinguished name is the longest there is. */
const maxNameLength = 2048

/**
 * Returns what the query of `revoke-tokens` asks for (docs/wire.md §1.6): `user`, and `tokenRevokeType` or `fullRevoke=true`; without a user, the
 * caller's own sessions. `accessKey` is an addition of this server: one session, for a logout. MinIO ignores it, and then refuses.
 *
 * @returns `isOwn` says whether it concerns only the caller's own sessions.
 * @throws {AwsError} `InvalidRequest` or `InvalidArgument` naming what does not fit together.
 */
export function readRevocation(
  query: Query,
  caller: Principal,
): { target: RevocationTarget; isOwn: boolean } {
  const [accessKeyId, user] = [readName(query, 'accessKey'), readName(query, 'user')]
  const revokeType = readName(query, 'tokenRevokeType')
  const isFull = query.get('fullRevoke') === 'true'
  if (accessKeyId !== undefined) {
    if (user !== undefined || revokeType !== undefined || isFull)
      throw new AwsError('InvalidRequest', 'accessKey goes with no other parameter')
    if (!/^[A-Z0-9]{20}$/.test(accessKeyId))
      throw new AwsError('InvalidArgument', 'accessKey is not the access key of a session')
    return { target: { accessKeyId }, isOwn: accessKeyId === caller.accessKey }
  }
  if (isFull && revokeType !== undefined)
    throw new AwsError('InvalidRequest', 'tokenRevokeType and fullRevoke exclude each other')
  if (user !== undefined) {
    if (!isFull && revokeType === undefined)
      throw new AwsError('InvalidRequest', 'user needs tokenRevokeType or fullRevoke=true')
    const isOwn = user === findParentUser(caller)
    return { target: { user, revokeType }, isOwn }
  }
  const ownType = isFull ? undefined : (revokeType ?? readString(caller.claims, 'tokenRevokeType'))
  if (!isFull && ownType === undefined)
    throw new AwsError(
      'InvalidArgument',
      'these credentials have no revoke type; say tokenRevokeType, fullRevoke=true or accessKey',
    )
  return { target: { user: findParentUser(caller), revokeType: ownType }, isOwn: true }
}

function readName(query: Query, name: string): string | undefined {
  const value = query.get(name)
  if (value === undefined || value === '') return undefined
  if (value.length > maxNameLength)
    throw new AwsError('InvalidArgument', `${name} is longer than ${maxNameLength} characters`)
  return value
}
