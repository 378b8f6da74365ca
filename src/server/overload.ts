/** What each request is to the listener that counts them, and how the server says that it has too many. */
import { AwsError } from '../protocol/aws-error.ts'
import { encodeS3Error } from '../protocol/s3-wire.ts'
import { encodeStsError } from '../protocol/sts-wire.ts'
import type { Overload, RequestKind } from './http/admit-request.ts'
import type { HttpReply, HttpRequest } from './http/http-message.ts'
import { isStsRequest } from './http/router.ts'
import type { ServerOptions } from './options/server-options.ts'

/**
 * Work on a directory is done by four threads and one processor: more at once only makes all of them late, and the refusals too. Behind a
 * gateway most of the time is the upstream's.
 */
const defaultMaxRunning = { directory: 64, gateway: 256 }
/** With those that are worked on: three programs with a hundred connections each are never refused. */
const maxQueued = 256
const defaultMaxWaitMs = 5000

/** Makes the listener's overload rules. @param onRefused Is told of each refusal, for the metrics. */
export function createOverload(
  { requests, objects }: Pick<ServerOptions, 'requests' | 'objects'>,
  onRefused: (status: number) => void,
): Overload {
  return {
    limits: {
      maxRunning: requests?.maxRunning ?? defaultMaxRunning[objects.kind],
      maxQueued,
      maxWaitMs: requests?.maxWaitMs ?? defaultMaxWaitMs,
    },
    classify: classifyRequest,
    refuse(request, why) {
      const reply = refuseRequest(request, why)
      onRefused(reply.status)
      return reply
    },
  }
}

/** Sub-resources whose PUT has a document: in all other PUTs the body is the object. */
const documents =
  /(?:^|&)(?:acl|accelerate|analytics|cors|encryption|intelligent-tiering|inventory|legal-hold|lifecycle|logging|metrics|notification|object-lock|ownershipControls|policy|publicAccessBlock|replication|requestPayment|retention|tagging|versioning|website)(?:[=&]|$)/

/** Returns what a request is to the listener; no more than a guess, by which nothing is allowed. */
export function classifyRequest(request: HttpRequest): RequestKind {
  const { method, rawPath, rawQuery, headers } = request
  const isRead = method === 'GET' || method === 'HEAD'
  if (isRead && (rawPath.startsWith('/minio/health/') || rawPath === '/metrics')) return 'free'
  if (isStsRequest(request)) return 'form'
  if (method === 'PUT') return documents.test(rawQuery) ? 'document' : 'data'
  const isForm = /^multipart\/form-data\b/i.test(headers.get('content-type') ?? '')
  return method === 'POST' && isForm ? 'upload-form' : 'document'
}

/** In the words of the half that the client asked: an STS reads no S3 document, nor the other way round. */
function refuseRequest(request: HttpRequest, why: 'busy' | 'slow'): HttpReply {
  const { requestId, rawPath, method } = request
  const error =
    why === 'busy'
      ? new AwsError('SlowDown', 'Please reduce your request rate.')
      : new AwsError(
          'RequestTimeout',
          'Your socket connection to the server was not read from or written to within the timeout period.',
        )
  request.log['error'] = error.code
  const headers = {
    'content-type': 'application/xml',
    'cache-control': 'no-store',
    ...(why === 'busy' ? { 'retry-after': '1' } : {}),
  }
  if (method === 'HEAD') return { status: error.status, headers }
  const body = isStsRequest(request)
    ? encodeStsError(error, requestId)
    : encodeS3Error(error, { resource: rawPath, requestId, hostId: 'sts-cli' })
  return { status: error.status, headers, body }
}
