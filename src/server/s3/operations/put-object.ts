/** PUT /bucket/key */
import { missingLength } from '../body/body-errors.ts'
import { readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { hasLength } from '../body/declarations.ts'
import { checkBeforeWrite, readWriteCondition } from '../request/conditions.ts'
import { describeChecksum, readMetadataHeaders } from '../request/object-headers.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { readTagHeader } from '../request/tag-header.ts'
import { maxPutBytes } from '../request/upload-parameters.ts'
import { describeVersion } from '../request/versions.ts'

/** PUT /bucket/key */
export const putObject: S3Operation = {
  name: 'PutObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const { headers } = request
    if (!hasLength(headers) && call.form === undefined) throw missingLength()
    const tags = readTagHeader(headers)
    const metadata = { ...readMetadataHeaders(headers), ...(tags ? { tags } : {}) }
    const precondition = readWriteCondition(headers)
    const algorithm = readChecksumAlgorithm(headers)
    const payload = openBody(call, { maxBytes: maxPutBytes, algorithm })
    requireSameAlgorithm(algorithm, payload.declarations.checksum?.algorithm)
    await requireBucket(call)
    await checkBeforeWrite(call, precondition)
    const info = await objects.putObject(bucket, key, payload, { metadata, precondition })
    const headersOf = { ...describeChecksum(info), ...describeVersion(info) }
    return { status: 200, headers: { etag: `"${info.etag}"`, ...headersOf } }
  },
}
