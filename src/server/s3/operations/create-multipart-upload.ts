/** POST /bucket/key?uploads */
import { describeUploadExpiration } from '../request/expiry-headers.ts'
import { readLockHeaders, requireBucketLock } from '../request/lock-headers.ts'
import { readMetadataHeaders } from '../request/object-headers.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { readChecksumAlgorithm } from '../body/checksum.ts'
import type { Checksum } from '../body/object-content.ts'
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
    const metadata = { ...readMetadataHeaders(headers), ...(tags ? { tags } : {}) }
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
      { ...answer, ...(await describeUploadExpiration(call, upload)) },
    )
  },
}

/**
 * Returns the algorithm and type of the object's checksum. CRC-64/NVME is only a full-object checksum, and SHAs are only composites; these
 * are also the defaults (AWS, "Checking object integrity").
 */
function readUploadChecksum(
  headers: ReadonlyMap<string, string>,
): Pick<Checksum, 'algorithm' | 'type'> | undefined {
  const type = headers.get('x-amz-checksum-type')?.toUpperCase()
  const algorithm = readChecksumAlgorithm(headers)
  if (algorithm === undefined && type === undefined) return undefined
  if (algorithm === undefined)
    throw new AwsError('InvalidRequest', 'x-amz-checksum-type needs an x-amz-checksum-algorithm')
  const only =
    algorithm === 'CRC64NVME'
      ? 'FULL_OBJECT'
      : algorithm.startsWith('SHA')
        ? 'COMPOSITE'
        : undefined
  const chosen = type ?? only ?? 'COMPOSITE'
  if ((chosen !== 'FULL_OBJECT' && chosen !== 'COMPOSITE') || chosen !== (only ?? chosen)) {
    throw new AwsError('InvalidRequest', `${algorithm} has no checksum type ${chosen}`)
  }
  return { algorithm, type: chosen }
}
