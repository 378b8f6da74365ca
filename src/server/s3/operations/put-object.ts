/** PUT /bucket/key */
import { describeChecksum, readMetadataHeaders } from '../request/object-headers.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { readWriteCondition } from '../request/conditions.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { readTagHeader } from '../request/tag-header.ts'
import { maxPutBytes } from '../request/upload-parameters.ts'

/** PUT /bucket/key */
export const putObject: S3Operation = {
  name: 'PutObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const { headers } = request
    const isSized = headers.has('content-length') || headers.has('x-amz-decoded-content-length')
    if (!isSized && call.form === undefined) {
      throw new AwsError('MissingContentLength', 'the request must have a content-length header')
    }
    const tags = readTagHeader(headers)
    const metadata = { ...readMetadataHeaders(headers), ...(tags ? { tags } : {}) }
    const precondition = readWriteCondition(headers)
    const algorithm = readChecksumAlgorithm(headers)
    const payload = openBody(call, { maxBytes: maxPutBytes, algorithm })
    requireSameAlgorithm(algorithm, payload.declarations.checksum?.algorithm)
    await requireBucket(call)
    // asked now, to spare the upload, and again by the store when it counts
    if (precondition) precondition(await objects.statObject(bucket, key))
    const info = await objects.putObject(bucket, key, payload, { metadata, precondition })
    return { status: 200, headers: { etag: `"${info.etag}"`, ...describeChecksum(info) } }
  },
}
