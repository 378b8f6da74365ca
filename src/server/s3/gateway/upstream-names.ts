/** Checks of names, so that every upstream reads the same bucket, key and version that were authorized. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireLegacyBucketName } from '../request/names.ts'
import { authorize, type Place, type S3Request } from '../request/s3-operation.ts'

/** Where the bucket's name goes: in the path, or as the first label of the host. */
export type AddressingStyle = 'path' | 'virtual-host'

/** One label of a host name (RFC 1123 §2.1), as long as a bucket name. */
const hostLabel = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/
/** AWS gives these names to access points, never to buckets ("Bucket naming rules"): each stands for a bucket with another name. */
const aliasSuffix = /(?:-s3alias|--ol-s3|\.mrap)$/i

/**
 * Refuses a bucket name that the upstream could take for another. In the path, legacy names of AWS and names of Ceph, with capitals and
 * underscores, are safe. In a host name, `BKT` and `bkt` are one bucket; and with a dot it depends on the upstream's domains
 * where the name ends, and wildcard certificates do not cover it (RFC 6125 §6.4.3). So the name must be one label in lower case.
 *
 * @throws {AwsError} `InvalidBucketName`, also for `minio`, the path of MinIO's administration API, and for AWS's aliases of access points.
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
 * slash at its beginning, which MinIO drops; with a NUL, which ends a string in C programs. Backslashes are slashes on Windows.
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
 * Refuses a version that an upstream may ignore: for MinIO, the empty one means the newest version, which needs another action.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requirePlainVersion(version: string | undefined): void {
  if (version === undefined) return
  if (version !== '' && version.trim() === version) return
  const message = 'the version ID must not be empty, nor begin or end with a space'
  const sentence = version === '' ? 'Version id cannot be the empty string' : undefined
  throw new AwsError('InvalidArgument', message, { sentence })
}

/**
 * Authorizes an action on a key. Servers on file systems treat `a//b` as `a/b`, others as two objects, so such a key must be allowed
 * under both names.
 *
 * @throws {AwsError} `AccessDenied`.
 */
export async function authorizeKey(
  call: S3Request,
  action: string,
  at: Place = { bucket: call.bucket, key: call.key },
): Promise<void> {
  await authorize(call, action, at)
  await authorizeFolded(call, action, at)
}

/** Authorizes the action on the key's folded name (`a/b` for `a//b`), after the key itself was authorized. @throws {AwsError} `AccessDenied`. */
export async function authorizeFolded(
  call: S3Request,
  action: string,
  { bucket, key, version }: Place,
): Promise<void> {
  const folded = key.replaceAll(/\/{2,}/g, '/')
  if (folded !== key) await authorize(call, action, { bucket, key: folded, version })
}
