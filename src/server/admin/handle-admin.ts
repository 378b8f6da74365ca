/** MinIO's admin API, as far as it is about sessions. The only place where its refusals become a status and a document. */
import type { Log } from '../../base/log.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestAuthenticator } from '../identity/request-authenticator.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import { readRevocation } from './read-revocation.ts'

export interface AdminServices {
  readonly authenticator: RequestAuthenticator
  readonly authorizer: Authorizer
  readonly sessions: SessionStore
  readonly log: Log
}

/** The provider's name says nothing here: a user's name is one, whoever vouched for it. */
const revokePath = /^\/minio\/admin\/v3\/revoke-tokens\/[A-Za-z0-9_-]{1,64}$/

/** Makes the handler of everything below `/minio/admin/`. */
export function createAdminHandler(services: AdminServices): HttpHandler {
  return async (request) => {
    try {
      return await answer(request, services)
    } catch (error) {
      return refuse(error, request, services)
    }
  }
}

async function answer(request: HttpRequest, services: AdminServices): Promise<HttpReply> {
  if (!revokePath.test(request.rawPath))
    throw new AwsError('NotImplemented', 'of MinIO’s admin API there is revoke-tokens alone')
  request.log['action'] = 'RevokeTokens'
  if (request.method !== 'POST')
    throw new AwsError('MethodNotAllowed', 'revoke-tokens takes a POST')
  // Not by a presigned URL: whoever finds one in a log could use it.
  const isSigned = request.headers.has('authorization')
  const { principal } = isSigned
    ? await services.authenticator.authenticate(request, { service: 's3' })
    : { principal: undefined }
  if (principal === undefined)
    throw new AwsError('AccessDenied', 'revoke-tokens must be signed (Signature Version 4)')
  request.log['principal'] = principal.kind === 'root' ? 'root' : principal.subject
  const { target, isOwn } = readRevocation(new URLSearchParams(request.rawQuery), principal)
  if (!isOwn && principal.kind !== 'root') {
    // The permission that MinIO asks for.
    const action = 'admin:RemoveServiceAccount'
    const question = { principal, action, bucket: '', object: '', conditions: new Map() }
    const decision = await services.authorizer.authorize(question)
    request.log['decision'] = decision.reason
    if (!decision.isAllowed)
      throw new AwsError('AccessDenied', `revoking another’s sessions needs ${action}`)
  }
  await services.sessions.revoke(target)
  return { status: 204 }
}

function refuse(error: unknown, request: HttpRequest, { log }: AdminServices): HttpReply {
  const refusal =
    error instanceof AwsError ? error : new AwsError('InternalError', 'internal error')
  if (!(error instanceof AwsError))
    log.error({ requestId: request.requestId, err: error }, 'admin request failed')
  request.log['error'] = refusal.code
  request.log['reason'] = refusal.message
  return {
    status: refusal.status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    // MinIO's admin clients read JSON with these names.
    body: JSON.stringify({
      Code: refusal.code,
      Message: refusal.message,
      Resource: request.rawPath,
      RequestId: request.requestId,
    }),
  }
}
