/** `sso`, the portal of IAM Identity Center: accounts, roles and credentials for an access token (AWS IAM Identity Center Portal API reference). */
import { readString, type JsonObject } from '../../base/parse.ts'
import type { HttpRequest } from '../http/http-message.ts'
import { accountId } from '../identity/account.ts'
import { findRoleArn } from '../sts/list-granted-roles.ts'
import { LoginError, readTokenFault } from './login-error.ts'
import {
  portalSeconds,
  ssoSessionMs,
  type LoginOperation,
  type LoginServices,
} from './login-services.ts'
import { nameOf, readPerson, type Person } from './people.ts'
import { toJsonReply } from './read-json.ts'

/** `ListAccounts`: the identity provider is the one account. */
export const listAccounts: LoginOperation = async ({ http, recorder }, services) => {
  const { person } = await requirePerson(http, services)
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  const account = { accountId, accountName: services.provider.name, emailAddress: nameOf(person) }
  return toJsonReply(200, toPage(http, 'accountList', [account]))
}

/** `ListAccountRoles`. */
export const listAccountRoles: LoginOperation = async ({ http, recorder }, services) => {
  const { person } = await requirePerson(http, services)
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  requireAccount(http)
  const roles = await services.people.listRoles(person).catch(toPortalError)
  const list = roles.map(({ name }) => ({ roleName: name, accountId }))
  return toJsonReply(200, toPage(http, 'roleList', list))
}

/** `GetRoleCredentials`. */
export const getRoleCredentials: LoginOperation = async (call, services) => {
  const { http } = call
  const { people, sts } = services
  const { person, endsAtMs } = await requirePerson(http, services)
  requireAccount(http)
  const wanted = http.query.get('role_name') ?? ''
  const roleArn = findRoleArn(wanted, sts)
  if (roleArn === undefined)
    throw new LoginError(
      'ForbiddenException',
      `the role ${wanted.slice(0, 64)} is not one of yours`,
    )
  const durationSeconds = Math.min(
    portalSeconds,
    sts.limits.maxDurationSeconds,
    Math.ceil((endsAtMs - sts.nowMs()) / 1000),
  )
  const issued = await people.issue(person, { roleArn, durationSeconds }, call).catch(toPortalError)
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = issued.credentials
  // In milliseconds, unlike every other time of these APIs.
  const roleCredentials = {
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration: expiration.getTime(),
  }
  return toJsonReply(200, { roleCredentials })
}

/** `Logout`: ends the login, with its refresh tokens. Credentials that were issued live on until their end, as at AWS. */
export const logOut: LoginOperation = async ({ http, recorder }, services) => {
  const { person, sessionId } = await requirePerson(http, services)
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  const endsAtMs = services.sts.nowMs() + ssoSessionMs
  if (!(await services.memory.add({ kind: 'signed-out', name: sessionId }, 'yes', endsAtMs)))
    throw new LoginError('TooManyRequestsException', 'too many people sign out; try again later')
  return toJsonReply(200, {})
}

interface Bearer {
  readonly person: Person
  readonly sessionId: string
  readonly endsAtMs: number
}

/** @throws {LoginError} `UnauthorizedException` for a token that is over, signed out, or not of this server: clients then say to log in again. */
async function requirePerson(
  { headers }: HttpRequest,
  { sealer, memory, sts }: LoginServices,
): Promise<Bearer> {
  const value = sealer.open('access', headers.get('x-amz-sso_bearer_token') ?? '')
  const person = readPerson(value)
  if (value === undefined || value === 'over' || person === undefined)
    throw unauthorized('the access token is over, or not of this server: sign in again')
  const sessionId = readString(value, 'sessionId') ?? ''
  if ((await memory.read({ kind: 'signed-out', name: sessionId })) !== undefined)
    throw unauthorized('this login was signed out: sign in again')
  return { person, sessionId, endsAtMs: Number(value['endsAtMs'] ?? sts.nowMs()) }
}

function requireAccount({ query }: HttpRequest): void {
  if (query.get('account_id') === accountId) return
  throw new LoginError('ForbiddenException', `there is one account here, ${accountId}`)
}

/** Returns a page of a list; `max_result` and `next_token` are those of the query. */
function toPage({ query }: HttpRequest, member: string, list: readonly JsonObject[]): JsonObject {
  const size = Number(query.get('max_result') ?? '100')
  const start = Number(query.get('next_token') ?? '0')
  const isWhole = Number.isInteger(size) && Number.isInteger(start)
  if (!isWhole || size < 1 || size > 100 || start < 0 || start > list.length)
    throw new LoginError(
      'InvalidRequestException',
      'max_result is from 1 to 100, and next_token that of the last answer',
    )
  const end = start + size
  return {
    [member]: list.slice(start, end),
    ...(end < list.length ? { nextToken: String(end) } : {}),
  }
}

function toPortalError(error: unknown): never {
  const message = error instanceof Error ? error.message : ''
  switch (readTokenFault(error)) {
    case 'over':
      throw unauthorized(`${message}: sign in again`)
    case 'not-allowed':
      throw new LoginError('ForbiddenException', message)
    case 'try-again':
      throw new LoginError('InternalServerException', message, { cause: error })
    case undefined:
      throw error
  }
}

function unauthorized(message: string): LoginError {
  return new LoginError('UnauthorizedException', message)
}
