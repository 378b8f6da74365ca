/** Refusals that several operations and the store share. */
import { AwsError } from '../../../protocol/aws-error.ts'

export function noSuchBucket(bucket: string): AwsError {
  return new AwsError('NoSuchBucket', 'the specified bucket does not exist', {
    details: { BucketName: bucket },
  })
}

export function noSuchKey(key: string): AwsError {
  return new AwsError('NoSuchKey', 'the specified key does not exist', { details: { Key: key } })
}
