/** Conditional requests (RFC 9110 §13) for reads, copies and writes. Checked only after the caller was authorized. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readHttpDateMs, toWholeSecondsMs } from './http-date.ts'
import { invalidArgument } from './errors.ts'
import type { ObjectInfo } from './object-store.ts'
import type { S3Call } from './s3-operation.ts'

type Headers = ReadonlyMap<string, string>

/**
 * Returns whether a GET or HEAD with these headers gets the object, in the order of RFC 9110 §13.2.2.
 *
 * @throws {AwsError} `PreconditionFailed`, whose `Condition` names the header, as in AWS.
 */
export function checkRead(headers: Headers, info: ObjectInfo): 'send' | 'not-modified' {
  const verdict = evaluate(headers, info, '')
  if (verdict !== 'failed') return verdict
  // If-Match decides where both are sent (RFC 9110 §13.2.2), so that it is the one that did not hold.
  const condition = headers.has('if-match') ? 'If-Match' : 'If-Unmodified-Since'
  throw preconditionFailed('the object is not as the request requires it', condition)
}

/** Checks the conditions on a copy's source. Each failure is a 412. @throws {AwsError} `PreconditionFailed`. */
export function checkCopySource(headers: Headers, info: ObjectInfo): void {
  if (evaluate(headers, info, 'x-amz-copy-source-') === 'send') return
  throw preconditionFailed('the source is not as the request requires it')
}

/**
 * Returns the check of a conditional write, which the store runs while nobody else can write; undefined for an unconditional write.
 *
 * @throws {AwsError} From the check: `PreconditionFailed`, and `NoSuchKey` for `If-Match` on a missing object.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function readWriteCondition(
  headers: Headers,
): ((current: ObjectInfo | undefined) => void) | undefined {
  const match = headers.get('if-match')
  const noneMatch = headers.get('if-none-match')
  if (match === undefined && noneMatch === undefined) return undefined
  return (current) => {
    if (noneMatch !== undefined && current && listsEtag(noneMatch, current.etag)) {
      throw preconditionFailed('the key holds an object already', 'If-None-Match')
    }
    if (match === undefined) return
    if (!current) throw new AwsError('NoSuchKey', 'there is no object to match')
    if (!listsEtag(match, current.etag))
      throw preconditionFailed('the object has changed', 'If-Match')
  }
}

/** The conditions of a delete, as their header or their element has them. */
export interface DeleteConditions {
  readonly etag?: string | undefined
  readonly size?: string | undefined
  /** An HTTP date, or one of ISO 8601. */
  readonly lastModified?: string | undefined
}

/**
 * Returns the check of a conditional delete; undefined for an unconditional one. AWS knows the size and the time in directory buckets only.
 *
 * @throws {AwsError} `InvalidArgument` for a size or a time that is none; from the check `PreconditionFailed`, and `NoSuchKey` if there is no
 *   object.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
export function readDeleteCondition({
  etag,
  size,
  lastModified,
}: DeleteConditions): ((current: ObjectInfo | undefined) => void) | undefined {
  if (etag === undefined && size === undefined && lastModified === undefined) return undefined
  const lastModifiedMs = readHttpDateMs(lastModified)
  if (size !== undefined && !/^\d{1,15}$/.test(size))
    throw invalidArgument({ name: 'Size', value: size }, 'the size must be a number of bytes')
  if (lastModified !== undefined && lastModifiedMs === undefined)
    throw invalidArgument(
      { name: 'LastModifiedTime', value: lastModified },
      'the time must be a date',
    )
  return (current) => {
    if (!current) throw new AwsError('NoSuchKey', 'there is no object to match')
    const isOther =
      (etag !== undefined && !listsEtag(etag, current.etag)) ||
      (size !== undefined && Number(size) !== current.size) ||
      (lastModifiedMs !== undefined &&
        toWholeSecondsMs(lastModifiedMs) !== toWholeSecondsMs(current.lastModifiedMs))
    if (isOther) throw preconditionFailed('the object has changed', 'If-Match')
  }
}

/**
 * Checks a conditional write before its body is read, so that a useless upload is refused early. The store checks again, atomically with the
 * write.
 *
 * @throws As the check.
 */
export async function checkBeforeWrite(
  { objects, bucket, key }: Pick<S3Call, 'objects' | 'bucket' | 'key'>,
  precondition: ReturnType<typeof readWriteCondition>,
): Promise<void> {
  precondition?.(await findCurrent(() => objects.statObject(bucket, key)))
}

/** Returns undefined for a delete marker, as for no object: a condition is about the object that a reader would get. */
async function findCurrent(
  find: () => Promise<ObjectInfo | undefined>,
): Promise<ObjectInfo | undefined> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof AwsError && error.code === 'NoSuchKey') return undefined
    throw error
  }
}

function evaluate(
  headers: Headers,
  info: ObjectInfo,
  prefix: string,
): 'send' | 'not-modified' | 'failed' {
  const lastModifiedMs = toWholeSecondsMs(info.lastModifiedMs)
  const match = headers.get(`${prefix}if-match`)
  const unmodifiedSinceMs = readHttpDateMs(headers.get(`${prefix}if-unmodified-since`))
  if (match !== undefined) {
    if (!listsEtag(match, info.etag)) return 'failed'
  } else if (unmodifiedSinceMs !== undefined && lastModifiedMs > unmodifiedSinceMs) {
    return 'failed'
  }
  const noneMatch = headers.get(`${prefix}if-none-match`)
  const modifiedSinceMs = readHttpDateMs(headers.get(`${prefix}if-modified-since`))
  if (noneMatch !== undefined) return listsEtag(noneMatch, info.etag) ? 'not-modified' : 'send'
  const isOld = modifiedSinceMs !== undefined && lastModifiedMs <= modifiedSinceMs
  return isOld ? 'not-modified' : 'send'
}

/** Returns whether a list of entity tags (quoted or not, weak or not) contains this one. */
function listsEtag(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const text = item.trim()
    return text === '*' || text.replace(/^W\//, '').replaceAll('"', '') === etag
  })
}

/** @param condition The header that did not hold, in S3's spelling; undefined where it is one of several. */
function preconditionFailed(message: string, condition?: string): AwsError {
  const details = condition === undefined ? {} : { Condition: condition }
  return new AwsError('PreconditionFailed', message, { details })
}
