/** Reads an object's metadata from headers, and writes it to headers. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { checksumHeader } from '../body/checksum.ts'
import { toHttpDate } from './http-date.ts'
import { describeVersion } from './versions.ts'
import type { ObjectInfo, ObjectMetadata } from './object-store.ts'

/** Headers that are stored and returned unchanged (AWS, "System-defined object metadata"). */
const redirectHeader = 'x-amz-website-redirect-location'
const keptHeaders = [
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
  redirectHeader,
]

const defaultContentType = 'binary/octet-stream'
const userPrefix = 'x-amz-meta-'
/** Limit of all names and values together (AWS, "User-defined object metadata"). */
const maxUserMetadataBytes = 2048

/** Reads the metadata of a new object. @throws {AwsError} `MetadataTooLarge`, `InvalidRedirectLocation`. */
export function readMetadataHeaders(headers: ReadonlyMap<string, string>): ObjectMetadata {
  requireRedirect(headers.get(redirectHeader))
  const kept: Record<string, string> = {}
  for (const name of keptHeaders) {
    const value = headers.get(name)
    if (value !== undefined) kept[name] = value
  }
  const encoding = readContentEncoding(headers.get('content-encoding'))
  if (encoding !== undefined) kept['content-encoding'] = encoding
  return {
    contentType: headers.get('content-type') ?? defaultContentType,
    headers: kept,
    userMetadata: readUserMetadata(headers),
  }
}

/** Where a website's page of the object would lead. It is only kept and said back (AWS, "PutObject"). */
function requireRedirect(location: string | undefined): void {
  if (location === undefined || /^(?:\/|https?:\/\/)/.test(location)) return
  const reason = `${redirectHeader} must begin with http://, https:// or /`
  throw new AwsError('InvalidRedirectLocation', reason, { status: 400 })
}

/** Returns the headers that describe an object in the answers to GET and HEAD. */
export function describeObject(info: ObjectInfo): Record<string, string> {
  const { metadata } = info
  const headers: Record<string, string> = {
    'content-type': metadata.contentType,
    etag: `"${info.etag}"`,
    'last-modified': toHttpDate(info.lastModifiedMs),
    'accept-ranges': 'bytes',
  }
  if (info.versionId !== undefined) Object.assign(headers, describeVersion(info))
  for (const name of Object.keys(metadata.headers)) headers[name] ??= metadata.headers[name] ?? ''
  for (const [name, value] of Object.entries(metadata.userMetadata)) {
    headers[userPrefix + name] = value
  }
  const tagCount = Object.keys(metadata.tags ?? {}).length
  if (tagCount > 0) headers['x-amz-tagging-count'] = String(tagCount)
  return headers
}

/** Returns the object's checksum as headers; none if it has no checksum. */
export function describeChecksum({
  checksum,
}: Pick<ObjectInfo, 'checksum'>): Record<string, string> {
  if (!checksum) return {}
  return {
    [checksumHeader(checksum.algorithm)]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  }
}

/** Returns the content encoding without `aws-chunked`, which is about the transfer, not about the object. */
export function readContentEncoding(value: string | undefined): string | undefined {
  const kept = (value ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked')
  return kept.length > 0 ? kept.join(',') : undefined
}

function readUserMetadata(headers: ReadonlyMap<string, string>): Record<string, string> {
  const userMetadata: Record<string, string> = {}
  let bytes = 0
  for (const [name, value] of headers) {
    if (!name.startsWith(userPrefix)) continue
    const shortName = name.slice(userPrefix.length)
    userMetadata[shortName] = value
    bytes += Buffer.byteLength(shortName) + Buffer.byteLength(value, 'latin1')
  }
  if (bytes <= maxUserMetadataBytes) return userMetadata
  throw new AwsError(
    'MetadataTooLarge',
    `the user metadata has ${bytes} bytes; at most ${maxUserMetadataBytes} are allowed`,
    { details: { Size: String(bytes), MaxSizeAllowed: String(maxUserMetadataBytes) } },
  )
}
