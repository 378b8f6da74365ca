/** PUT with `x-amz-copy-source`: the upstream copies, once the caller may read what is copied. */
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { requireLegacyBucketName } from '../names.ts'
import { parseCopySource } from '../operations/copy-object.ts'
import { authorize } from '../s3-operation.ts'
import { forward, requirePlainKey, type GatewayCall } from './forward.ts'

/** @throws {AwsError} `AccessDenied`, `InvalidArgument`, and as `forward`. */
export async function copyThrough(call: GatewayCall): Promise<HttpReply> {
  const { bucket, key, version } = parseCopySource(call.request.headers)
  requireLegacyBucketName(bucket)
  requirePlainKey(key)
  const action = version === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  await authorize(call, action, { bucket, key })
  const path = [bucket, ...key.split('/')].map(encodeRfc3986).join('/')
  const suffix = version === undefined ? '' : `?versionId=${encodeRfc3986(version)}`
  const headers = { 'x-amz-copy-source': `/${path}${suffix}` }
  return forward(call, { body: 'none', isCopy: true, headers })
}
