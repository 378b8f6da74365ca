/** PUT with `x-amz-copy-source`: the upstream copies after the caller was authorized to read the source. */
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import { parseCopySource } from '../request/copy-source.ts'
import type { LongWork } from '../request/s3-operation.ts'
import { forwardLongWork } from './forward-long-work.ts'
import type { GatewayCall } from './forward.ts'
import {
  authorizeKey,
  requirePlainKey,
  requirePlainVersion,
  requireUpstreamBucket,
} from './upstream-names.ts'

/** @throws {AwsError} `AccessDenied`, `InvalidArgument`, and as `forward`. */
export async function forwardCopy(call: GatewayCall): Promise<LongWork> {
  const { bucket, key, version } = parseCopySource(call.request.headers)
  requireUpstreamBucket(bucket, call.upstream.style)
  requirePlainKey(key)
  requirePlainVersion(version)
  const action = version === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  await authorizeKey(call, action, { bucket, key, version })
  const path = [bucket, ...key.split('/')].map(encodeRfc3986).join('/')
  const suffix = version === undefined ? '' : `?versionId=${encodeRfc3986(version)}`
  const headers = { 'x-amz-copy-source': `/${path}${suffix}` }
  return forwardLongWork(call, { body: 'none', isCopy: true, headers })
}
