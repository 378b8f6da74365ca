/** GET /bucket?versions: lists versions and delete markers. In a bucket without versioning each object is its only version, `null`. */
import { checksumAlgorithms } from '../body/checksum.ts'
import { invalidArgument } from '../request/errors.ts'
import { encodeDelimiter, readCommon } from '../request/list-page.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import type { VersionListEntry } from '../request/object-lists.ts'
import { describeOwner } from '../request/owner.ts'
import type { S3Call, S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, type XmlElements, xmlReply } from '../request/s3-xml.ts'
import { checkVersionId } from '../request/versions.ts'

/** GET /bucket?versions */
export const listObjectVersions: S3Operation = {
  name: 'ListObjectVersions',
  action: 's3:ListBucketVersions',
  async run(call) {
    const common = readCommon(call.query)
    const { encode } = common
    const { keyMarker, versionIdMarker } = readMarkers(call)
    const { entries, isTruncated } = await call.objects.listVersions(call.bucket, {
      ...common,
      keyMarker: keyMarker ?? '',
      versionIdMarker,
    })
    const last = isTruncated ? entries.at(-1) : undefined
    return xmlReply(
      'ListVersionsResult',
      join([
        elements({
          Name: call.bucket,
          Prefix: encode(common.prefix),
          KeyMarker: encode(keyMarker ?? ''),
          VersionIdMarker: versionIdMarker ?? '',
          NextKeyMarker: last && encode(last.name),
          NextVersionIdMarker: last && nameVersion(last),
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

function nameVersion(entry: VersionListEntry): string | undefined {
  if (entry.kind === 'prefix') return undefined
  return entry.kind === 'marker' ? entry.versionId : (entry.info.versionId ?? 'null')
}

/**
 * Reads where the page begins: after the marked version, or without one after all versions of the marked key.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
function readMarkers({ query }: S3Call): {
  keyMarker: string | undefined
  versionIdMarker: string | undefined
} {
  const keyMarker = query.get('key-marker')
  const versionIdMarker = query.get('version-id-marker')
  const argument = { name: 'version-id-marker', value: versionIdMarker }
  if (versionIdMarker !== undefined && keyMarker === undefined)
    throw invalidArgument(argument, 'A version-id marker cannot be specified without a key marker.')
  if (versionIdMarker === undefined || versionIdMarker === '') return { keyMarker, versionIdMarker }
  return { keyMarker, versionIdMarker: checkVersionId(versionIdMarker, 'version-id-marker') }
}

function describeEntries(
  { principal }: S3Call,
  entries: readonly VersionListEntry[],
  encode: (text: string) => string,
): XmlElements {
  const owner = describeOwner(principal)
  return join(
    entries.map((entry) => {
      const name = encode(entry.name)
      if (entry.kind === 'prefix') return elements({ CommonPrefixes: elements({ Prefix: name }) })
      if (entry.kind === 'object')
        return elements({ Version: describeVersion(entry.info, { key: name, owner, ...entry }) })
      const { versionId, isLatest, lastModifiedMs } = entry
      const fields = { Key: name, VersionId: versionId, IsLatest: isLatest }
      const LastModified = xmlDate(lastModifiedMs)
      return elements({ DeleteMarker: elements({ ...fields, LastModified, Owner: owner }) })
    }),
  )
}

function describeVersion(
  info: ObjectInfo,
  {
    key,
    owner,
    isLatest,
  }: { readonly key: string; readonly owner: XmlElements; readonly isLatest: boolean },
): XmlElements {
  return elements({
    ETag: `"${info.etag}"`,
    ChecksumAlgorithm: checksumAlgorithms.find((name) => name === info.checksum?.algorithm),
    ChecksumType: info.checksum?.type,
    Size: info.size,
    StorageClass: 'STANDARD',
    Key: key,
    VersionId: info.versionId ?? 'null',
    IsLatest: isLatest,
    LastModified: xmlDate(info.lastModifiedMs),
    Owner: owner,
  })
}
