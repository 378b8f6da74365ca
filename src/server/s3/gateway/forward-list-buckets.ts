/** GET /: lists the upstream's buckets. As in MinIO, a caller who may not list all sees the buckets whose objects it may list. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { emptySha256 } from '../../../protocol/sigv4/canonical-request.ts'
import { parseAnswerXml } from '../../../protocol/parse-answer-xml.ts'
import { childrenOf, childText, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { serviceAddress } from '../request/address.ts'
import { describeOwner } from '../request/owner.ts'
import { couldAllow, decide, denial } from '../request/s3-operation.ts'
import { elements, join, xmlReply } from '../request/s3-xml.ts'
import { selectListable } from '../request/select-listable.ts'
import { send, type GatewayCall } from './forward.ts'
import { readText } from './upstream-errors.ts'

/** Limit of an answer. Ten thousand buckets, AWS's default limit of an account, take about 2 MiB. */
const maxListBytes = 8 * 1024 * 1024

/** @throws {AwsError} `AccessDenied` if the caller may see none, before the upstream is asked if that is certain; as `send`. */
export async function forwardListBuckets(call: GatewayCall): Promise<HttpReply> {
  const all = await decide(call, 's3:ListAllMyBuckets', serviceAddress)
  if (!all.isAllowed && !(await couldAllow(call, 's3:ListBucket')))
    throw denial('s3:ListAllMyBuckets', serviceAddress, all)
  const root = await readList(call)
  const buckets = childrenOf(root, 'Buckets').flatMap((node) => childrenOf(node, 'Bucket'))
  const visible = all.isAllowed ? buckets : await selectListable(call, buckets, nameOf)
  if (!all.isAllowed && visible.length === 0)
    throw denial('s3:ListAllMyBuckets', serviceAddress, all)
  const items = visible.map((bucket) => elements({ Bucket: describe(bucket, call.region) }))
  return xmlReply(
    'ListAllMyBucketsResult',
    elements({
      Owner: describeOwner(call.principal),
      Buckets: join(items),
      ContinuationToken: childText(root, 'ContinuationToken'),
      Prefix: childText(root, 'Prefix'),
    }),
  )
}

/** Asks the upstream for its buckets. Of the client's request, only the paging is forwarded, so the answer cannot be an object's content. */
async function readList(call: GatewayCall): Promise<XmlNode> {
  const query = call.query.pairs
  const message = { method: 'GET', ...serviceAddress, query, headers: {}, payloadHash: emptySha256 }
  const text = await readText(await send(call, message), maxListBytes)
  try {
    const root = parseAnswerXml(text ?? '', { maxBytes: maxListBytes, maxDepth: 8 })
    if (root.name === 'ListAllMyBucketsResult') return root
  } catch (cause) {
    throw unreadable(cause)
  }
  throw unreadable()
}

function nameOf(bucket: XmlNode): string {
  return childText(bucket, 'Name') ?? ''
}

/** Returns a bucket's element; with the gateway's region, if it has one, instead of the upstream's: clients must sign for it. */
function describe(bucket: XmlNode, region: string): ReturnType<typeof elements> {
  const upstreamRegion = childText(bucket, 'BucketRegion')
  return elements({
    Name: childText(bucket, 'Name'),
    CreationDate: childText(bucket, 'CreationDate'),
    BucketRegion: upstreamRegion === undefined || region === '' ? upstreamRegion : region,
  })
}

function unreadable(cause?: unknown): AwsError {
  return new AwsError('ServiceUnavailable', 'the upstream S3 answered what is no list of buckets', {
    cause,
  })
}
