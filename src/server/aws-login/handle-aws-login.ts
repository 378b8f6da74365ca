/** Handles the login of AWS's own tools: AWS Sign-In, IAM Identity Center, and the pages of both. Loaded by its first request. */
import { AwsError } from '../../protocol/aws-error.ts'
import { loginPagesPath } from '../http/aws-login-request.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import { createRequestRecorder } from '../http/request-recorder.ts'
import { authorizeSignIn, authorizeSso, comeBack, goOn, openDevicePage } from './browser-login.ts'
import { createSsoToken, registerClient, startDevice } from './identity-center.ts'
import { LoginError } from './login-error.ts'
import { showRefusal } from './login-pages.ts'
import type { LoginOperation, LoginServices } from './login-services.ts'
import { createPeople, type PeopleOptions } from './people.ts'
import { getRoleCredentials, listAccountRoles, listAccounts, logOut } from './portal.ts'
import { toJsonReply } from './read-json.ts'
import { createSealer } from './seal.ts'
import { createSignInToken } from './sign-in.ts'

export interface AwsLoginOptions extends Omit<PeopleOptions, 'sealer' | 'provider'> {
  /** Undefined if nobody can sign in here. */
  readonly provider: PeopleOptions['provider'] | undefined
  readonly rootSecret: string
}

interface Route {
  readonly name: string
  readonly run: LoginOperation
  /** True for what a browser shows. */
  readonly isPage?: boolean
}

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET /v1/authorize', { name: 'AuthorizeSignIn', run: authorizeSignIn, isPage: true }],
  ['POST /v1/token', { name: 'CreateOAuth2Token', run: createSignInToken }],
  ['GET /authorize', { name: 'AuthorizeSso', run: authorizeSso, isPage: true }],
  ['POST /client/register', { name: 'RegisterClient', run: registerClient }],
  ['POST /device_authorization', { name: 'StartDeviceAuthorization', run: startDevice }],
  ['POST /token', { name: 'CreateToken', run: createSsoToken }],
  ['GET /assignment/accounts', { name: 'ListAccounts', run: listAccounts }],
  ['GET /assignment/roles', { name: 'ListAccountRoles', run: listAccountRoles }],
  ['GET /federation/credentials', { name: 'GetRoleCredentials', run: getRoleCredentials }],
  ['POST /logout', { name: 'Logout', run: logOut }],
  [`GET ${loginPagesPath}device`, { name: 'LoginDevice', run: openDevicePage, isPage: true }],
  [`GET ${loginPagesPath}callback`, { name: 'LoginCallback', run: comeBack, isPage: true }],
  [`POST ${loginPagesPath}continue`, { name: 'LoginContinue', run: goOn, isPage: true }],
])

const unknownPage: Route = {
  name: 'other',
  isPage: true,
  run: async () => showRefusal(404, 'there is no such page'),
}

/** Returns the handler. It never throws. */
export function createAwsLoginHandler(options: AwsLoginOptions): HttpHandler {
  const { sts, provider, rootSecret, memory } = options
  const sealer = createSealer(rootSecret, sts.nowMs)
  const services: LoginServices | undefined = provider && {
    sts,
    provider,
    sealer,
    memory,
    people: createPeople({ ...options, provider, sealer }),
  }
  return async (http) => {
    const route = routes.get(`${http.method} ${http.rawPath}`) ?? unknownPage
    const recorder = createRequestRecorder(route.name)
    try {
      if (services === undefined) throw new LoginError('InvalidRequestException', noProvider)
      return { reply: await route.run({ http, recorder }, services), facts: recorder.toFacts() }
    } catch (error) {
      const refusal = toLoginError(error, http, sts.log)
      const facts = recorder.toFacts({ code: refusal.type, reason: refusal.message })
      const reply = route.isPage
        ? showRefusal(refusal.status, refusal.message)
        : toErrorReply(refusal, route.run === createSignInToken ? signInTypes : {})
      return { reply, facts }
    }
  }
}

const noProvider =
  'nobody can sign in at this server: it has no identity provider with a client for logins; see docs/aws-login.md'

/** Returns the refusal that the client gets; logs an error that is a bug. */
function toLoginError(
  error: unknown,
  { requestId }: HttpRequest,
  log: LoginServices['sts']['log'],
): LoginError {
  if (error instanceof LoginError) {
    if (error.cause !== undefined && error.status === 500)
      log.warn({ requestId, err: error.cause }, error.message)
    return error
  }
  // Refusals of the body's reader.
  if (error instanceof AwsError && error.status < 500)
    return new LoginError('InvalidRequestException', error.message)
  log.error({ requestId, err: error }, 'login request failed')
  return new LoginError('InternalServerException', 'internal error')
}

/** Clients read the type in the header, others in the body (AWS JSON protocols, "error serialization"); a login ends without it. */
function toErrorReply(
  { type, status, code, message }: LoginError,
  renamed: Readonly<Record<string, string>>,
): HttpReply {
  const name = renamed[type] ?? type
  const error = name === 'ValidationException' ? 'INVALID_REQUEST' : code
  const body = { __type: name, error, error_description: message, message }
  return toJsonReply(status, body, { 'x-amzn-errortype': name })
}

/** AWS Sign-In has other names for two types than `sso-oidc` (botocore's model `signin`). */
const signInTypes = {
  InvalidRequestException: 'ValidationException',
  TooManyRequestsException: 'TooManyRequestsError',
}
