/** Canned ACLs (AWS, "Access control list (ACL) overview"). */
import { AwsError } from '../../../protocol/aws-error.ts'
import { invalidArgument } from './errors.ts'
import { ownerId } from './owner.ts'

/** They grant nothing to anybody but the owner of the bucket and its objects, which is one account here. */
const owners: ReadonlySet<string> = new Set([
  'private',
  'bucket-owner-read',
  'bucket-owner-full-control',
])
/** They grant something to others. */
const others: ReadonlySet<string> = new Set(
  'public-read public-read-write authenticated-read aws-exec-read log-delivery-write'.split(' '),
)

/** Requires a canned ACL that S3 has. @throws {AwsError} `InvalidArgument`, with the details that AWS gives. */
export function requireCannedAcl(value: string): void {
  if (owners.has(value) || others.has(value)) return
  const known = [...owners, ...others].join(', ')
  throw invalidArgument({ name: 'x-amz-acl', value }, `x-amz-acl must be one of ${known}`)
}

/** Returns whether a canned ACL gives something to everybody, or to all who have an account at AWS. */
export function isPublicAcl(value: string): boolean {
  return /^(public-read|public-read-write|authenticated-read)$/.test(value)
}

const grantPrefix = 'x-amz-grant-'
const grants: ReadonlySet<string> = new Set(
  ['full-control', 'read', 'read-acp', 'write', 'write-acp'].map((name) => grantPrefix + name),
)

/** Returns the headers of a request that grant a right. */
export function listGrantHeaders(headers: ReadonlyMap<string, string>): string[] {
  return [...headers.keys()].filter((name) => name.startsWith(grantPrefix))
}

/**
 * Requires that the headers `x-amz-grant-…` name only the owner, who has all rights anyway. A grant names somebody, so ignoring another one would be
 * wrong. MinIO ignores it; AWS refuses it in a bucket without ACLs.
 *
 * @throws {AwsError} `AccessControlListNotSupported` for a grant to somebody else; `InvalidArgument` for one that cannot be read, and `InvalidRequest` for one
 *   besides a canned ACL (AWS, "PutObjectAcl").
 */
export function requireOwnersGrants(headers: ReadonlyMap<string, string>): void {
  const names = listGrantHeaders(headers)
  if (names.length === 0) return
  if (headers.has('x-amz-acl'))
    throw new AwsError(
      'InvalidRequest',
      'Specifying both Canned ACLs and Header Grants is not allowed',
    )
  for (const name of names)
    for (const grantee of (headers.get(name) ?? '').split(',')) {
      const [, kind, id] = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*)"?\s*$/.exec(grantee) ?? []
      if (kind === undefined || !grants.has(name))
        throw invalidArgument({ name, value: headers.get(name) }, `${name} cannot be read`)
      if (kind !== 'id' || id !== ownerId) throw aclNotSupported()
    }
}

/** Returns whether a canned ACL says only what is so here anyway: that the owner has all rights. */
export function isOwnersAcl(value: string): boolean {
  return owners.has(value)
}

/** Returns the error for an ACL that would give somebody a right: AWS's for a bucket without ACLs ("Controlling ownership of objects"). */
export function aclNotSupported(): AwsError {
  return new AwsError(
    'AccessControlListNotSupported',
    'only policies give access here: an ACL cannot give anybody a right',
  )
}
