/** Handles requests of MinIO's admin API, of which only `revoke-tokens` is supported, and the list of decided requests. */
import type { Log } from '../../base/log.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { createHandler } from '../http/create-handler.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import type { RequestAuthenticator } from '../identity/request-authenticator.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import { recordDecisions } from '../policy/record-decisions.ts'
import { describePrincipal } from '../sessions/describe-principal.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { Principal } from '../sessions/principal.ts'
import { requestsPath, trafficPath, traceAction, type RequestsHandler } from './handle-requests.ts'
import { readRevocation } from './read-revocation.ts'

export interface AdminServices {
  readonly authenticator: RequestAuthenticator
  readonly authorizer: Authorizer
  readonly sessions: SessionStore
  readonly requests: RequestsHandler
  readonly log: Log
}

const requestPath = /^\/minio\/admin\/v3\/sts-cli\/(?:policy|requests(?:\/[0-9A-Fa-f]{1,32})?)$/
/** The path ends with the name of an identity provider. The name has no effect: user names are the same for all providers. */
const revokePath = /^\/minio\/admin\/v3\/revoke-tokens\/[A-Za-z0-9_-]{1,64}$/

/** Returns the handler of all requests below `/minio/admin/`. It never throws. */
export function createAdminHandler(services: AdminServices): HttpHandler {
  return createHandler({
    name: 'admin',
    log: services.log,
    answer: (request, recorder) => answer(request, recorder, services),
    toReply,
  })
}

async function answer(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: AdminServices,
): Promise<HttpReply> {
  const { rawPath } = request
  if (revokePath.test(rawPath)) return revoke(request, recorder, services)
  if (requestPath.test(rawPath)) return tellRequests(request, recorder, services)
  throw new AwsError(
    'NotImplemented',
    'of MinIO’s admin API only revoke-tokens is supported, and the list of decided requests beside it',
  )
}

async function revoke(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: AdminServices,
): Promise<HttpReply> {
  recorder.setOperation('RevokeTokens')
  if (request.method !== 'POST')
    throw new AwsError('MethodNotAllowed', 'revoke-tokens takes a POST')
  const principal = await authenticate(request, recorder, services)
  const { target, isOwn } = readRevocation(request.query, principal)
  // The permission that MinIO requires.
  if (!isOwn)
    await requirePermission('admin:RemoveServiceAccount', {
      principal,
      recorder,
      services,
      what: 'revoking another’s sessions',
    })
  await services.sessions.revoke(target)
  return { status: 204 }
}

const operations = new Map([
  [requestsPath, 'ListRequests'],
  [trafficPath, 'MakePolicy'],
])

async function tellRequests(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: AdminServices,
): Promise<HttpReply> {
  recorder.setOperation(operations.get(request.rawPath) ?? 'ExplainRequest')
  if (request.method !== 'GET') throw new AwsError('MethodNotAllowed', 'requests are read by GET')
  const principal = await authenticate(request, recorder, services)
  const what = 'reading the decided requests'
  await requirePermission(traceAction, { principal, recorder, services, what })
  return services.requests.answer(request)
}

/** A presigned URL is rejected, because anybody who finds one in a log could use it. */
async function authenticate(
  request: HttpRequest,
  recorder: RequestRecorder,
  { authenticator }: AdminServices,
): Promise<Principal> {
  const isSigned = request.headers.has('authorization')
  const { principal } = isSigned
    ? await authenticator.authenticate(request, { service: 's3' })
    : { principal: undefined }
  if (principal === undefined)
    throw new AwsError('AccessDenied', 'the request must be signed (Signature Version 4)')
  recorder.setCaller(describePrincipal(principal))
  return principal
}

/** Root may do everything here, also where an external engine decides. @throws {AwsError} `AccessDenied`. */
async function requirePermission(
  action: string,
  {
    principal,
    recorder,
    services,
    what,
  }: {
    readonly principal: Principal
    readonly recorder: RequestRecorder
    readonly services: AdminServices
    readonly what: string
  },
): Promise<void> {
  if (principal.kind === 'root') return
  const question = { principal, action, bucket: '', object: '', conditions: new Map() }
  const { isAllowed } = await recordDecisions(services.authorizer, recorder).authorize(question)
  if (!isAllowed) throw new AwsError('AccessDenied', `${what} needs ${action}`)
}

function toReply(error: AwsError, request: HttpRequest): HttpReply {
  return {
    status: error.status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    // The JSON member names that MinIO's admin clients read.
    body: JSON.stringify({
      Code: error.code,
      Message: error.message,
      Resource: request.rawPath,
      RequestId: request.requestId,
    }),
  }
}
