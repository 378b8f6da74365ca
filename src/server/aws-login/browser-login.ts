/**
 * The part of a login that a person sees: the browser comes with a request, goes to the identity provider, comes back with its code, and goes on to the
 * program that waits. Between these steps the state is in the browser, sealed, and bound to a cookie of this browser: an address that
 * somebody else began, or the state alone, leads nowhere.
 */
import { randomBytes } from 'node:crypto'
import { isSameSecret } from '../../base/constant-time.ts'
import { readString, type JsonObject } from '../../base/parse.ts'
import { hash, hmacText } from '../../protocol/digest.ts'
import type { HttpReply, HttpRequest } from '../http/http-message.ts'
import { loginPagesPath } from '../http/aws-login-request.ts'
import { answerDevice, checkDevice } from './device-approval.ts'
import { LoginError } from './login-error.ts'
import {
  showCodeQuestion,
  showDeviceQuestion,
  showRemoteCode,
  showRoleChoice,
} from './login-pages.ts'
import type { LoginOperation, LoginServices } from './login-services.ts'
import { nameOf, readPerson, toJson, type Person } from './people.ts'
import {
  originOf,
  readAuthorization,
  readCodeRequest,
  signInClients,
} from './read-authorization.ts'
import { readFields } from './read-json.ts'

/** The time in which a person must sign in; the AWS CLI waits as long. */
const loginMs = 10 * 60 * 1000
/** The AWS CLI trades a code at once. */
const codeMs = 60 * 1000

/** `GET /v1/authorize` of AWS Sign-In. */
export const authorizeSignIn: LoginOperation = ({ http }, services) =>
  beginLogin(http, { ...readAuthorization(http, 'sign-in') }, services)

/** `GET /authorize` of IAM Identity Center. */
export const authorizeSso: LoginOperation = ({ http }, services) =>
  beginLogin(http, { ...readAuthorization(http, 'sso') }, services)

/** `GET /minio/aws-login/device`: asks for a device's code; with one, begins a login for it. */
export const openDevicePage: LoginOperation = async ({ http }, services) => {
  const userCode = http.query.get('user_code')
  if (userCode === undefined) return showCodeQuestion()
  return beginLogin(http, { userCode: userCode.slice(0, 16) }, services)
}

