/** Conditional requests (RFC 9110 §13) for reads, copies and writes. Checked only after the caller was authorized. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readHttpDateMs, toWholeSecondsMs } from './http-date.ts'
import type { ObjectInfo } from './object-store.ts'

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
