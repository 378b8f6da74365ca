/** The headers that the gateway forwards in both directions. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireKnownChecksum } from '../body/checksum.ts'
import { readContentEncoding } from '../request/object-headers.ts'
import { notPassedOn } from './not-passed-on.ts'

type Headers = ReadonlyMap<string, string>

/** Request headers that are forwarded unchanged. */
const passed: ReadonlySet<string> = new Set(
  `cache-control content-disposition content-language content-md5 content-type expires if-match if-modified-since if-none-match
  if-range if-unmodified-since range x-amz-acl x-amz-bucket-object-lock-enabled x-amz-bypass-governance-retention
  x-amz-checksum-algorithm x-amz-checksum-crc32 x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-mode
  x-amz-checksum-md5 x-amz-checksum-sha1 x-amz-checksum-sha256 x-amz-checksum-sha512 x-amz-checksum-type x-amz-checksum-xxhash128
  x-amz-checksum-xxhash3 x-amz-checksum-xxhash64 x-amz-confirm-remove-self-bucket-access
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

/** Request headers that only copies forward. The source itself is authorized and rebuilt. */
const passedByCopies = new Set(
  `x-amz-copy-source-if-match x-amz-copy-source-if-modified-since x-amz-copy-source-if-none-match
  x-amz-copy-source-if-unmodified-since x-amz-copy-source-range x-amz-copy-source-server-side-encryption-customer-algorithm
  x-amz-copy-source-server-side-encryption-customer-key x-amz-copy-source-server-side-encryption-customer-key-md5
  x-amz-metadata-directive x-amz-source-expected-bucket-owner x-amz-tagging-directive`.split(/\s+/),
)

/** Request headers for this server only: how the request was signed and its body encoded, and what SDKs say of themselves. */
const consumed = new Set(
  `x-amz-api-version x-amz-content-sha256 x-amz-date x-amz-decoded-content-length x-amz-security-token x-amz-te
  x-amz-trailer x-amz-user-agent`.split(/\s+/),
)

/**
 * Returns the client's headers for the upstream: known headers, and user metadata.
 *
 * @param options `isAcl`: the request is about an access control list, so that all of it is forwarded.
 * @throws {AwsError} `NotImplemented` for an unknown `x-amz-` header, and for user metadata that a server treats as a command, because
 *   no policy was checked for what it asks.
 */
export function passRequestHeaders(
  headers: Headers,
  { isCopy, isAcl }: { readonly isCopy: boolean; readonly isAcl: boolean },
): Record<string, string> {
  const onward: Record<string, string> = {}
  for (const [name, value] of headers) {
    requireInertMetadata(name)
    if (passed.has(name) || name.startsWith('x-amz-meta-')) onward[name] = value
    else if (passedByCopies.has(name) && isCopy) onward[name] = value
    else if (name.startsWith('x-amz-') && !consumed.has(name)) {
      const isDone = isCopy ? name === 'x-amz-copy-source' : isReplaceDirective(name, value)
      if (isDone) continue
      requireKnownChecksum(name)
      throw notPassedOn(`the header ${name}`)
    }
  }
  const encoding = readContentEncoding(headers.get('content-encoding'))
  if (encoding !== undefined) onward['content-encoding'] = encoding
  // The default of objects and buckets: rclone and others send it with each upload, and AWS requires no permission for it. In a request about
  // the ACL itself, it stays. Any other canned ACL is passed on, because at the upstream it may make something public: so the caller must be
  // allowed to change ACLs (`actionsOfHeaders`), also for those that only name the bucket's owner, who may be another account there.
  if (onward['x-amz-acl'] === 'private' && !isAcl) delete onward['x-amz-acl']
  return onward
}

/** Returns whether a header says that metadata or tags are not a source's: s3fs-fuse sends it also with uploads, which have none. */
function isReplaceDirective(name: string, value: string): boolean {
  return /^x-amz-(?:metadata|tagging)-directive$/.test(name) && value === 'REPLACE'
}

/**
 * User metadata that some servers treat as a command: MinIO and AWS's Snowball devices unpack the body to any keys of the bucket; Zenko
 * chooses another backend for the data (`scal-`), or stores a description of existing data (`mdonly`). Some servers read `_` as `-`.
 */
const commandMetadata = /^x-amz-meta-(?:(?:minio-)?snowball(?:-|$)|scal-|mdonly$)/

function requireInertMetadata(name: string): void {
  if (!commandMetadata.test(name.replaceAll('_', '-'))) return
  const message = `the header ${name} is not passed on: some S3 servers take it for an order that no policy can allow`
  throw new AwsError('NotImplemented', message)
}

const answered =
  /^(?:accept-ranges|cache-control|content-(?:disposition|encoding|language|length|md5|range|type)|etag|expires|last-modified|location|retry-after|x-amz-(?!request-id$|id-2$|cf-id$).*)$/

/** Returns the upstream's headers for the client: those about the object. The bucket's region becomes the gateway's, if it has one. */
export function passAnswerHeaders(headers: Headers, region: string): Record<string, string> {
  const onward: Record<string, string> = {}
  for (const [name, value] of headers) if (answered.test(name)) onward[name] = value
  if (onward['x-amz-bucket-region'] !== undefined && region !== '')
    onward['x-amz-bucket-region'] = region
  return onward
}