/** Sends the browser to the provider. @param purpose What the person signs in for; it comes back by the browser. */
async function beginLogin(
  http: HttpRequest,
  purpose: JsonObject,
  { sealer, provider, sts }: LoginServices,
): Promise<HttpReply> {
  const cookie = randomBytes(32).toString('base64url')
  const id = randomBytes(6).toString('hex')
  const nonce = randomBytes(16).toString('base64url')
  const browser = hash('sha256', cookie).toString('base64url')
  const state = sealer.seal('pending', { ...purpose, id, nonce, browser }, sts.nowMs() + loginMs)
  const url = await provider.authorizationUrl({
    redirectUri: callbackOf(http),
    verifier: deriveVerifier(cookie, sealer),
    state,
    nonce,
  })
  const parts = [
    `${cookiePrefix}${id}=${cookie}`,
    `Path=${loginPagesPath}`,
    `Max-Age=${loginMs / 1000}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(http.isTls ? ['Secure'] : []),
  ]
  return redirect(url.href, { 'set-cookie': parts.join('; ') })
}

/** `GET /minio/aws-login/callback`: the browser comes back from the provider. */
export const comeBack: LoginOperation = async ({ http, recorder }, services) => {
  const { sealer, provider, people, sts } = services
  const pending = sealer.open('pending', http.query.get('state') ?? '')
  const { cookie, value } = requireBrowser(http, pending)
  const request = readCodeRequest(value)
  const code = http.query.get('code')
  if (code === undefined) {
    if (request === undefined)
      throw new LoginError('AccessDeniedException', 'the identity provider did not sign you in')
    return tellClient(request.redirectUri, { error: 'access_denied', state: request.state })
  }
  const tokens = await provider.redeem(code, {
    redirectUri: callbackOf(http),
    verifier: deriveVerifier(cookie, sealer),
    nonce: readString(value, 'nonce') ?? '',
  })
  const { person, roles } = await people.recognise(tokens)
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  const login = (): string => {
    const { id, browser } = value
    const choice = { ...value, ...toJson(person), id, browser }
    return sealer.seal('choice', choice, sts.nowMs() + loginMs)
  }
  const userCode = readString(value, 'userCode')
  if (request === undefined) {
    await checkDevice(userCode ?? '', services)
    return showDeviceQuestion(nameOf(person), userCode ?? '', login())
  }
  const [first, second] = roles
  // The portal's client chooses its roles itself.
  if (request.service === 'sign-in' && second !== undefined)
    return showRoleChoice({
      name: nameOf(person),
      roles,
      login: login(),
      redirectUri: request.redirectUri,
    })
  return giveCode(value, { person, roleArn: first?.arn ?? '' }, services)
}

/** `POST /minio/aws-login/continue`: the person chose a role, or let a device in. */
export const goOn: LoginOperation = async ({ http, recorder }, services) => {
  const fields = await readFields(http)
  const { value } = requireBrowser(http, services.sealer.open('choice', fields.get('login') ?? ''))
  const person = readPerson(value)
  if (person === undefined) throw new LoginError('InvalidRequestException', startAgain)
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  const userCode = readString(value, 'userCode')
  if (userCode !== undefined)
    return answerDevice({ userCode, person, isAllowed: fields.get('answer') === 'yes' }, services)
  const roles = await services.people.listRoles(person)
  const role = roles.find(({ arn }) => arn === fields.get('role'))
  if (role === undefined)
    throw new LoginError('ForbiddenException', 'that role is not one of yours')
  return giveCode(value, { person, roleArn: role.arn }, services)
}

interface Grant {
  readonly person: Person
  readonly roleArn: string
}

/** Sends the browser on with a code, which is used once. */
async function giveCode(
  value: JsonObject,
  { person, roleArn }: Grant,
  { sealer, memory, sts }: LoginServices,
): Promise<HttpReply> {
  const request = readCodeRequest(value)
  if (request === undefined) throw new LoginError('InvalidRequestException', startAgain)
  const code = randomBytes(32).toString('base64url')
  const endsAtMs = sts.nowMs() + codeMs
  const grant = sealer.seal('memory', { ...request, ...toJson(person), roleArn }, endsAtMs)
  if (!(await memory.add(keyOfCode(code), grant, endsAtMs)))
    throw new LoginError('TooManyRequestsException', 'too many people sign in; try again later')
  const { redirectUri, state, clientId } = request
  if (clientId === signInClients.crossDevice) return showRemoteCode(state, code)
  return tellClient(redirectUri, { code, state })
}

/** Returns where the grant of a code is remembered: not under the code itself, which is a secret. */
export function keyOfCode(code: string): { readonly kind: 'code'; readonly name: string } {
  return { kind: 'code', name: hash('sha256', code).toString('base64url') }
}

const cookiePrefix = 'sts-cli-login-'
const startAgain = 'this login is over, or it began in another browser: start again in the terminal'

/** @throws {LoginError} If the value was not made for this browser, or its time is over. */
function requireBrowser(
  { headers }: HttpRequest,
  value: JsonObject | 'over' | undefined,
): { cookie: string; value: JsonObject } {
  if (value === undefined || value === 'over')
    throw new LoginError('InvalidRequestException', startAgain)
  const name = `${cookiePrefix}${readString(value, 'id') ?? ''}=`
  const pairs = (headers.get('cookie') ?? '').split(/[;,]\s*/)
  const cookie = pairs.find((pair) => pair.startsWith(name))?.slice(name.length) ?? ''
  const browser = hash('sha256', cookie).toString('base64url')
  if (!isSameSecret(browser, readString(value, 'browser') ?? ''))
    throw new LoginError('InvalidRequestException', startAgain)
  return { cookie, value }
}

/** PKCE's verifier is not in the state, which passes through addresses; only this browser's cookie leads to it. */
function deriveVerifier(cookie: string, sealer: LoginServices['sealer']): string {
  return hmacText('sha256', sealer.deriveKey('verifier'), cookie, 'base64url')
}

function callbackOf(http: HttpRequest): string {
  return `${originOf(http)}${loginPagesPath}callback`
}

function tellClient(redirectUri: string, parameters: Readonly<Record<string, string>>): HttpReply {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return redirect(url.href)
}

function redirect(location: string, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status: 302,
    headers: {
      location,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...headers,
    },
  }
}
