/** Handles requests of MinIO's admin API, of which only `revoke-tokens` is supported. */
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
import { readRevocation } from './read-revocation.ts'

export interface AdminServices {
  readonly authenticator: RequestAuthenticator
  readonly authorizer: Authorizer
  readonly sessions: SessionStore
  readonly log: Log
}

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
  if (!revokePath.test(request.rawPath))
    throw new AwsError('NotImplemented', 'of MinIO’s admin API only revoke-tokens is supported')
  recorder.setOperation('RevokeTokens')
  if (request.method !== 'POST')
    throw new AwsError('MethodNotAllowed', 'revoke-tokens takes a POST')
  // A presigned URL is rejected, because anybody who finds one in a log could use it.
  const isSigned = request.headers.has('authorization')
  const { principal } = isSigned
    ? await services.authenticator.authenticate(request, { service: 's3' })
    : { principal: undefined }
  if (principal === undefined)
    throw new AwsError('AccessDenied', 'revoke-tokens must be signed (Signature Version 4)')
  recorder.setCaller(describePrincipal(principal))
  const { target, isOwn } = readRevocation(request.query, principal)
  if (!isOwn && principal.kind !== 'root') {
    // The permission that MinIO requires.
    const action = 'admin:RemoveServiceAccount'
    const authorization = { principal, action, bucket: '', object: '', conditions: new Map() }
    const decision = await recordDecisions(services.authorizer, recorder).authorize(authorization)
    if (!decision.isAllowed)
      throw new AwsError('AccessDenied', `revoking another’s sessions needs ${action}`)
  }
  await services.sessions.revoke(target)
  return { status: 204 }
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
