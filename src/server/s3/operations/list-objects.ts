/** GET /bucket: both versions of the listing. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { checksumAlgorithms } from '../body/checksum.ts'
import type { ListEntry, ObjectInfo } from '../request/object-store.ts'
import type { S3Call, S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, xmlReply, type XmlElements } from '../request/s3-xml.ts'
import { describeOwner } from '../request/owner.ts'

/** S3's own page; asking for more gets this. */
export const maxListed = 1000

/** GET /bucket?list-type=2 */
export const listObjectsV2: S3Operation = {
  name: 'ListObjectsV2',
  action: 's3:ListBucket',
  async run(call) {
    const { query } = call
    const common = readCommon(query)
    const token = query.get('continuation-token')
    const after = token === null ? (query.get('start-after') ?? '') : readToken(token)
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
          ContinuationToken: token ?? undefined,
          NextContinuationToken: isTruncated ? writeToken(entries.at(-1)?.name ?? '') : undefined,
          KeyCount: entries.length,
          MaxKeys: common.limit,
          Delimiter: common.encode(common.delimiter),
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        describeEntries(call, entries, common.encode),
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
          Delimiter: common.encode(common.delimiter),
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        describeEntries(call, entries, common.encode),
      ]),
    )
  },
}

export interface CommonParameters {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  readonly encodingType: string | undefined
  encode(text: string): string
}

/** Parameters that all lists share. @throws {AwsError} `InvalidArgument`. */
export function readCommon(query: URLSearchParams, limitName = 'max-keys'): CommonParameters {
  const encodingType = query.get('encoding-type') ?? undefined
  if (encodingType !== undefined && encodingType.toLowerCase() !== 'url') {
    throw new AwsError('InvalidArgument', 'encoding-type must be url')
  }
  const limitText = query.get(limitName) ?? ''
  if (!/^\d{0,10}$/.test(limitText) || Number(limitText) > 2 ** 31 - 1) {
    throw new AwsError('InvalidArgument', `${limitName} must be a number from 0 to 2147483647`)
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: limitText === '' ? maxListed : Math.min(Number(limitText), maxListed),
    encodingType,
    encode: encodingType === undefined ? (text) => text : encodeListed,
  }
}

/** Percent-encoding with `/` left as it is; a space as `%20`, which every client reads, unlike `+`. */
function encodeListed(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function encodeOptional({ encode }: CommonParameters, text: string | null): string | undefined {
  return text === null ? undefined : encode(text)
}

function describeEntries(
  { principal }: S3Call,
  entries: readonly ListEntry[],
  encode: (text: string) => string,
): XmlElements {
  // With or without `fetch-owner`, as MinIO.
  const owner = describeOwner(principal)
  return join(
    entries.map((entry) => {
      return entry.kind === 'prefix'
        ? elements({ CommonPrefixes: elements({ Prefix: encode(entry.name) }) })
        : elements({ Contents: describeContents(entry.info, encode(entry.name), owner) })
    }),
  )
}

function describeContents(info: ObjectInfo, key: string, owner: XmlElements): XmlElements {
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

/** Opaque to clients: the last name given, so that a page never depends on what a server remembers. */
export function writeToken(name: string): string {
  return Buffer.from(name).toString('base64url')
}

/** @throws {AwsError} `InvalidArgument`. */
export function readToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (token !== '' && writeToken(name) === token) return name
  throw new AwsError('InvalidArgument', 'the continuation token is not one of ours')
}
