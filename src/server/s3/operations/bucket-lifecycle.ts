/** Reads, replaces and removes the rules of a bucket's lifecycle: /bucket?lifecycle. A background pass carries them out. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import { invalidArgument } from '../request/errors.ts'
import {
  decodeLifecycle,
  describeLifecycleRules,
  encodeLifecycle,
  minimumSizes,
  readLifecycleRules,
  type Lifecycle,
} from '../request/lifecycle-document.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { lifecycleLimits } from '../request/xml-limits.ts'

const sizeHeader = 'x-amz-transition-default-minimum-object-size'

/** GET /bucket?lifecycle */
export const getBucketLifecycle: S3Operation = {
  name: 'GetBucketLifecycle',
  action: 's3:GetLifecycleConfiguration',
  async run({ objects, bucket }) {
    const text = await objects.readBucketDocument(bucket, 'lifecycle')
    if (text === undefined)
      throw new AwsError(
        'NoSuchLifecycleConfiguration',
        'The lifecycle configuration does not exist',
        { status: 404, details: { BucketName: bucket } },
      )
    const { rules, minimumSize } = decodeLifecycle(text)
    return xmlReply('LifecycleConfiguration', describeLifecycleRules(rules), {
      [sizeHeader]: minimumSize,
    })
  },
}

/**
 * PUT /bucket?lifecycle. The body needs a digest, as at AWS. A rule without an ID gets one.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
 */
export const putBucketLifecycle: S3Operation = {
  name: 'PutBucketLifecycle',
  action: 's3:PutLifecycleConfiguration',
  async run(call) {
    const minimumSize = readMinimumSize(call.request.headers.get(sizeHeader))
    const payload = openBody(call, { maxBytes: lifecycleLimits.maxBytes })
    requireDigest(
      payload.declarations,
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
    await requireBucket(call)
    const rules = readLifecycleRules((await readPayload(payload)).toString())
    const document = encodeLifecycle({ rules, minimumSize })
    await call.objects.writeBucketDocument(call.bucket, 'lifecycle', document)
    return { status: 200, headers: { [sizeHeader]: minimumSize } }
  },
}

/** DELETE /bucket?lifecycle. Removing what is not there succeeds. AWS has no action of its own for it. */
export const deleteBucketLifecycle: S3Operation = {
  name: 'DeleteBucketLifecycle',
  action: 's3:PutLifecycleConfiguration',
  async run({ objects, bucket }) {
    await objects.writeBucketDocument(bucket, 'lifecycle', undefined)
    return { status: 204 }
  },
}

function readMinimumSize(value: string = minimumSizes[0]): Lifecycle['minimumSize'] {
  const known = minimumSizes.find((size) => size === value)
  if (known !== undefined) return known
  throw invalidArgument(
    { name: sizeHeader, value },
    `${sizeHeader} must be one of ${minimumSizes.join(', ')}`,
  )
}
