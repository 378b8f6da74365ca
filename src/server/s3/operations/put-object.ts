/** PUT /bucket/key */
import { missingLength } from '../body/body-errors.ts'
import { defaultAlgorithm, readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { hasLength } from '../body/declarations.ts'
import { readWriteCondition } from '../request/conditions.ts'
import { chooseEncryption, encryptFor } from '../request/encrypt-object.ts'
import { describeEncryption } from '../request/encryption-headers.ts'
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
    const precondition = readWriteCondition(headers)
    const algorithm = readChecksumAlgorithm(headers)
    const payload = openBody(call, {
      maxBytes: maxPutBytes,
      algorithm: algorithm ?? defaultAlgorithm,
    })
    requireSameAlgorithm(algorithm, payload.declarations.checksum?.algorithm)
    await requireBucket(call)
    const chosen = await chooseEncryption(call)
    const { encryption, customerKey } = chosen
    const metadata = {
      ...readMetadataHeaders(headers),
      ...(tags ? { tags } : {}),
      ...(encryption ? { encryption } : {}),
    }
    // Checked now to avoid a useless upload, and again by the store, atomically with the write.
    if (precondition) precondition(await objects.statObject(bucket, key))
    const content = encryptFor(payload, call, chosen)
    const info = await objects.putObject(bucket, key, content, { metadata, precondition })
    const described = {
      ...describeChecksum(info),
      ...describeEncryption(encryption, customerKey),
      ...describeVersion(info),
    }
    return { status: 200, headers: { etag: `"${info.etag}"`, ...described } }
  },
}
