/** Rules for names of buckets and keys. */
import { AwsError } from '../../../protocol/aws-error.ts'

/** Maximum length of a key in bytes of UTF-8 (AWS, "Naming Amazon S3 objects"). */
const maxKeyBytes = 1024

/** Returns whether the text is a valid name of a general-purpose bucket (AWS, "Bucket naming rules"). */
export function isBucketName(name: string): boolean {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return false
  return !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name)
}

/** Requires a valid bucket name. @throws {AwsError} `InvalidBucketName`. */
export function requireBucketName(name: string): void {
  if (isBucketName(name)) return
  throw new AwsError(
    'InvalidBucketName',
    'a bucket name has 3 to 63 of a-z, 0-9, dot and hyphen, and begins and ends with a letter or digit',
    { details: { BucketName: name } },
  )
}

/**
 * The prefixes and suffixes that AWS keeps for names of other things, such as access points (AWS, "General purpose bucket naming rules"). A bucket
 * that has such a name already is used as any other.
 */
const reservedNames = /^(xn--|sthree-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/

/** Requires a name that a new bucket may have. @throws {AwsError} `InvalidBucketName`. */
export function requireNewBucketName(name: string): void {
  if (!reservedNames.test(name) && !reservedBuckets.has(name)) return
  const message = `${name} is a name that the server or AWS keeps for itself`
  throw new AwsError('InvalidBucketName', message, { details: { BucketName: name } })
}

/**
 * Requires a name of an existing bucket, which may be older than today's rules: legacy names of AWS and names of Ceph have capitals and
 * underscores.
 *
 * @throws {AwsError} `InvalidBucketName`.
 */
export function requireLegacyBucketName(name: string): void {
  if (/^[A-Za-z0-9][\w.-]{1,253}[A-Za-z0-9]$/.test(name)) return
  throw new AwsError(
    'InvalidBucketName',
    'a bucket name has 3 to 255 of letters, digits, dot, hyphen and underscore',
    { details: { BucketName: name } },
  )
}

/** Requires a key of valid length. @throws {AwsError} `KeyTooLongError`, naming the sizes. */
export function requireKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes <= maxKeyBytes) return
  throw new AwsError(
    'KeyTooLongError',
    `the key has ${bytes} bytes; at most ${maxKeyBytes} are allowed`,
    {
      details: { Size: String(bytes), MaxSizeAllowed: String(maxKeyBytes) },
    },
  )
}

/**
 * Refuses a key that XML 1.0 cannot represent (§2.2: control characters except tab, line feed and carriage return; U+FFFE and U+FFFF). In a
 * list or an answer it would become another key.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requireXmlKey(key: string): void {
  if (!/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(key)) return
  const written = encodeURIComponent(key.toWellFormed())
  const message = `the key ${written} (percent-encoded) has characters that XML cannot hold; use a DELETE request for this key`
  throw new AwsError('InvalidArgument', message)
}

/** First path segments of the server's own endpoints. */
export const reservedBuckets: ReadonlySet<string> = new Set(['minio', 'metrics'])
