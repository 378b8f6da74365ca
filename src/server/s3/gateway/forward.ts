/** Forwards an authorized request to the upstream. Its address and query are rebuilt, so that exactly what was authorized is sent. */
import { Readable } from 'node:stream'
import type { PooledAnswer } from '../../../base/http/stream-pool.ts'
import { emptySha256 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { missingLength } from '../body/body-errors.ts'
import { hasLength } from '../body/declarations.ts'
import { actionsOfHeaders, isIdleFlag } from '../request/action-rules.ts'
import { requireCannedAcl } from '../request/canned-acl.ts'
import { openBody, type S3Request } from '../request/s3-operation.ts'
import { maxPutBytes } from '../request/upload-parameters.ts'
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
  /** `none`: a body is not read. `document` is read into memory; `object` is streamed. */
  readonly body: 'none' | 'document' | 'object'
  readonly isCopy?: boolean
  /** Added to the client's headers. */
  readonly headers?: Readonly<Record<string, string>>
  /** Makes the body that replaces the client's. Called after the headers were authorized; the body is not read before that. */
  readonly makeBody?: () => Promise<UploadBody>
}

/** Limit of configurations, policies, and lists of parts and keys. */
export const maxDocumentBytes = 8 * 1024 * 1024

const aclHeader = /^x-amz-(acl|grant-.*)$/

/** Forwards the request and returns the upstream's answer, with its body unread. @throws {AwsError} as `Upstream.send`. */
export async function requestUpstream(
  call: GatewayCall,
  options: ForwardOptions,
): Promise<PooledAnswer> {
  const message = await prepareMessage(call, options)
  return send(call, message).catch((error: unknown) => {
    // This removes its temporary file.
    if (call.form !== undefined && message.body instanceof Readable) message.body.destroy()
    throw error
  })
}

/** Authorizes the headers, then prepares the body, and returns what is to be sent. @throws {AwsError} `AccessDenied`, and for a wrong body. */
export async function prepareMessage(
  call: GatewayCall,
  options: ForwardOptions,
): Promise<Omit<UpstreamRequest, 'requestId'>> {
  const { request, bucket, key, query } = call
  const passed = await authorizeHeaders(call, options)
  const upload = await (options.makeBody?.() ?? readBody(call, options.body))
  const headers = { ...passed, ...upload?.headers, ...options.headers }
  const encodings = [upload?.headers['content-encoding'], passed['content-encoding']]
  const encoding = encodings.filter((text) => text !== undefined).join(',')
  if (encoding !== '') headers['content-encoding'] = encoding
  return {
    method: request.method,
    bucket,
    key,
    query: query.pairs,
    headers,
    payloadHash: upload?.payloadHash ?? emptySha256,
    body: upload?.body,
  }
}

/**
 * Authorizes the caller for what the headers ask for, and returns the headers for the upstream.
 *
 * @throws {AwsError} `AccessDenied`, `InvalidArgument` for a canned ACL that S3 does not have, and as `passRequestHeaders`.
 */
export async function authorizeHeaders(
  call: GatewayCall,
  { isCopy = false }: Pick<ForwardOptions, 'isCopy'> = {},
): Promise<Record<string, string>> {
  const isAcl = call.query.has('acl')
  const level = call.key === '' ? 'bucket' : 'object'
  const passed = passRequestHeaders(call.request.headers, { isCopy, isAcl })
  requireCannedAcl(passed['x-amz-acl'] ?? 'private')
  // If the request is about an ACL, the operation's own action covers these headers.
  const asking = Object.keys(passed).filter(
    (name) => !(isAcl && aclHeader.test(name)) && !isIdleFlag(name, passed[name]),
  )
  for (const action of actionsOfHeaders(asking, level)) {
    await authorizeKey(call, action)
  }
  return passed
}

/** Sends an authorized request, and records the upstream's request ID. @throws {AwsError} as `Upstream.send`. */
export async function send(
  { request, recorder, upstream }: GatewayCall,
  message: Omit<UpstreamRequest, 'requestId'>,
): Promise<PooledAnswer> {
  const answer = await upstream.send({ ...message, requestId: request.requestId })
  const upstreamId = answer.headers.get('x-amz-request-id')
  if (upstreamId !== undefined) recorder.setUpstreamRequestId(upstreamId)
  return answer
}

/** Forwards the request and returns the upstream's answer as the reply. */
export async function forward(call: GatewayCall, options: ForwardOptions): Promise<HttpReply> {
  return toReply(await requestUpstream(call, options), call)
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
    return spoolUpload(openBody(call, { maxBytes: maxPutBytes, isEtagNeeded: false }))
  if (!hasLength(call.request.headers)) throw missingLength()
  return prepareUpload(openBody(call, { maxBytes: maxPutBytes, isEtagNeeded: false }))
}
