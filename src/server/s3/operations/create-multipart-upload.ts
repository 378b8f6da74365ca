/** POST /bucket/key?uploads */
import { describeUploadExpiration } from '../request/expiry-headers.ts'
import { readLockHeaders, requireBucketLock } from '../request/lock-headers.ts'
import { readMetadataHeaders } from '../request/object-headers.ts'
import { readChecksumAlgorithm, readChecksumType, typesOf } from '../body/checksum.ts'
import { typeWithoutAlgorithm, wrongTypeOf } from '../body/checksum-errors.ts'
import type { Checksum } from '../body/object-content.ts'
import { chooseEncryption } from '../request/encrypt-object.ts'
import { describeEncryption } from '../request/encryption-headers.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'
import { readTagHeader } from '../request/tag-header.ts'

/** POST /bucket/key?uploads */
export const createMultipartUpload: S3Operation = {
  name: 'CreateMultipartUpload',
  action: 's3:PutObject',
  async run(call) {
    const { headers } = call.request
    const tags = readTagHeader(headers)
    const { encryption, customerKey } = chooseEncryption(call)
    const metadata = {
      ...readMetadataHeaders(headers),
      ...(tags ? { tags } : {}),
      ...(encryption ? { encryption } : {}),
    }
    const checksum = readUploadChecksum(headers)
    const lock = readLockHeaders(headers, call.request.receivedAtMs)
    if (lock !== undefined) await requireBucketLock(call)
    const made = { metadata, checksum, lock }
    const upload = await call.objects.createUpload(call.bucket, call.key, made)
    const answer = checksum && {
      'x-amz-checksum-algorithm': checksum.algorithm,
      'x-amz-checksum-type': checksum.type,
    }
    return xmlReply(
      'InitiateMultipartUploadResult',
      elements({ Bucket: call.bucket, Key: call.key, UploadId: upload.uploadId }),
      {
        ...answer,
        ...describeEncryption(encryption, customerKey),
        ...describeUploadExpiration(call, upload),
      },
    )
  },
}

/**
 * Returns the algorithm and type of the object's checksum; undefined for neither, which is the default checksum of the full object.
 *
 * @throws {AwsError} `InvalidRequest` for unknown ones, and for a type that the algorithm does not have.
 */
function readUploadChecksum(
  headers: ReadonlyMap<string, string>,
): Pick<Checksum, 'algorithm' | 'type'> | undefined {
  const type = readChecksumType(headers)
  const algorithm = readChecksumAlgorithm(headers)
  if (algorithm === undefined && type === undefined) return undefined
  if (algorithm === undefined) throw typeWithoutAlgorithm()
  const [usual] = typesOf(algorithm)
  const chosen = type ?? usual
  if (chosen !== undefined && typesOf(algorithm).includes(chosen))
    return { algorithm, type: chosen }
  throw wrongTypeOf(algorithm, String(chosen))
}
