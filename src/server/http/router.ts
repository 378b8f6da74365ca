/** Passes each request to its handler. STS and S3 share one address, as in MinIO. */
import { isAwsLoginRequest } from './aws-login-request.ts'
import type { HttpHandler, HttpOutcome, HttpReply, HttpRequest } from './http-message.ts'
import { serverOperations } from './request-facts.ts'
import { describeOperation } from './request-recorder.ts'

export interface Routes {
  readonly sts: HttpHandler
  readonly s3: HttpHandler
  /** Handles everything below `/minio/admin/`; no bucket can be named `minio`. */
  readonly admin: HttpHandler
  /** Handles the login of AWS's own tools. */
  readonly awsLogin: HttpHandler
  /** Resolves to true when everything that the server depends on answers. */
  readonly checkReady: () => Promise<boolean>
  /** Resolves to the metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>
  /** Returns whether another machine may read the metrics with this `Authorization` header. */
  readonly mayReadMetrics: (authorization: string) => boolean
  /** Returns whether the host names a bucket, so that the path is a key in it. */
  readonly isBucketHost: (host: string) => boolean
}

/**
 * Returns the handler of all requests. The order is that of MinIO's router (docs/wire.md §1.1). When the host names a bucket, all paths are keys in
 * it, `/minio/health/live` too.
 */
export function createRouter(routes: Routes): HttpHandler {
  return (request) => {
    if (isStsRequest(request)) return routes.sts(request)
    if (routes.isBucketHost(request.headers.get('host') ?? '')) return routes.s3(request)
    if (request.rawPath.startsWith('/minio/health/')) return answerHealth(request, routes)
    if (request.rawPath === '/metrics' && request.method === 'GET' && !isSigned(request))
      return answerMetrics(request, routes)
    if (request.rawPath.startsWith('/minio/admin/')) return routes.admin(request)
    if (isAwsLoginRequest(request)) return routes.awsLogin(request)
    return routes.s3(request)
  }
}

/**
 * Returns whether a request is for the STS. It is a POST to `/` whose query names an action or whose body is a form. A POST to `/` without
 * a query and a content type is for the STS too, because no S3 operation has that form.
 */
export function isStsRequest(request: HttpRequest): boolean {
  if (request.method !== 'POST' || (request.rawPath !== '/' && request.rawPath !== '')) return false
  if (request.query.has('Action')) return true
  const contentType = request.headers.get('content-type') ?? ''
  return (
    request.rawQuery === '' &&
    (contentType === '' || contentType.startsWith('application/x-www-form-urlencoded'))
  )
}

/**
 * Returns whether no page of another origin may read the answer: of the admin API, which no page has a use for; of the login, whose pages read
 * cookies; and of the metrics, which this machine reads without a token, and with it every page in its browser.
 */
export function isClosedToPages(
  request: HttpRequest,
  isBucketHost: Routes['isBucketHost'],
): boolean {
  const { rawPath, headers } = request
  const isClosed =
    rawPath === '/metrics' || rawPath.startsWith('/minio/admin/') || isAwsLoginRequest(request)
  if (!isClosed) return false
  return !isBucketHost(headers.get('host') ?? '')
}

async function answerHealth(request: HttpRequest, routes: Routes): Promise<HttpOutcome> {
  const reply = await replyHealth(request, routes)
  return { reply, facts: describeOperation(serverOperations.health) }
}

async function replyHealth(request: HttpRequest, { checkReady }: Routes): Promise<HttpReply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405 }
  switch (request.rawPath.slice('/minio/health/'.length)) {
    case 'live':
      return { status: 200 }
    case 'ready':
    case 'cluster':
      return { status: (await checkReady()) ? 200 : 503 }
    default:
      return { status: 404 }
  }
}

const notAllowed = {
  code: 'AccessDenied',
  reason: 'from another machine, metrics need the bearer token of a scraper',
}

async function answerMetrics(request: HttpRequest, routes: Routes): Promise<HttpOutcome> {
  const isLocal = /^(::ffff:)?127\.|^::1$/.test(request.remoteAddress)
  if (!isLocal && !routes.mayReadMetrics(request.headers.get('authorization') ?? ''))
    return {
      reply: { status: 403 },
      facts: describeOperation(serverOperations.metrics, notAllowed),
    }
  const reply = {
    status: 200,
    headers: { 'content-type': 'text/plain; version=0.0.4' },
    body: await routes.metrics(),
  }
  return { reply, facts: describeOperation(serverOperations.metrics) }
}

/** Returns whether the headers or the query contain a signature. A bearer token is not a signature: S3 has no such scheme. */
function isSigned(request: HttpRequest): boolean {
  const authorization = request.headers.get('authorization') ?? 'Bearer'
  return (
    !/^Bearer\b/i.test(authorization) ||
    request.query.pairs.some(([name]) => name.startsWith('X-Amz-'))
  )
}
