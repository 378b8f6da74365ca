/** Reads the bucket and key of a request from its path, or from its host and path. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpRequest } from '../../http/http-message.ts'

export interface Address {
  /** Empty for requests about the service. */
  readonly bucket: string
  /** Decoded; empty for requests about a bucket. */
  readonly key: string
}

/** The service itself: no bucket and no key. */
export const serviceAddress: Address = { bucket: '', key: '' }

/** A host name or an IPv6 address, with an optional port. Labels are not empty; a dot may end the name (RFC 3986 §3.2.2). */
const hostPattern = /^(\[[\da-f:.%]+\]|[\w-]+(?:\.[\w-]+)*\.?)?(?::\d*)?$/i

/**
 * Reads path-style (`/bucket/key`) and virtual-host-style (`bucket.domain`, `/key`) addresses. Names are not checked yet, but an address
 * with a key has a bucket, because another reader of `//bucket/key` could find a bucket there.
 *
 * @param domains Host names whose subdomains are buckets; `localhost` is always one of them.
 * @throws {AwsError} `InvalidURI` for a path that is not percent-encoded UTF-8 or names a key without a bucket; as `readHostBucket`.
 */
export function readAddress(
  request: Pick<HttpRequest, 'rawPath' | 'headers'>,
  domains: readonly string[],
): Address {
  const { rawPath } = request
  if (rawPath !== '' && !rawPath.startsWith('/'))
    throw new AwsError('InvalidURI', 'the path must begin with a slash')
  const path = rawPath.slice(1)
  const hostBucket = readHostBucket(request.headers.get('host') ?? '', domains)
  if (hostBucket !== undefined) return { bucket: hostBucket, key: decodePath(path) }
  const slash = path.indexOf('/')
  if (slash === -1) return { bucket: decodePath(path), key: '' }
  if (slash === 0)
    throw new AwsError('InvalidURI', 'the path names no bucket: it begins with two slashes')
  return { bucket: decodePath(path.slice(0, slash)), key: decodePath(path.slice(slash + 1)) }
}

/**
 * Returns the bucket in the host of a virtual-host-style request, in lower case, because host names ignore case (RFC 4343). Undefined for
 * path-style requests.
 *
 * @throws {AwsError} `InvalidRequest` for a text that is not one host, such as an empty label or two joined Host headers.
 */
export function readHostBucket(host: string, domains: readonly string[]): string | undefined {
  const last = lastHosts.get(domains)
  if (last?.host === host) return last.bucket
  const bucket = findHostBucket(host, domains)
  lastHosts.set(domains, { host, bucket })
  return bucket
}

/** The last host of each server: it is read several times a request, and most requests have the same. */
const lastHosts = new WeakMap<
  readonly string[],
  { readonly host: string; readonly bucket: string | undefined }
>()

function findHostBucket(host: string, domains: readonly string[]): string | undefined {
  const [whole, written = ''] = hostPattern.exec(host) ?? []
  if (whole === undefined) {
    throw new AwsError('InvalidRequest', 'the request must have one Host header, with a host name')
  }
  const name = written.toLowerCase().replace(/\.$/, '')
  const matching = [...domains, 'localhost']
    .filter((domain) => name.endsWith(`.${domain.toLowerCase()}`))
    .toSorted((left, right) => right.length - left.length)
  // The longest domain wins: `s3.localhost` is not a bucket if it is a domain.
  const [domain] = matching
  if (domain === undefined || domains.some((other) => other.toLowerCase() === name))
    return undefined
  return name.slice(0, -domain.length - 1)
}

/** An object's address, and the request whose connection and host its URL has. */
export interface LocatedObject extends Address {
  readonly request: Pick<HttpRequest, 'headers' | 'isTls'>
  /** True if the host names the bucket. */
  readonly isBucketInHost: boolean
}

/** Returns the URL of an object at the host that the client asked, for documents and headers that name one. */
export function locateObject({ request, bucket, key, isBucketInHost }: LocatedObject): string {
  const origin = `${request.isTls ? 'https' : 'http'}://${request.headers.get('host') ?? ''}`
  const path = key.split('/').map(encodeRfc3986).join('/')
  return isBucketInHost ? `${origin}/${path}` : `${origin}/${bucket}/${path}`
}

/** Returns whether requests to the host are for S3: the host names a bucket, or is invalid, which S3 refuses. */
export function isBucketHost(host: string, domains: readonly string[]): boolean {
  try {
    return readHostBucket(host, domains) !== undefined
  } catch {
    return true
  }
}

/** Decodes a path. A `+` stays a plus. @throws {AwsError} `InvalidURI`. */
export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new AwsError('InvalidURI', 'the path is not percent-encoded UTF-8', { cause: error })
  }
}
