/** PUT of a bucket's logging, inventory, analytics or replication, which make the upstream write to a bucket named in the document. */
import { sha256Hex } from '../../../protocol/digest.ts'
import { childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload } from '../body/payload.ts'
import { authorize, openBody } from '../request/s3-operation.ts'
import { forward, type GatewayCall } from './forward.ts'
import { requireUpstreamBucket } from './upstream-names.ts'
import type { UploadBody } from './upload-body.ts'

const destinationLimits = {
  maxBytes: 1024 * 1024,
  maxDepth: 12,
  // Enough for a thousand replication rules with their filters.
  maxElements: 32 * 1024,
  maxReferences: 16 * 1024,
}
/** Prefix of a bucket's ARN in inventory, analytics and replication. Logging has only the bucket's name. */
const bucketArn = /^arn:aws[\w-]*:s3:::/

/**
 * Forwards such a configuration if the caller may write to its destination. AWS checks the permission of a service or a role instead, but the
 * upstream sees the root user, who may use every role and bucket.
 *
 * @throws {AwsError} `AccessDenied` for a destination that the caller may not write to. As `forward`.
 */
export function forwardDestination(call: GatewayCall): Promise<HttpReply> {
  const makeBody = (): Promise<UploadBody> => readConfiguration(call)
  return forward(call, { body: 'document', makeBody })
}

async function readConfiguration(call: GatewayCall): Promise<UploadBody> {
  const body = await readPayload(openBody(call, { maxBytes: destinationLimits.maxBytes }))
  const root = parseXml(body.toString(), destinationLimits)
  for (const { bucket, prefix } of findDestinations(root)) {
    requireUpstreamBucket(bucket, call.upstream.style)
    // The upstream chooses the keys below the prefix, so all of them must be allowed.
    await authorize(call, 's3:PutObject', { bucket, key: `${prefix}*` })
  }
  return {
    headers: { 'content-length': String(body.length) },
    payloadHash: sha256Hex(body),
    body,
  }
}

/** Yields each bucket that is named anywhere in the document, so that no form of a destination is missed. */
function* findDestinations(node: XmlNode): Generator<{ bucket: string; prefix: string }> {
  const names = ['Bucket', 'TargetBucket'].map((name) =>
    node.children.filter((c) => c.name === name),
  )
  for (const { text } of names.flat()) {
    const prefix = childText(node, 'TargetPrefix') ?? ''
    yield { bucket: text.trim().replace(bucketArn, ''), prefix }
  }
  for (const child of node.children) yield* findDestinations(child)
}
