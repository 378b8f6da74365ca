/** Which headers pass the gateway, either way, and what a caller must be allowed to send some of them. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readContentEncoding } from '../request/object-headers.ts'
import { notPassedOn } from './not-passed-on.ts'

type Headers = ReadonlyMap<string, string>

/** Passed on as they come. */
const passed: ReadonlySet<string> = new Set(
  `cache-control content-disposition content-language content-md5 content-type expires if-match if-modified-since if-none-match
  if-range if-unmodified-since range x-amz-acl x-amz-bucket-object-lock-enabled x-amz-bypass-governance-retention
  x-amz-checksum-algorithm x-amz-checksum-crc32 x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-mode
  x-amz-checksum-sha1 x-amz-checksum-sha256 x-amz-checksum-type x-amz-confirm-remove-self-bucket-access
  x-amz-expected-bucket-owner x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write
  x-amz-grant-write-acp x-amz-if-match-last-modified-time x-amz-if-match-size x-amz-max-parts x-amz-mfa x-amz-mp-object-size
  x-amz-object-attributes x-amz-object-lock-legal-hold x-amz-object-lock-mode x-amz-object-lock-retain-until-date
  x-amz-object-ownership x-amz-optional-object-attributes x-amz-part-number-marker x-amz-request-payer
  x-amz-sdk-checksum-algorithm x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id
  x-amz-server-side-encryption-bucket-key-enabled x-amz-server-side-encryption-context
  x-amz-server-side-encryption-customer-algorithm x-amz-server-side-encryption-customer-key
  x-amz-server-side-encryption-customer-key-md5 x-amz-skip-destination-validation x-amz-storage-class x-amz-tagging
  x-amz-transition-default-minimum-object-size x-amz-website-redirect-location`.split(/\s+/),
)

/** Passed on by copies alone; their source goes through the policy station and is written anew. */
const passedByCopies = new Set(
  `x-amz-copy-source-if-match x-amz-copy-source-if-modified-since x-amz-copy-source-if-none-match
  x-amz-copy-source-if-unmodified-since x-amz-copy-source-range x-amz-copy-source-server-side-encryption-customer-algorithm
  x-amz-copy-source-server-side-encryption-customer-key x-amz-copy-source-server-side-encryption-customer-key-md5
  x-amz-metadata-directive x-amz-source-expected-bucket-owner x-amz-tagging-directive`.split(/\s+/),
)

/** Said to this server alone: how the request was signed and how its body travelled. */
const consumed = new Set(
  `x-amz-content-sha256 x-amz-copy-source x-amz-date x-amz-decoded-content-length x-amz-security-token x-amz-trailer
  x-amz-user-agent`.split(/\s+/),
)

/**
 * The client's headers for the upstream: what is known to pass, and user metadata.
 *
 * @param options `isAcl`: the request is about an access control list, so that none of it is left out.
 * @throws {AwsError} `NotImplemented` for an `x-amz-` header that is not known, and for user metadata that a server takes for an order: what
 *   it asks for, nobody has been asked to allow.
 */
export function passRequestHeaders(
  headers: Headers,
  { isCopy, isAcl }: { readonly isCopy: boolean; readonly isAcl: boolean },
): Record<string, string> {
  const onward: Record<string, string> = {}
  for (const [name, value] of headers) {
    refuseOrder(name)
    if (passed.has(name) || name.startsWith('x-amz-meta-')) onward[name] = value
    else if (passedByCopies.has(name) && isCopy) onward[name] = value
    else if (name.startsWith('x-amz-') && !consumed.has(name)) {
      throw notPassedOn(`the header ${name}`)
    }
  }
  const encoding = readContentEncoding(headers.get('content-encoding'))
  if (encoding !== undefined) onward['content-encoding'] = encoding
  // What an object or a bucket is without being told: rclone and others say it with every upload, and AWS asks for no right to it. Where the
  // ACL is what the request is about, it is the request.
  if (onward['x-amz-acl'] === 'private' && !isAcl) delete onward['x-amz-acl']
  return onward
}

/**
 * User metadata that a server takes for an order: MinIO, and AWS's Snowball devices, unpack the body under any names in the bucket; Zenko
 * chooses another backend for the data (`scal-`), or stores a description of data that is there already (`mdonly`). Some servers
 * read `_` as `-`.
 */
const orders = /^x-amz-meta-(?:(?:minio-)?snowball(?:-|$)|scal-|mdonly$)/

function refuseOrder(name: string): void {
  if (!orders.test(name.replaceAll('_', '-'))) return
  const message = `the header ${name} is not passed on: some S3 servers take it for an order that no policy can allow`
  throw new AwsError('NotImplemented', message)
}

const answered =
  /^(?:accept-ranges|cache-control|content-(?:disposition|encoding|language|length|md5|range|type)|etag|expires|last-modified|location|retry-after|x-amz-(?!request-id$|id-2$|cf-id$).*)$/

/** The upstream's headers for the client: about the object, not about the upstream. The bucket's region is the gateway's. */
export function passAnswerHeaders(headers: Headers, region: string): Record<string, string> {
  const onward: Record<string, string> = {}
  for (const [name, value] of headers) if (answered.test(name)) onward[name] = value
  if (onward['x-amz-bucket-region'] !== undefined) onward['x-amz-bucket-region'] = region
  return onward
}
