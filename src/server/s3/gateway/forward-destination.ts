/** PUT of a bucket's logging, inventory, analytics or replication: the upstream then writes to a bucket that the document names. */
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
  // a thousand rules of replication with their filters
  maxElements: 32 * 1024,
  maxReferences: 16 * 1024,
}
/** What stands before the name of a bucket in inventories, analytics and replications; loggings have the name alone. */
const bucketArn = /^arn:aws[\w-]*:s3:::/

/**
 * Passes such a setting on, once the caller may write where it says. AWS asks there for the right of a service or a role; the upstream sees the
 * root user, whose role and buckets are all of them.
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
    // Any key below the prefix: allowed by who allows all of them.
    await authorize(call, 's3:PutObject', { bucket, key: `${prefix}*` })
  }
  return {
    headers: { 'content-length': String(body.length) },
    payloadHash: sha256Hex(body),
    body,
  }
}

/** Every bucket that is named anywhere in the document, so that no form of it is overlooked. */
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
