/** Which bucket and key a request is about: from its path, or its host and its path. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { HttpRequest } from '../http/http-message.ts'

export interface Address {
  /** Empty for requests about the service. */
  readonly bucket: string
  /** Decoded; empty for requests about a bucket. */
  readonly key: string
}

/**
 * Reads path-style (`/bucket/key`) and virtual-host-style (`bucket.domain`, `/key`) addresses. Names are not checked yet.
 *
 * @param domains host names under which a first label is a bucket; `localhost` always is one.
 * @throws {AwsError} `InvalidURI` for a path that is not percent-encoded UTF-8.
 */
export function readAddress(
  request: Pick<HttpRequest, 'rawPath' | 'headers'>,
  domains: readonly string[],
): Address {
  const path = request.rawPath.slice(1)
  const hostBucket = readHostBucket(request.headers.get('host') ?? '', domains)
  if (hostBucket !== undefined) return { bucket: hostBucket, key: decodePath(path) }
  const slash = path.indexOf('/')
  if (slash === -1) return { bucket: decodePath(path), key: '' }
  return { bucket: decodePath(path.slice(0, slash)), key: decodePath(path.slice(slash + 1)) }
}

/** The bucket that a virtual-host-style request's host names; undefined for path-style ones. */
export function readHostBucket(host: string, domains: readonly string[]): string | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const matching = [...domains, 'localhost']
    .filter((domain) => name.endsWith(`.${domain.toLowerCase()}`))
    .toSorted((left, right) => right.length - left.length)
  // the longest domain wins: `s3.localhost` is no bucket where it is a domain
  const [domain] = matching
  if (domain === undefined || domains.some((other) => other.toLowerCase() === name))
    return undefined
  return name.slice(0, -domain.length - 1)
}

/** A `+` in a path is a plus. @throws {AwsError} `InvalidURI`. */
export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new AwsError('InvalidURI', 'the path is not percent-encoded UTF-8', { cause: error })
  }
}
