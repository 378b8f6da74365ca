/** The policy of a bucket: /bucket?policy and ?policyStatus. It is stored and returned as it was sent. */
import { isUtf8 } from 'node:buffer'
import { AwsError } from '../../../protocol/aws-error.ts'
import { maxBucketPolicyBytes, parseBucketPolicy } from '../../policy/bucket-policy.ts'
import { isPublicPolicy } from '../../policy/public-policy.ts'
import { readPayload } from '../body/payload.ts'
import { missingSetting } from '../request/bucket-setting.ts'
import { readPublicAccessBlock } from '../request/public-access-block.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'

/** The most bytes of a body that are read, so that a policy that is too long is named so. */
const maxBodyBytes = 64 * 1024

async function readPolicy({ objects, bucket }: S3Call): Promise<string> {
  const text = await objects.readBucketDocument(bucket, 'policy')
  if (text !== undefined) return text
  throw missingSetting(['NoSuchBucketPolicy', 'The bucket policy does not exist'], bucket)
}

/** GET /bucket?policy */
export const getBucketPolicy: S3Operation = {
  name: 'GetBucketPolicy',
  action: 's3:GetBucketPolicy',
  async run(call) {
    const body = await readPolicy(call)
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  },
}

/**
 * PUT /bucket?policy. The header `x-amz-confirm-remove-self-bucket-access` is accepted and has no effect, as at MinIO: root's credentials can
 * replace every policy.
 *
 * @throws {AwsError} `MalformedPolicy`; `AccessDenied` for a public policy where the bucket's public access block refuses it.
 */
export const putBucketPolicy: S3Operation = {
  name: 'PutBucketPolicy',
  action: 's3:PutBucketPolicy',
  async run(call) {
    const payload = openBody(call, { maxBytes: maxBodyBytes })
    await requireBucket(call)
    const bytes = await readPayload(payload)
    if (bytes.length > maxBucketPolicyBytes)
      throw new AwsError(
        'MalformedPolicy',
        `the policy has ${bytes.length} bytes; at most ${maxBucketPolicyBytes} are accepted`,
        { sentence: 'Policy exceeds the maximum allowed document size.' },
      )
    if (!isUtf8(bytes))
      throw new AwsError('MalformedPolicy', 'the policy is not UTF-8', {
        sentence: 'This policy contains invalid Json',
      })
    const text = bytes.toString()
    const policy = parseBucketPolicy(text, call.bucket)
    if (isPublicPolicy(policy)) await requirePublicAllowed(call)
    await call.objects.writeBucketDocument(call.bucket, 'policy', text)
    return { status: 204 }
  },
}

/** DELETE /bucket?policy. Removing what is not there succeeds. */
export const deleteBucketPolicy: S3Operation = {
  name: 'DeleteBucketPolicy',
  action: 's3:DeleteBucketPolicy',
  async run({ objects, bucket }) {
    await objects.writeBucketDocument(bucket, 'policy', undefined)
    return { status: 204 }
  },
}

/** GET /bucket?policyStatus */
export const getBucketPolicyStatus: S3Operation = {
  name: 'GetBucketPolicyStatus',
  action: 's3:GetBucketPolicyStatus',
  async run(call) {
    const IsPublic = isPublicPolicy(parseBucketPolicy(await readPolicy(call), call.bucket))
    return xmlReply('PolicyStatus', elements({ IsPublic }))
  },
}

async function requirePublicAllowed({ objects, bucket }: S3Call): Promise<void> {
  const text = await objects.readBucketDocument(bucket, 'publicAccessBlock')
  if (text === undefined || !readPublicAccessBlock(text).BlockPublicPolicy) return
  throw new AwsError(
    'AccessDenied',
    'the policy is public, and the public access block of the bucket refuses such policies (BlockPublicPolicy)',
  )
}
