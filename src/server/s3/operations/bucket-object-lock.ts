/** Reads and replaces the lock of a bucket: /bucket?object-lock. Once it is enabled, it stays. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import {
  describeBucketLock,
  findBucketLock,
  readBucketLock,
} from '../request/object-lock-document.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET /bucket?object-lock */
export const getObjectLockConfiguration: S3Operation = {
  name: 'GetObjectLockConfiguration',
  action: 's3:GetBucketObjectLockConfiguration',
  async run({ objects, bucket }) {
    const lock = await findBucketLock(objects, bucket)
    if (lock !== undefined) return xmlReply('ObjectLockConfiguration', describeBucketLock(lock))
    throw new AwsError(
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
      { status: 404, details: { BucketName: bucket } },
    )
  },
}

/**
 * PUT /bucket?object-lock. It enables the lock of a bucket that has versioning, as AWS allows since 2023, or changes its default retention.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
 */
export const putObjectLockConfiguration: S3Operation = {
  name: 'PutObjectLockConfiguration',
  action: 's3:PutBucketObjectLockConfiguration',
  async run(call) {
    const { objects, bucket } = call
    const payload = openBody(call, { maxBytes: configurationLimits.maxBytes })
    requireDigest(
      payload.declarations,
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
    await requireBucket(call)
    const lock = readBucketLock((await readPayload(payload)).toString())
    if ((await objects.readBucketDocument(bucket, 'versioning')) !== 'Enabled')
      throw new AwsError(
        'InvalidBucketState',
        'the bucket has no versioning, which object lock needs',
        {
          status: 409,
          sentence:
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        },
      )
    const { body } = xmlReply('ObjectLockConfiguration', describeBucketLock(lock))
    await objects.writeBucketDocument(bucket, 'object-lock', String(body))
    return { status: 200 }
  },
}
