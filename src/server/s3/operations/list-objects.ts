/** GET /bucket: lists objects, in both versions of the operation. */
import { checksumAlgorithms } from '../body/checksum.ts'
import {
  type CommonParameters,
  encodeDelimiter,
  readCommon,
  readToken,
  writeToken,
} from '../request/list-page.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import type { ListEntry } from '../request/object-lists.ts'
import { describeOwner } from '../request/owner.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, type XmlElements, xmlReply } from '../request/s3-xml.ts'

/** GET /bucket?list-type=2 */
export const listObjectsV2: S3Operation = {
  name: 'ListObjectsV2',
  action: 's3:ListBucket',
  async run(call) {
    const { query, principal } = call
    const common = readCommon(query)
    const owner = query.get('fetch-owner') === 'true' ? describeOwner(principal) : undefined
    const token = query.get('continuation-token')
    const after = token === undefined ? (query.get('start-after') ?? '') : readToken(token)
    const { entries, isTruncated } = await call.objects.listObjects(call.bucket, {
      ...common,
      after,
    })
    return xmlReply(
      'ListBucketResult',
      join([
        elements({
          Name: call.bucket,
          Prefix: common.encode(common.prefix),
          StartAfter: encodeOptional(common, query.get('start-after')),
          ContinuationToken: token,
          NextContinuationToken: isTruncated ? writeToken(entries.at(-1)?.name ?? '') : undefined,
          KeyCount: entries.length,
          MaxKeys: common.limit,
          Delimiter: encodeDelimiter(common),
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        describeEntries(entries, common.encode, owner),
      ]),
    )
  },
}

/** GET /bucket */
export const listObjects: S3Operation = {
  name: 'ListObjects',
  action: 's3:ListBucket',
  async run(call) {
    const common = readCommon(call.query)
    const after = call.query.get('marker') ?? ''
    const { entries, isTruncated } = await call.objects.listObjects(call.bucket, {
      ...common,
      after,
    })
    const last = entries.at(-1)?.name
    return xmlReply(
      'ListBucketResult',
      join([
        elements({
          Name: call.bucket,
          Prefix: common.encode(common.prefix),
          Marker: common.encode(after),
          NextMarker: isTruncated && last !== undefined ? common.encode(last) : undefined,
          MaxKeys: common.limit,
          Delimiter: encodeDelimiter(common),
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        describeEntries(entries, common.encode, describeOwner(call.principal)),
      ]),
    )
  },
}

function encodeOptional(
  { encode }: CommonParameters,
  text: string | undefined,
): string | undefined {
  return text === undefined ? undefined : encode(text)
}

/** @param owner Undefined where version 2 of the list was not asked for it by `fetch-owner` (AWS, ListObjectsV2). */
function describeEntries(
  entries: readonly ListEntry[],
  encode: (text: string) => string,
  owner: XmlElements | undefined,
): XmlElements {
  return join(
    entries.map((entry) => {
      return entry.kind === 'prefix'
        ? elements({ CommonPrefixes: elements({ Prefix: encode(entry.name) }) })
        : elements({ Contents: describeContents(entry.info, encode(entry.name), owner) })
    }),
  )
}

function describeContents(
  info: ObjectInfo,
  key: string,
  owner: XmlElements | undefined,
): XmlElements {
  const algorithm = checksumAlgorithms.find((name) => name === info.checksum?.algorithm)
  return elements({
    Key: key,
    LastModified: xmlDate(info.lastModifiedMs),
    ETag: `"${info.etag}"`,
    ChecksumAlgorithm: algorithm,
    ChecksumType: info.checksum?.type,
    Size: info.size,
    Owner: owner,
    StorageClass: 'STANDARD',
  })
}
