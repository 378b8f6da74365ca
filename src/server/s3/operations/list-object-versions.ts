/** GET /bucket?versions: lists the objects as their only versions, `null` (AWS, "ListObjectVersions" of a bucket without versioning). */
import { checksumAlgorithms } from '../body/checksum.ts'
import { invalidArgument } from '../request/errors.ts'
import { encodeDelimiter, readCommon } from '../request/list-page.ts'
import type { ListEntry, ObjectInfo } from '../request/object-store.ts'
import { describeOwner } from '../request/owner.ts'
import type { S3Call, S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, type XmlElements, xmlReply } from '../request/s3-xml.ts'

/** GET /bucket?versions */
export const listObjectVersions: S3Operation = {
  name: 'ListObjectVersions',
  action: 's3:ListBucketVersions',
  async run(call) {
    const common = readCommon(call.query)
    const { encode } = common
    const { keyMarker, versionMarker } = readMarkers(call)
    const after = keyMarker ?? ''
    const { entries, isTruncated } = await call.objects.listObjects(call.bucket, {
      ...common,
      after,
    })
    const last = isTruncated ? entries.at(-1) : undefined
    return xmlReply(
      'ListVersionsResult',
      join([
        elements({
          Name: call.bucket,
          Prefix: encode(common.prefix),
          KeyMarker: encode(after),
          VersionIdMarker: versionMarker ?? '',
          NextKeyMarker: last && encode(last.name),
          NextVersionIdMarker: last?.kind === 'object' ? 'null' : undefined,
          MaxKeys: common.limit,
          Delimiter: encodeDelimiter(common),
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        describeEntries(call, entries, encode),
      ]),
    )
  },
}

/**
 * Reads where the page begins: after the marked version, and each key has just one. A marker of a key without a version is after the key.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
function readMarkers({ query }: S3Call): {
  keyMarker: string | undefined
  versionMarker: string | undefined
} {
  const keyMarker = query.get('key-marker')
  const versionMarker = query.get('version-id-marker')
  const argument = { name: 'version-id-marker', value: versionMarker }
  if (versionMarker !== undefined && keyMarker === undefined)
    throw invalidArgument(argument, 'A version-id marker cannot be specified without a key marker.')
  if (versionMarker !== undefined && versionMarker !== '' && versionMarker !== 'null')
    throw invalidArgument(argument, 'Invalid version id specified')
  return { keyMarker, versionMarker }
}

function describeEntries(
  { principal }: S3Call,
  entries: readonly ListEntry[],
  encode: (text: string) => string,
): XmlElements {
  const owner = describeOwner(principal)
  return join(
    entries.map((entry) => {
      return entry.kind === 'prefix'
        ? elements({ CommonPrefixes: elements({ Prefix: encode(entry.name) }) })
        : elements({ Version: describeVersion(entry.info, encode(entry.name), owner) })
    }),
  )
}

function describeVersion(info: ObjectInfo, key: string, owner: XmlElements): XmlElements {
  return elements({
    ETag: `"${info.etag}"`,
    ChecksumAlgorithm: checksumAlgorithms.find((name) => name === info.checksum?.algorithm),
    ChecksumType: info.checksum?.type,
    Size: info.size,
    StorageClass: 'STANDARD',
    Key: key,
    VersionId: 'null',
    IsLatest: true,
    LastModified: xmlDate(info.lastModifiedMs),
    Owner: owner,
  })
}
