/** GET /bucket/key?attributes: returns an object's metadata without its content. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readCustomerKey, requireCustomerKey } from '../request/encryption-headers.ts'
import { invalidArgument, noSuchKey } from '../request/errors.ts'
import { toHttpDate } from '../request/http-date.ts'
import { maxListed } from '../request/list-page.ts'
import type { Checksum } from '../body/object-content.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import { checksumElements } from '../request/result-elements.ts'
import { authorize, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlReply, type XmlValue } from '../request/s3-xml.ts'
import { describeVersion, readVersionId } from '../request/versions.ts'

/** The attributes, in the order of S3's answer. */
const describers: Readonly<Record<string, (call: S3Call, info: ObjectInfo) => XmlValue>> = {
  ETag: (_call, { etag }) => etag,
  Checksum: (_call, { checksum }) => checksum && elements(describeWhole(checksum)),
  ObjectParts: describeParts,
  StorageClass: () => 'STANDARD',
  ObjectSize: (_call, { size }) => size,
}

/**
 * GET /bucket/key?attributes. Requires two permissions, as AWS documents for this operation.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 */
export const getObjectAttributes: S3Operation = {
  name: 'GetObjectAttributes',
  action: 's3:GetObjectAttributes',
  async run(call) {
    const isVersioned = call.query.has('versionId')
    await authorize(call, isVersioned ? 's3:GetObjectVersion' : 's3:GetObject')
    const wanted = readAttributeNames(call.request.headers.get('x-amz-object-attributes') ?? '')
    const info = await call.objects.statObject(call.bucket, call.key, readVersionId(call))
    if (!info) throw noSuchKey(call.key)
    requireCustomerKey(info.metadata.encryption, readCustomerKey(call.request))
    const fields = Object.entries(describers)
      .filter(([name]) => wanted.has(name))
      .map(([name, describe]): [string, XmlValue] => [name, describe(call, info)])
    return xmlReply('GetObjectAttributesResponse', elements(Object.fromEntries(fields)), {
      'last-modified': toHttpDate(info.lastModifiedMs),
      ...describeVersion(info),
    })
  },
}

/** @throws {AwsError} `InvalidRequest` for none; `InvalidArgument` for one that does not exist. */
function readAttributeNames(text: string): ReadonlySet<string> {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const unknown = names.find((name) => !Object.hasOwn(describers, name))
  if (names.length > 0 && unknown === undefined) return new Set(names)
  const all = Object.keys(describers).join(', ')
  if (unknown === undefined) {
    const sentence =
      'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty'
    const reason = `x-amz-object-attributes is missing; there are ${all}`
    throw new AwsError('InvalidRequest', reason, { sentence })
  }
  throw invalidArgument(
    { name: 'x-amz-object-attributes', value: unknown },
    `x-amz-object-attributes names ${unknown.slice(0, 80)}; there are ${all}`,
    'Invalid attribute name specified.',
  )
}

/** S3 writes a composite without its `-N` here, and only here. */
function describeWhole(checksum: Checksum): Record<string, string> {
  return checksumElements({ checksum: { ...checksum, value: checksum.value.replace(/-\d+$/, '') } })
}

/** Returns the number of parts and a page of their sizes and checksums; undefined for an object that was not uploaded in parts. */
function describeParts(
  { request }: S3Call,
  { partSizes, partChecksums, checksum }: ObjectInfo,
): XmlValue {
  if (partSizes === undefined) return undefined
  const marker = readNumber(request.headers, 'x-amz-part-number-marker', 0)
  const limit = Math.min(maxListed, readNumber(request.headers, 'x-amz-max-parts', maxListed))
  const page = partSizes.slice(marker, marker + limit)
  const parts = page.map((Size, index) => {
    const value = partChecksums?.[marker + index]
    const own = checksum && value !== undefined ? { [`Checksum${checksum.algorithm}`]: value } : {}
    return elements({ Part: elements({ PartNumber: marker + index + 1, Size, ...own }) })
  })
  return join([
    elements({
      PartsCount: partSizes.length,
      PartNumberMarker: marker,
      NextPartNumberMarker: marker + page.length,
      MaxParts: limit,
      IsTruncated: marker + page.length < partSizes.length,
    }),
    ...parts,
  ])
}

function readNumber(headers: ReadonlyMap<string, string>, name: string, absent: number): number {
  const text = headers.get(name)
  if (text === undefined) return absent
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new AwsError(
    'InvalidArgument',
    `${name} ${JSON.stringify(text.slice(0, 40))} is not a number`,
  )
}
