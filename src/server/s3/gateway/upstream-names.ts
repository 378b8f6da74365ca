/** Names that can be sent to an upstream S3 so that it reads what was judged, however strictly or loosely it reads. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { Address } from '../request/address.ts'
import { requireLegacyBucketName } from '../request/names.ts'
import { authorize, type S3Request } from '../request/s3-operation.ts'

/** How the upstream is told the bucket: in the path, or as the first label of the host. */
export type AddressingStyle = 'path' | 'virtual-host'

/** One label of a host name (RFC 1123 §2.1), as long as a bucket name. */
const hostLabel = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/
/** AWS gives these names to access points, never to buckets («Bucket naming rules»): each stands for a bucket with another name. */
const aliasSuffix = /(?:-s3alias|--ol-s3|\.mrap)$/i

/**
 * Refuses a bucket name that the upstream could take for another. In the path, names of AWS's first years and of Ceph, with capitals and
 * underscores, are names like others. In a host name, `BKT` and `bkt` are one bucket; and with a dot it depends on the upstream's domains
 * where the name ends, and no wildcard certificate covers it (RFC 6125 §6.4.3). So there a name is one label in lower case.
 *
 * @throws {AwsError} `InvalidBucketName`, also for `minio`, under which MinIO has its administration, and for AWS's aliases of access points.
 */
export function requireUpstreamBucket(name: string, style: AddressingStyle): void {
  requireLegacyBucketName(name)
  if (style === 'virtual-host' && !hostLabel.test(name)) {
    const message =
      'the upstream S3 is told the bucket by its host name: a bucket name there has 3 to 63 of a-z, 0-9 and hyphen, without dots'
    throw new AwsError('InvalidBucketName', message, { details: { BucketName: name } })
  }
  if (name.toLowerCase() === 'minio' || aliasSuffix.test(name)) {
    const message = `${name} is not a bucket: S3 servers keep this name for something else`
    throw new AwsError('InvalidBucketName', message, { details: { BucketName: name } })
  }
}

/**
 * Refuses a key that an upstream may take for another: with `.` or `..` between slashes, which file systems and URL readers resolve; with a
 * slash at its beginning, which MinIO leaves out; with a NUL, where C programs see the end of a text. Backslashes are slashes on Windows.
 *
 * @throws {AwsError} `XMinioInvalidObjectName`, as MinIO.
 */
export function requirePlainKey(key: string): void {
  const hasDots = key.split(/[/\\]/).some((segment) => /^\s*\.{1,2}\s*$/.test(segment))
  if (!hasDots && !key.startsWith('/') && !key.includes('\0')) return
  const message =
    'keys that begin with a slash, or have a NUL or . or .. between slashes, are not passed on to the upstream S3'
  throw new AwsError('XMinioInvalidObjectName', message)
}

/**
 * Refuses a version that an upstream may take for none: to MinIO, the empty one means the newest version, which needs another action.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requirePlainVersion(version: string | null | undefined): void {
  if (version === null || version === undefined) return
  if (version !== '' && version.trim() === version) return
  const message = 'the version ID must not be empty, nor begin or end with a space'
  throw new AwsError('InvalidArgument', message)
}

/**
 * Asks whether the caller may do this to a key. Servers on file systems take `a//b` for `a/b`, where others keep two objects: so such a key
 * must be allowed by both names.
 *
 * @throws {AwsError} `AccessDenied`.
 */
export async function authorizeKey(
  call: S3Request,
  action: string,
  at: Address = { bucket: call.bucket, key: call.key },
): Promise<void> {
  await authorize(call, action, at)
  await authorizeFolded(call, action, at)
}

/** The second half of `authorizeKey`, for an action that was allowed already. @throws {AwsError} `AccessDenied`. */
export async function authorizeFolded(
  call: S3Request,
  action: string,
  { bucket, key }: Address,
): Promise<void> {
  const folded = key.replaceAll(/\/{2,}/g, '/')
  if (folded !== key) await authorize(call, action, { bucket, key: folded })
}
