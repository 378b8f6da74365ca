/** A request that was allowed, asked again of the upstream. What was judged is what is sent: address and query are written anew. */
import { Readable } from 'node:stream'
import type { PooledAnswer } from '../../../base/stream-pool.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { emptySha256 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { actionsOfHeaders } from '../action-rules.ts'
import { authorize, openBody, type S3Request } from '../s3-operation.ts'
import { passAnswerHeaders, passRequestHeaders } from './gateway-headers.ts'
import type { Upstream } from './open-upstream.ts'
import { spoolUpload } from './spool-upload.ts'
import { prepareDocument, prepareUpload, type UploadBody } from './upload-body.ts'

export interface GatewayCall extends S3Request {
  readonly upstream: Upstream
}

export interface ForwardOptions {
  /** `none`: whatever body there is is left unread. `document` is read whole; `object` is streamed. */
  readonly body: 'none' | 'document' | 'object'
  readonly isCopy?: boolean
  /** On top of the client's. */
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the client's body. */
  readonly instead?: UploadBody
}

/** Largest single upload, and largest part («Amazon S3 multipart upload limits»). */
const maxObjectBytes = 5 * 1024 ** 3
/** Configurations, policies, lists of parts and of keys. */
export const maxDocumentBytes = 8 * 1024 * 1024

/** Sends the request on and gives the upstream's answer, its body still to come. @throws {AwsError} as `Upstream.send`. */
export async function ask(call: GatewayCall, options: ForwardOptions): Promise<PooledAnswer> {
  const { request, bucket, key, query } = call
  requirePlainKey(key)
  const passed = passRequestHeaders(request.headers, { isCopy: options.isCopy === true })
  for (const action of actionsOfHeaders(Object.keys(passed), key === '' ? 'bucket' : 'object')) {
    await authorize(call, action)
  }
  const upload = options.instead ?? (await readBody(call, options.body))
  const headers = { ...passed, ...upload?.headers, ...options.headers }
  const encodings = [upload?.headers['content-encoding'], passed['content-encoding']]
  const encoding = encodings.filter((text) => text !== undefined).join(',')
  if (encoding !== '') headers['content-encoding'] = encoding
  const answer = await call.upstream
    .send({
      method: request.method,
      bucket,
      key,
      query: [...query],
      headers,
      payloadHash: upload?.payloadHash ?? emptySha256,
      body: upload?.body,
      requestId: request.requestId,
    })
    .catch((error: unknown) => {
      // a file of ours goes with it
      if (call.form !== undefined && upload?.body instanceof Readable) upload.body.destroy()
      throw error
    })
  const upstreamId = answer.headers.get('x-amz-request-id')
  if (upstreamId !== undefined) request.log['upstreamRequestId'] = upstreamId.slice(0, 64)
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
  const { headers } = call.request
  if (!headers.has('content-length') && !headers.has('x-amz-decoded-content-length')) {
    throw new AwsError('MissingContentLength', 'the request must have a content-length header')
  }
  return prepareUpload(openBody(call, { maxBytes: maxObjectBytes, isEtagWanted: false }))
}

/**
 * A server behind may fold `a/../b` into `b`, and give what the policy station never judged.
 *
 * @throws {AwsError} `XMinioInvalidObjectName`, as MinIO.
 */
export function requirePlainKey(key: string): void {
  if (!key.split('/').some((segment) => segment === '.' || segment === '..')) return
  const message = 'keys with . or .. between slashes are not passed on to the upstream S3'
  throw new AwsError('XMinioInvalidObjectName', message)
}
