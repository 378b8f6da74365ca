import { readString } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { Query } from '../../protocol/query.ts'
import type { Principal } from '../sessions/principal.ts'
import type { RevocationTarget } from '../sessions/session-store.ts'
import { findParentUser } from '../sessions/session-tokens.ts'

/** The limit for each parameter. The longest is an LDAP user's distinguished name. */
const maxNameLength = 2048

/**
 * Returns the sessions that a `revoke-tokens` query selects (docs/wire.md §1.6): those of `user`, or else the caller's own, limited to one
 * `tokenRevokeType` unless `fullRevoke=true`. This server adds `accessKey`, which selects one session, for a logout. MinIO ignores
 * `accessKey` and then rejects the request.
 *
 * @returns `isOwn` is true when all of the sessions are the caller's own.
 * @throws {AwsError} `InvalidRequest` or `InvalidArgument`, which names the parameters that contradict each other or are wrong.
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
