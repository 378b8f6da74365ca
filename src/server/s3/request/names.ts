/** What may be called what. */
import { AwsError } from '../../../protocol/aws-error.ts'

/** Longest key, in bytes of UTF-8 («Naming Amazon S3 objects»). */
const maxKeyBytes = 1024

/** Whether the text is a general-purpose bucket's name by S3's rules («Bucket naming rules»). */
export function isBucketName(name: string): boolean {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return false
  return !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name)
}

/** @throws {AwsError} `InvalidBucketName`. */
export function requireBucketName(name: string): void {
  if (isBucketName(name)) return
  throw new AwsError(
    'InvalidBucketName',
    'a bucket name has 3 to 63 of a-z, 0-9, dot and hyphen, and begins and ends with a letter or digit',
    { details: { BucketName: name } },
  )
}

/**
 * The same for buckets that are there already: names of AWS's first years and of Ceph have capitals and underscores.
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

/** @throws {AwsError} `KeyTooLongError`, naming the sizes. */
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
 * Refuses a key that no XML 1.0 document can name (§2.2: control characters but tab, line feed and carriage return; U+FFFE and U+FFFF). In a
 * list or an answer it would become the name of another key.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requireXmlKey(key: string): void {
  if (!/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(key)) return
  const written = encodeURIComponent(key.toWellFormed())
  const message = `the key ${written} (percent-encoded) has characters that XML cannot hold; use a DELETE request for this key`
  throw new AwsError('InvalidArgument', message)
}

/** First path segments that the server's own endpoints take. */
export const reservedBuckets: ReadonlySet<string> = new Set(['minio', 'metrics'])
