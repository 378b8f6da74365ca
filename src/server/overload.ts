/** Tells the listener what kind each request is, and how a request is refused under overload. */
import { AwsError } from '../protocol/aws-error.ts'
import { encodeS3Error } from '../protocol/s3-wire.ts'
import { encodeStsError } from '../protocol/sts-wire.ts'
import type { Overload, RequestKind } from './http/admission-control.ts'
import type { HttpOutcome, HttpReply, HttpRequest } from './http/http-message.ts'
import { serverOperations } from './http/request-facts.ts'
import { describeOperation } from './http/request-recorder.ts'
import { isAwsLoginRequest } from './http/aws-login-request.ts'
import { isStsRequest } from './http/router.ts'
import type { ServerOptions } from './options/server-options.ts'

/**
 * Work on a directory is done by four threads and one processor: more requests at once only delay all of them, and the refusals too. A gateway
 * mostly waits for its upstream.
 */
const defaultMaxRunning = { directory: 64, gateway: 256 }
/** With the running ones, enough for three programs of a hundred connections each. */
const maxQueued = 256
const defaultMaxWaitMs = 5000

/** Makes the listener's overload rules. @param onRefused Called with each refusal, for the metrics. */
export function createOverload(
  { requests, objects }: Pick<ServerOptions, 'requests' | 'objects'>,
  onRefused: (outcome: HttpOutcome) => void,
): Overload {
  return {
    limits: {
      maxRunning: requests?.maxRunning ?? defaultMaxRunning[objects.kind],
      maxQueued,
      maxWaitMs: requests?.maxWaitMs ?? defaultMaxWaitMs,
    },
    classify: classifyRequest,
    toRefusal(request, why) {
      const outcome = toOutcome(request, why)
      onRefused(outcome)
      return outcome
    },
  }
}

/** Sub-resources whose PUT has a document as its body. In every other PUT the body is the object. */
const documents: ReadonlySet<string> = new Set(
  `acl accelerate analytics cors encryption intelligent-tiering inventory legal-hold lifecycle logging metrics
    notification object-lock ownershipControls policy publicAccessBlock replication requestPayment retention
    tagging versioning website`.split(/\s+/),
)

/** Returns the kind of a request. It is a guess: nothing is allowed because of it. */
export function classifyRequest(request: HttpRequest): RequestKind {
  const { method, rawPath, query, headers } = request
  const isRead = method === 'GET' || method === 'HEAD'
  if (isRead && (rawPath.startsWith('/minio/health/') || rawPath === '/metrics')) return 'free'
  if (isStsRequest(request)) return 'form'
  if (method === 'POST' && isAwsLoginRequest(request)) return 'form'
  if (method === 'PUT')
    return query.pairs.some(([name]) => documents.has(name)) ? 'document' : 'data'
  const isForm = /^multipart\/form-data\b/i.test(headers.get('content-type') ?? '')
  return method === 'POST' && isForm ? 'upload-form' : 'document'
}

function toOutcome(request: HttpRequest, why: 'busy' | 'slow'): HttpOutcome {
  const error = toOverloadError(why)
  const { code, message } = error
  const facts = describeOperation(serverOperations.refused, { code, reason: message })
  return { reply: toReply(error, request, why), facts }
}

function toOverloadError(why: 'busy' | 'slow'): AwsError {
  return why === 'busy'
    ? new AwsError('SlowDown', 'Please reduce your request rate.')
    : new AwsError(
        'RequestTimeout',
        'Your socket connection to the server was not read from or written to within the timeout period.',
      )
}

/** Returns the refusal as the API words it that the client called: an STS client cannot read S3's document, nor an S3 client the STS's. */
function toReply(error: AwsError, request: HttpRequest, why: 'busy' | 'slow'): HttpReply {
  const { requestId, rawPath, method } = request
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
