/**
 * The headers of server-side encryption, checked as AWS checks them.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-encryption.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
import { createHash } from 'node:crypto'
import { equalInConstantTime } from '../../../base/constant-time.ts'
import { isLoopbackHost } from '../../../base/http/loopback.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpRequest } from '../../http/http-message.ts'
import { isKeyOf, type CustomerKey, type ObjectEncryption } from '../body/encryption.ts'
import { invalidArgument } from './errors.ts'

type Headers = ReadonlyMap<string, string>

const encryptionHeader = 'x-amz-server-side-encryption'
const customerPrefix = `${encryptionHeader}-customer-`
const sourcePrefix = `x-amz-copy-source-server-side-encryption-customer-`

/** The headers of a customer's key. */
export const customerKeyHeaders = ['algorithm', 'key', 'key-md5'].map(
  (name) => customerPrefix + name,
)
/** The headers of the key of a copy's source. */
export const sourceKeyHeaders = ['algorithm', 'key', 'key-md5'].map((name) => sourcePrefix + name)
/** The headers that say how a new object is encrypted. */
export const encryptionHeaders = [
  ...customerKeyHeaders,
  encryptionHeader,
  `${encryptionHeader}-aws-kms-key-id`,
  `${encryptionHeader}-bucket-key-enabled`,
  `${encryptionHeader}-context`,
]

/** Returns whether the request asks for S3's own keys (`AES256`). @throws {AwsError} `NotImplemented` for KMS; `InvalidArgument` for anything else. */
export function asksForEncryption(headers: Headers): boolean {
  const method = headers.get(encryptionHeader)
  if (method === 'aws:kms' || method === 'aws:kms:dsse') {
    const message = `${encryptionHeader}: ${method} is not supported: there is no KMS here; use AES256, or keys of your own`
    throw new AwsError('NotImplemented', message)
  }
  if (method !== undefined && method !== 'AES256') {
    const sentence = 'The encryption method specified is not supported'
    throw invalidArgument(
      { name: encryptionHeader, value: method },
      `${encryptionHeader} must be AES256`,
      sentence,
    )
  }
  requireNoKmsHeader(headers)
  return method !== undefined
}

function requireNoKmsHeader(headers: Headers): void {
  const ofKms = [`${encryptionHeader}-aws-kms-key-id`, `${encryptionHeader}-context`]
  const isBucketKey = headers.get(`${encryptionHeader}-bucket-key-enabled`) === 'true'
  if (!isBucketKey && !ofKms.some((name) => headers.has(name))) return
  const sentence =
    'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms'
  throw invalidArgument({ name: encryptionHeader }, sentence, sentence)
}

/** Refuses the headers of S3's own keys where S3 does. @throws {AwsError} `InvalidArgument`. */
export function requireNoEncryptionHeader(headers: Headers): void {
  const name = encryptionHeaders.find((header) => {
    return !customerKeyHeaders.includes(header) && headers.has(header)
  })
  if (name === undefined) return
  const sentence = `${name} header is not supported for this operation.`
  throw invalidArgument({ name, value: headers.get(name) }, sentence, sentence)
}

/**
 * Returns the customer's key; undefined if none of its headers is there.
 *
 * @param of `source` for the key of a copy's source.
 * @throws {AwsError} `InvalidArgument`, `InvalidEncryptionAlgorithmError`; `InvalidRequest` on a connection that others can read.
 */
export function readCustomerKey(
  { headers, isTls, remoteAddress }: Pick<HttpRequest, 'headers' | 'isTls' | 'remoteAddress'>,
  of: 'object' | 'source' = 'object',
): CustomerKey | undefined {
  const prefix = of === 'source' ? sourcePrefix : customerPrefix
  const [algorithm, key, md5] = ['algorithm', 'key', 'key-md5'].map((name) =>
    headers.get(prefix + name),
  )
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  const isLocal = isLoopbackHost(remoteAddress.replace(/^::ffff:/, ''))
  if (!isTls && !isLocal) {
    const sentence =
      'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.'
    throw new AwsError('InvalidRequest', sentence, { sentence })
  }
  if (algorithm === undefined)
    throw invalidKey(`${prefix}algorithm`, 'must provide a valid encryption algorithm')
  if (key === undefined) throw invalidKey(`${prefix}key`, 'must provide an appropriate secret key')
  if (md5 === undefined)
    throw invalidKey(`${prefix}key-md5`, 'must provide the client calculated MD5 of the secret key')
  if (algorithm !== 'AES256') {
    const reason = `${prefix}algorithm must be AES256`
    throw new AwsError('InvalidEncryptionAlgorithmError', reason, { status: 400 })
  }
  return checkKey(prefix, key, md5)
}

function checkKey(prefix: string, text: string, md5: string): CustomerKey {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== text) {
    const sentence = 'The secret key was invalid for the specified algorithm.'
    throw invalidArgument({ name: `${prefix}key` }, sentence, sentence)
  }
  const actual = createHash('md5').update(bytes).digest('base64')
  if (equalInConstantTime(actual, md5)) return { bytes, md5 }
  const sentence = 'The calculated MD5 hash of the key did not match the hash that was provided.'
  throw invalidArgument({ name: `${prefix}key-MD5` }, sentence, sentence)
}

function invalidKey(name: string, what: string): AwsError {
  const sentence = `Requests specifying Server Side Encryption with Customer provided keys ${what}.`
  return invalidArgument({ name }, sentence, sentence)
}

/**
 * Requires the key that the object was encrypted with, and no key for any other object.
 *
 * @returns The key; undefined if the object needs none.
 * @throws {AwsError} `InvalidRequest` without it or with one that does not apply; `AccessDenied` for a wrong one.
 */
export function requireCustomerKey(
  encryption: ObjectEncryption | undefined,
  key: CustomerKey | undefined,
): CustomerKey | undefined {
  if (encryption?.kind !== 'SSE-C') {
    if (key === undefined) return undefined
    const sentence = 'The encryption parameters are not applicable to this object.'
    throw new AwsError('InvalidRequest', sentence, { sentence })
  }
  if (key === undefined) {
    const sentence =
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
    throw new AwsError('InvalidRequest', sentence, { sentence })
  }
  if (isKeyOf(encryption, key)) return key
  const sentence =
    'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.'
  throw new AwsError('AccessDenied', sentence, { sentence })
}

/**
 * Requires the key that an upload was begun with.
 *
 * @returns The key; undefined if the upload was begun without.
 * @throws {AwsError} `InvalidRequest`.
 */
export function requireUploadKey(
  encryption: ObjectEncryption | undefined,
  key: CustomerKey | undefined,
): CustomerKey | undefined {
  const begun = encryption?.kind === 'SSE-C' ? encryption : undefined
  if (begun === undefined && key === undefined) return undefined
  if (begun !== undefined && key !== undefined && isKeyOf(begun, key)) return key
  const sentence =
    begun === undefined
      ? 'The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.'
      : key === undefined
        ? 'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.'
        : 'The provided encryption parameters did not match the ones used originally.'
  throw new AwsError('InvalidRequest', sentence, { sentence })
}

/** Returns the headers that say how an object is encrypted. @param key Of the request; undefined where none is needed. */
export function describeEncryption(
  encryption: ObjectEncryption | undefined,
  key?: CustomerKey,
): Record<string, string> {
  if (encryption === undefined) return {}
  if (encryption.kind === 'SSE-S3') return { [encryptionHeader]: 'AES256' }
  const described = { [`${customerPrefix}algorithm`]: 'AES256' }
  return key ? { ...described, [`${customerPrefix}key-md5`]: key.md5 } : described
}
