/** GET /bucket/key?uploadId */
import { invalidArgument } from '../request/errors.ts'
import { describeUploadExpiration } from '../request/expiry-headers.ts'
import { readCommon } from '../request/list-page.ts'
import type { PartInfo } from '../request/object-store.ts'
import { readCustomerKey, requireUploadKey } from '../request/encryption-headers.ts'
import { describeOwner } from '../request/owner.ts'
import { checksumElements } from '../request/result-elements.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, xmlReply } from '../request/s3-xml.ts'
import { readUploadId } from '../request/upload-parameters.ts'

/** GET /bucket/key?uploadId */
export const listParts: S3Operation = {
  name: 'ListParts',
  action: 's3:ListMultipartUploadParts',
  async run(call) {
    const { query, bucket, key, principal } = call
    const upload = await call.objects.findUpload(bucket, key, readUploadId(call))
    const { encryption } = upload.metadata
    const given = readCustomerKey(call.request)
    // The key may be left out: nothing is decrypted.
    if (given !== undefined) requireUploadKey(encryption, given)
    const { limit, encode, encodingType } = readCommon(query, 'max-parts')
    const marker = readMarker(query.get('part-number-marker') ?? '')
    const found = await call.objects.listParts(upload, { after: marker, limit: limit + 1 })
    const page = found.slice(0, limit)
    const isTruncated = found.length > page.length
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
      describeUploadExpiration(call, upload),
    )
  },
}

function readMarker(text: string): number {
  if (/^\d{0,10}$/.test(text)) return Number(text)
  throw invalidArgument(
    { name: 'part-number-marker', value: text },
    'part-number-marker must be a number',
    'Provided part-number-marker not an integer or within integer range',
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
