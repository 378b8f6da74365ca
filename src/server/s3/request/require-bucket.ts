import { noSuchBucket } from './errors.ts'
import type { S3Call } from './s3-operation.ts'

/** Requires that the addressed bucket exists. @throws {AwsError} `NoSuchBucket`. */
export async function requireBucket({ objects, bucket }: S3Call): Promise<void> {
  if (!(await objects.hasBucket(bucket))) throw noSuchBucket(bucket)
}
