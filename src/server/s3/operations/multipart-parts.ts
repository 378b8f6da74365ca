/** Multipart uploads from their beginning to their last part. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { describeChecksum, readMetadataHeaders } from '../request/object-headers.ts'
import type { ByteRange, Checksum, PartInfo } from '../request/object-store.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, xmlReply } from '../request/s3-xml.ts'
import {
  checksumElements,
  copyContent,
  describeCopy,
  openSource,
  readCopySource,
} from './copy-object.ts'
import { readCommon } from './list-objects.ts'
import { describeOwner } from '../request/owner.ts'
import { readTagHeader } from './object-tagging.ts'
import { maxPutBytes } from './write-object.ts'

export const maxPartNumber = 10_000

/** POST /bucket/key?uploads */
export const createMultipartUpload: S3Operation = {
  name: 'CreateMultipartUpload',
  action: 's3:PutObject',
  async run(call) {
    const { headers } = call.request
    const tags = readTagHeader(headers)
    const metadata = { ...readMetadataHeaders(headers), ...(tags ? { tags } : {}) }
    const checksum = readUploadChecksum(headers)
    const upload = await call.objects.createUpload(call.bucket, call.key, { metadata, checksum })
    const answer = checksum && {
      'x-amz-checksum-algorithm': checksum.algorithm,
      'x-amz-checksum-type': checksum.type,
    }
    return xmlReply(
      'InitiateMultipartUploadResult',
      elements({ Bucket: call.bucket, Key: call.key, UploadId: upload.uploadId }),
      answer,
    )
  },
}

/** PUT /bucket/key?partNumber&uploadId */
export const uploadPart: S3Operation = {
  name: 'UploadPart',
  action: 's3:PutObject',
  async run(call) {
    const partNumber = readPartNumber(call.query)
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    const named = readChecksumAlgorithm(call.request.headers)
    const wanted = upload.checksum?.algorithm ?? named
    const payload = openBody(call, { maxBytes: maxPutBytes, algorithm: wanted })
    requireSameAlgorithm(wanted, named)
    requireSameAlgorithm(wanted, payload.declarations.checksum?.algorithm)
    const part = await call.objects.putPart(upload, partNumber, payload)
    const { 'x-amz-checksum-type': _, ...checksum } = describeChecksum(part)
    return { status: 200, headers: { etag: `"${part.etag}"`, ...checksum } }
  },
}

/** PUT /bucket/key?partNumber&uploadId with `x-amz-copy-source` */
export const uploadPartCopy: S3Operation = {
  name: 'UploadPartCopy',
  action: 's3:PutObject',
  async run(call) {
    const partNumber = readPartNumber(call.query)
    const source = readCopySource(call.request.headers)
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    const object = await openSource(call, source)
    try {
      const range = readSourceRange(call, object.info.size)
      const bytes = range ? range.end - range.start + 1 : object.info.size
      if (bytes > maxPutBytes) throw new AwsError('EntityTooLarge', 'a part has at most 5 GiB')
      const content = copyContent(object, range, upload.checksum?.algorithm)
      const part = await call.objects.putPart(upload, partNumber, content)
      return xmlReply('CopyPartResult', describeCopy(part))
    } finally {
      await object.close()
    }
  },
}

/** GET /bucket/key?uploadId */
export const listParts: S3Operation = {
  name: 'ListParts',
  action: 's3:ListMultipartUploadParts',
  async run(call) {
    const { query, bucket, key, principal } = call
    const upload = await call.objects.findUpload(bucket, key, readUploadId(call))
    const { limit, encode, encodingType } = readCommon(query, 'max-parts')
    const marker = readMarker(query.get('part-number-marker') ?? '')
    const rest = (await call.objects.listParts(upload)).filter((part) => part.partNumber > marker)
    const page = rest.slice(0, limit)
    const isTruncated = rest.length > page.length
    return xmlReply(
      'ListPartsResult',
      join([
        elements({
          Bucket: bucket,
          Key: encode(key),
          UploadId: upload.uploadId,
          Initiator: describeOwner(principal),
          Owner: describeOwner(principal),
          StorageClass: 'STANDARD',
          PartNumberMarker: marker,
          NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
          MaxParts: limit,
          IsTruncated: isTruncated,
          EncodingType: encodingType,
          ChecksumAlgorithm: upload.checksum?.algorithm,
          ChecksumType: upload.checksum?.type,
        }),
        ...page.map((part) => elements({ Part: describePart(part) })),
      ]),
    )
  },
}

/** DELETE /bucket/key?uploadId */
export const abortMultipartUpload: S3Operation = {
  name: 'AbortMultipartUpload',
  action: 's3:AbortMultipartUpload',
  async run(call) {
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    await call.objects.removeUpload(upload)
    return { status: 204 }
  },
}

/** The upload the query names; the store says whether there is one. */
export function readUploadId({ query }: Pick<S3Call, 'query'>): string {
  return query.get('uploadId') ?? ''
}

function readPartNumber(query: URLSearchParams): number {
  const text = query.get('partNumber') ?? ''
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= maxPartNumber) return number
  throw new AwsError('InvalidArgument', `partNumber must be a number from 1 to ${maxPartNumber}`)
}

function readMarker(text: string): number {
  if (/^\d{0,10}$/.test(text)) return Number(text)
  throw new AwsError('InvalidArgument', 'part-number-marker must be a number')
}

/**
 * Algorithm and kind of the checksum the object will have. CRC-64/NVME comes only over the whole object and SHAs only as
 * composites, which also are the defaults («Checking object integrity», full object and composite checksum types).
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

function readSourceRange({ request }: S3Call, size: number): ByteRange | undefined {
  const text = request.headers.get('x-amz-copy-source-range')
  if (text === undefined) return undefined
  const [, first = '', last = ''] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  const range = { start: Number(first), end: Number(last) }
  if (first !== '' && range.start <= range.end && range.end < size) return range
  throw new AwsError(
    'InvalidArgument',
    `x-amz-copy-source-range must be bytes=first-last within ${size} bytes`,
  )
}

function describePart(part: PartInfo): ReturnType<typeof elements> {
  const { ChecksumType: _, ...checksum } = checksumElements(part)
  return elements({
    PartNumber: part.partNumber,
    LastModified: xmlDate(part.lastModifiedMs),
    ETag: `"${part.etag}"`,
    Size: part.size,
    ...checksum,
  })
}
