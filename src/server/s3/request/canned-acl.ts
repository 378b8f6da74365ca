/** Canned ACLs (AWS, "Access control list (ACL) overview"). */
import { AwsError } from '../../../protocol/aws-error.ts'
import { invalidArgument } from './errors.ts'

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
