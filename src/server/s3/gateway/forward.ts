/** A request that was allowed, asked again of the upstream. What was judged is what is sent: address and query are written anew. */
import { Readable } from 'node:stream'
import type { PooledAnswer } from '../../../base/http/stream-pool.ts'
import { emptySha256 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { missingLength } from '../body/body-errors.ts'
import { hasLength } from '../body/declarations.ts'
import { actionsOfHeaders } from '../request/action-rules.ts'
import { openBody, type S3Request } from '../request/s3-operation.ts'
import { passAnswerHeaders, passRequestHeaders } from './gateway-headers.ts'
import type { Upstream } from './open-upstream.ts'
import { spoolUpload } from './spool-upload.ts'
import { prepareDocument, prepareUpload, type UploadBody } from './upload-body.ts'
import { authorizeKey } from './upstream-names.ts'
import type { UpstreamRequest } from './upstream-request.ts'

export interface GatewayCall extends S3Request {
  readonly upstream: Upstream
}

export interface ForwardOptions {
  /** `none`: whatever body there is is left unread. `document` is read whole; `object` is streamed. */
  readonly body: 'none' | 'document' | 'object'
  readonly isCopy?: boolean
  /** On top of the client's. */
  readonly headers?: Readonly<Record<string, string>>
  /** Makes what is sent instead of the client's body. Called when the headers have been allowed too: nothing is read before. */
  readonly makeBody?: () => Promise<UploadBody>
}

/** Largest single upload, and largest part («Amazon S3 multipart upload limits»). */
const maxObjectBytes = 5 * 1024 ** 3
/** Configurations, policies, lists of parts and of keys. */
export const maxDocumentBytes = 8 * 1024 * 1024

const aclHeader = /^x-amz-(acl|grant-.*)$/

/** Sends the request on and gives the upstream's answer, its body still to come. @throws {AwsError} as `Upstream.send`. */
export async function ask(call: GatewayCall, options: ForwardOptions): Promise<PooledAnswer> {
  const { request, bucket, key, query } = call
  const passed = await judgeHeaders(call, options)
  const upload = await (options.makeBody?.() ?? readBody(call, options.body))
  const headers = { ...passed, ...upload?.headers, ...options.headers }
  const encodings = [upload?.headers['content-encoding'], passed['content-encoding']]
  const encoding = encodings.filter((text) => text !== undefined).join(',')
  if (encoding !== '') headers['content-encoding'] = encoding
  const message = {
    method: request.method,
    bucket,
    key,
    query: [...query],
    headers,
    payloadHash: upload?.payloadHash ?? emptySha256,
    body: upload?.body,
  }
  return send(call, message).catch((error: unknown) => {
    // a file of ours goes with it
    if (call.form !== undefined && upload?.body instanceof Readable) upload.body.destroy()
    throw error
  })
}

/**
 * The client's headers for the upstream, once the caller has been allowed what they ask for.
 *
 * @throws {AwsError} `AccessDenied`, and as `passRequestHeaders`.
 */
export async function judgeHeaders(
  call: GatewayCall,
  { isCopy = false }: Pick<ForwardOptions, 'isCopy'> = {},
): Promise<Record<string, string>> {
  const isAcl = call.query.has('acl')
  const level = call.key === '' ? 'bucket' : 'object'
  const passed = passRequestHeaders(call.request.headers, { isCopy, isAcl })
  // Where the request is about an ACL, the operation's own action is the right to what these headers say.
  const asking = Object.keys(passed).filter((name) => !isAcl || !aclHeader.test(name))
  for (const action of actionsOfHeaders(asking, level)) {
    await authorizeKey(call, action)
  }
  return passed
}

/** Sends a request that has been allowed, and records the upstream's ID for it. @throws {AwsError} as `Upstream.send`. */
export async function send(
  { request, recorder, upstream }: GatewayCall,
  message: Omit<UpstreamRequest, 'requestId'>,
): Promise<PooledAnswer> {
  const answer = await upstream.send({ ...message, requestId: request.requestId })
  const upstreamId = answer.headers.get('x-amz-request-id')
  if (upstreamId !== undefined) recorder.setUpstreamRequestId(upstreamId)
  return answer
}

/** The same, and the answer as it is. */
export async function forward(call: GatewayCall, options: ForwardOptions): Promise<HttpReply> {
  return toReply(await ask(call, options), call)
}

export function toReply(answer: PooledAnswer, { region }: Pick<GatewayCall, 'region'>): HttpReply {
  const headers = passAnswerHeaders(answer.headers, region)
  return { status: answer.status, headers, body: answer.body }
}

async function readBody(
  call: GatewayCall,
  kind: ForwardOptions['body'],
): Promise<UploadBody | undefined> {
  if (kind === 'none') return undefined
  if (kind === 'document') return prepareDocument(openBody(call, { maxBytes: maxDocumentBytes }))
  if (call.form !== undefined)
    return spoolUpload(openBody(call, { maxBytes: maxObjectBytes, isEtagWanted: false }))
  if (!hasLength(call.request.headers)) throw missingLength()
  return prepareUpload(openBody(call, { maxBytes: maxObjectBytes, isEtagWanted: false }))
}
