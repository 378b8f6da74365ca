/** The source of a copy: parses `x-amz-copy-source`, authorizes reading it, and reads its content. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import type { ChecksumAlgorithm } from '../body/checksum.ts'
import { nameVersionAction } from './action-rules.ts'
import { type Address, decodePath } from './address.ts'
import { checkCopySource } from './conditions.ts'
import { openPlain } from './encrypt-object.ts'
import { readCustomerKey, requireCustomerKey } from './encryption-headers.ts'
import { invalidArgument, noSuchKey } from './errors.ts'
import { requireBucketName, requireKey } from './names.ts'
import type { ByteRange, OpenObject, StoredContent } from './object-store.ts'
import { authorize, toStoreWork, type LongWork, type S3Call } from './s3-operation.ts'
import { checkVersionId } from './versions.ts'

/**
 * Authorizes the caller to read a copy's source, opens it, and checks the conditions on it. An object that is encrypted with a customer's key
 * is opened with the key of the source, and read as it was before.
 *
 * @throws {AwsError} `AccessDenied`, `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`; for the key as `requireCustomerKey`.
 */
export async function openSource(call: S3Call, source: CopySource): Promise<OpenObject> {
  const action = 's3:GetObject'
  await authorize(call, source.version === undefined ? action : nameVersionAction(action), source)
  const object = await openVersion(call, source)
  if (!object) throw noSuchKey(source.key)
  let isSound = false
  try {
    const given = readCustomerKey(call.request, 'source')
    const customerKey = requireCustomerKey(object.info.metadata.encryption, given)
    checkCopySource(call.request.headers, object.info)
    const plain = openPlain(object, source, customerKey)
    isSound = true
    return plain
  } finally {
    if (!isSound) await object.close()
  }
}

/** A delete marker as source is `NoSuchKey`, and `InvalidRequest` if its version ID is given (AWS, "CopyObject"). */
async function openVersion(
  { objects }: S3Call,
  { bucket, key, version }: CopySource,
): Promise<OpenObject | undefined> {
  try {
    return await objects.openObject(bucket, key, version)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    if (error.code === 'NoSuchKey') throw noSuchKey(key)
    if (error.code !== 'MethodNotAllowed') throw error
    const sentence =
      'The source of a copy request may not specifically refer to a delete marker by version id.'
    throw new AwsError('InvalidRequest', 'the source is a delete marker', { sentence })
  }
}

/** Returns the header that names the source's version. */
export function describeSource({ info }: Pick<OpenObject, 'info'>): Record<string, string> {
  return info.versionId === undefined ? {} : { 'x-amz-copy-source-version-id': info.versionId }
}

/** Prepares a copy and returns the rest as work, at whose end the source is closed; it is closed too if the copy is refused. */
export async function withSource(
  object: OpenObject,
  prepare: (object: OpenObject) => Promise<(signal: AbortSignal) => Promise<HttpReply>>,
): Promise<LongWork> {
  try {
    const copy = await prepare(object)
    return toStoreWork(object.info.size, (signal) => copy(signal).finally(() => object.close()))
  } catch (error) {
    await object.close()
    throw error
  }
}

/** The object to copy. */
export interface CopySource extends Address {
  /** Version ID as given; undefined for the newest. */
  readonly version: string | undefined
}

/** Reads the source of a copy in the embedded store, and checks its version ID. @throws {AwsError} `InvalidArgument`. */
export function readCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const source = parseCopySource(headers)
  requireBucketName(source.bucket)
  if (source.version !== undefined) checkVersionId(source.version)
  return source
}

/**
 * Reads `bucket/key`, percent-encoded, with an optional leading slash and an optional `?versionId=…`. The bucket's name is not checked yet.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function parseCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const text = headers.get('x-amz-copy-source') ?? ''
  const [path = '', version] = text.split('?versionId=')
  const [bucket = '', ...rest] = decodePath(path).replace(/^\//, '').split('/')
  const key = rest.join('/')
  if (bucket === '' || key === '') {
    throw invalidArgument(
      { name: 'x-amz-copy-source', value: text },
      'x-amz-copy-source must be bucket/key, percent-encoded',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  requireKey(key)
  return { bucket, key, version: version === undefined ? undefined : decodePath(version) }
}

/**
 * Describes the copy of an open object or of a range of it. A whole object that was stored in one piece keeps its ETag, which is its MD5, and
 * its checksum if the copy has the same algorithm; then its bytes need not be read. A multipart ETag or a composite checksum becomes one
 * of all bytes, as in AWS.
 */
export function toStoredContent(
  object: OpenObject,
  range: ByteRange | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): StoredContent {
  const { etag, checksum, size } = object.info
  const isWhole = range === undefined || (range.start === 0 && range.end === size - 1)
  const isMd5 = /^[0-9a-f]{32}$/.test(etag) && object.info.metadata.encryption?.kind !== 'SSE-C'
  const isKept = checksum?.algorithm === algorithm && checksum?.type === 'FULL_OBJECT'
  const isKnown = isWhole && isMd5 && (algorithm === undefined || isKept)
  const facts = { etag, checksum: algorithm === undefined ? undefined : checksum }
  return { object, range, algorithm, facts: isKnown ? facts : undefined }
}
