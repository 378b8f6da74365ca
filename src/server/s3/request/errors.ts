/** Errors that several operations, the store and the gateway throw. */
import { AwsError } from '../../../protocol/aws-error.ts'

/** An argument of a request, by the name under which S3 refuses it. */
export interface Argument {
  readonly name: string
  /** As sent; undefined if it is missing, or may be a secret. */
  readonly value?: string | undefined
}

/**
 * Returns `InvalidArgument` with the argument's name and value (AWS, "Error responses").
 *
 * @param sentence S3's own words for the case, where they are known.
 */
export function invalidArgument(
  { name, value }: Argument,
  reason: string,
  sentence?: string,
): AwsError {
  const given = value === undefined ? {} : { ArgumentValue: value.slice(0, 200) }
  return new AwsError('InvalidArgument', reason, {
    sentence,
    details: { ArgumentName: name, ...given },
  })
}

/** Returns the error for a bucket that does not exist. */
export function noSuchBucket(bucket: string): AwsError {
  return new AwsError('NoSuchBucket', 'the specified bucket does not exist', {
    details: { BucketName: bucket },
  })
}

/** Returns the error for a key that has no object. */
export function noSuchKey(key: string): AwsError {
  return new AwsError('NoSuchKey', 'the specified key does not exist', { details: { Key: key } })
}

/** Returns the error for a version other than `null`, the only one that an object has here. @param key One of several in a request. */
export function noSuchVersion(key?: string): AwsError {
  return new AwsError('NoSuchVersion', 'there is no such version: buckets here keep none', {
    status: 404,
    ...(key === undefined ? {} : { details: { Key: key } }),
  })
}

/** Returns the error for an upload that does not exist. */
export function noSuchUpload(): AwsError {
  return new AwsError(
    'NoSuchUpload',
    'there is no such upload: it was completed, aborted or never begun',
  )
}

/** Returns the error for an OPTIONS request without the headers of a preflight, in AWS's words. */
export function incompletePreflight(headers: ReadonlyMap<string, string>): AwsError {
  const sentence = headers.has('origin')
    ? 'Invalid Access-Control-Request-Method: null'
    : 'Insufficient information. Origin request header needed.'
  const reason = 'OPTIONS needs the headers Origin and Access-Control-Request-Method'
  return new AwsError('BadRequest', reason, { status: 400, sentence })
}
