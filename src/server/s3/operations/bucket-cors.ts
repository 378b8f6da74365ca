/** Reads, replaces and removes a bucket's CORS rules: /bucket?cors. They decide about pages of other origins, and about nothing else. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import { describeCorsRules, readCorsRules } from '../request/cors-document.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { corsLimits } from '../request/xml-limits.ts'

/** GET /bucket?cors */
export const getBucketCors: S3Operation = {
  name: 'GetBucketCors',
  action: 's3:GetBucketCors',
  async run({ objects, bucket }) {
    const text = await objects.readBucketDocument(bucket, 'cors')
    if (text !== undefined)
      return xmlReply('CORSConfiguration', describeCorsRules(readCorsRules(text)))
    throw new AwsError('NoSuchCORSConfiguration', 'The CORS configuration does not exist', {
      status: 404,
    })
  },
}

/** PUT /bucket?cors. The body needs a digest, as at AWS ("PutBucketCors", Content-MD5). */
export const putBucketCors: S3Operation = {
  name: 'PutBucketCors',
  action: 's3:PutBucketCors',
  async run(call) {
    const payload = openBody(call, { maxBytes: corsLimits.maxBytes })
    requireDigest(
      payload.declarations,
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
    await requireBucket(call)
    const rules = readCorsRules((await readPayload(payload)).toString())
    // What is stored is what was understood.
    const { body } = xmlReply('CORSConfiguration', describeCorsRules(rules))
    await call.objects.writeBucketDocument(call.bucket, 'cors', String(body))
    return { status: 200 }
  },
}

/** DELETE /bucket?cors. Removing what is not there succeeds. AWS has no action of its own for it, MinIO has `s3:DeleteBucketCors`. */
export const deleteBucketCors: S3Operation = {
  name: 'DeleteBucketCors',
  action: 's3:PutBucketCors',
  async run({ objects, bucket }) {
    await objects.writeBucketDocument(bucket, 'cors', undefined)
    return { status: 204 }
  },
}
