/** PUT /bucket/key */
import { missingLength } from '../body/body-errors.ts'
import { defaultAlgorithm, readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { hasLength, requireDigest } from '../body/declarations.ts'
import { checkBeforeWrite, readWriteCondition } from '../request/conditions.ts'
import { chooseEncryption, encryptFor } from '../request/encrypt-object.ts'
import { describeEncryption } from '../request/encryption-headers.ts'
import { prepareExpiration } from '../request/expiry-headers.ts'
import { chooseLock, readLockHeaders } from '../request/lock-headers.ts'
import { describeChecksum, readMetadataHeaders } from '../request/object-headers.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { readTagHeader } from '../request/tag-header.ts'
import { maxPutBytes } from '../request/upload-parameters.ts'
import { describeNewVersion } from '../request/versions.ts'

const missingLockDigest =
  'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'

/** PUT /bucket/key */
export const putObject: S3Operation = {
  name: 'PutObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const { headers } = request
    if (!hasLength(headers) && call.form === undefined) throw missingLength()
    const tags = readTagHeader(headers)
    const named = readLockHeaders(headers, request.receivedAtMs)
    const precondition = readWriteCondition(headers)
    const algorithm = readChecksumAlgorithm(headers)
    const payload = openBody(call, {
      maxBytes: maxPutBytes,
      algorithm: algorithm ?? defaultAlgorithm,
    })
    requireSameAlgorithm(algorithm, payload.declarations.checksum?.algorithm)
    if (named !== undefined && call.form === undefined)
      requireDigest(payload.declarations, missingLockDigest)
    const describeExpiration = prepareExpiration(call)
    const lock = await chooseLock(call, named)
    const chosen = chooseEncryption(call)
    const { encryption, customerKey } = chosen
    const metadata = {
      ...readMetadataHeaders(headers),
      ...(tags ? { tags } : {}),
      ...(encryption ? { encryption } : {}),
    }
    await checkBeforeWrite(call, precondition)
    const content = encryptFor(payload, call, chosen)
    const info = await objects.putObject(bucket, key, content, { metadata, lock, precondition })
    return {
      status: 200,
      headers: {
        etag: `"${info.etag}"`,
        ...describeChecksum(info),
        ...describeEncryption(encryption, customerKey),
        ...describeNewVersion(info),
        ...describeExpiration(info),
      },
    }
  },
}
