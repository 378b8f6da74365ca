/** A request as the upstream gets it. */
import type { Readable } from 'node:stream'
import type { PooledRequest } from '../../../base/http/stream-pool.ts'
import type { Credentials } from '../../../protocol/credentials.ts'
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../../protocol/sigv4/sign.ts'
import { requireUpstreamBucket, type AddressingStyle } from './upstream-names.ts'

export interface UpstreamRequest {
  readonly method: string
  /** Empty for requests about the service. */
  readonly bucket: string
  /** Decoded. */
  readonly key: string
  readonly query: readonly (readonly [string, string])[]
  /** Lower-case names; the signature's own come on top. */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex, or one of S3's words. */
  readonly payloadHash: string
  readonly body?: Uint8Array | Readable | undefined
  /** Ours, for the log. */
  readonly requestId: string
}

export interface SigningOptions {
  readonly endpoint: { readonly protocol: string; readonly host: string }
  readonly region: string
  readonly style: AddressingStyle
  readonly credentials: Credentials
  readonly nowMs: number
}

/**
 * Writes the address and the signature. Keys are encoded as signatures want them, whatever way the client chose.
 *
 * @throws {AwsError} as `requireUpstreamBucket`: the last place where an address that the upstream would read in another way can be stopped.
 */
export function signForUpstream(request: UpstreamRequest, options: SigningOptions): PooledRequest {
  const { method, bucket, headers, payloadHash, body } = request
  const { endpoint, region, nowMs } = options
  if (bucket === '' && request.key !== '') throw new Error('a key without a bucket')
  if (bucket !== '') requireUpstreamBucket(bucket, options.style)
  const isNamedByHost = options.style === 'virtual-host' && bucket !== ''
  const host = isNamedByHost ? `${bucket}.${endpoint.host}` : endpoint.host
  const key = request.key.split('/').map(encodeRfc3986).join('/')
  const isShort = isNamedByHost || bucket === ''
  const pathname = isShort ? `/${key}` : `/${bucket}${key === '' ? '' : `/${key}`}`
  const pairs = request.query.map((pair) => pair.map(encodeRfc3986).join('='))
  const search = pairs.length === 0 ? '' : `?${pairs.join('&')}`
  const unsigned = { method, url: { host, pathname, search }, headers, payloadHash }
  const signOptions = { region, service: 's3', nowMs } as const
  return {
    origin: `${endpoint.protocol}//${host}`,
    method,
    path: pathname + search,
    headers: signRequest(unsigned, options.credentials, signOptions),
    body,
  }
}
