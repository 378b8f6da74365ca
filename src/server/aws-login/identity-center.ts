/**
 * `sso-oidc` of IAM Identity Center: registration, device logins, and tokens for codes, devices and refresh tokens (AWS IAM Identity Center OIDC API
 * reference). Its clients are public: anybody can register, and a registration gives nothing. So one that this server did not make is taken
 * too, because clients keep theirs for months, and do not make a new one when a server's root secret changes.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { readNumber, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import { loginPagesPath } from '../http/aws-login-request.ts'
import { keyOfCode } from './browser-login.ts'
import { denied, keyOfDevice, refuseWaiting, waiting } from './device-approval.ts'
import { LoginError } from './login-error.ts'
import {
  portalSeconds,
  ssoSessionMs,
  type LoginOperation,
  type LoginServices,
} from './login-services.ts'
import { endOfToken, nameOf, readPerson, toJson, type Person } from './people.ts'
import { isLoopbackCallback, isVerifierOf, originOf } from './read-authorization.ts'
import { readJson, requireText, toJsonReply } from './read-json.ts'

const registrationMs = 90 * 24 * 60 * 60 * 1000
const deviceMs = 10 * 60 * 1000
const pollSeconds = 1
/** No vowels, so that no words arise (RFC 8628 §6.1); 8 letters are 34 bits, and a guess needs a login. */
const codeLetters = 'BCDFGHJKLMNPQRSTVWXZ'
const maxSecretChars = 48 * 1024

/** `RegisterClient`. */
export const registerClient: LoginOperation = async ({ http }, { sealer, sts }) => {
  const json = await readJson(http)
  requireText(json, 'clientName', 1024)
  if (requireText(json, 'clientType') !== 'public')
    throw new LoginError('InvalidRequestException', 'the member clientType must be public')
  const redirectUris = readStrings(json, 'redirectUris')
  const foreign = redirectUris.find((uri) => !isLoopbackCallback(uri))
  if (redirectUris.length > 10 || foreign !== undefined)
    throw new LoginError(
      'InvalidRequestException',
      'the member redirectUris may have http://127.0.0.1/oauth/callback only: a code is given to programs of the person’s own machine',
    )
  const nowMs = sts.nowMs()
  const clientId = randomUUID()
  const endsAtMs = nowMs + registrationMs
  return toJsonReply(200, {
    clientId,
    clientSecret: sealer.seal('registration', { clientId }, endsAtMs),
    clientIdIssuedAt: Math.floor(nowMs / 1000),
    clientSecretExpiresAt: Math.floor(endsAtMs / 1000),
    authorizationEndpoint: `${originOf(http)}/authorize`,
    tokenEndpoint: `${originOf(http)}/token`,
  })
}

/** `StartDeviceAuthorization`. The start URL is a name, which clients require. */
export const startDevice: LoginOperation = async ({ http }, services) => {
  const { sealer, memory, sts } = services
  const json = await readJson(http)
  const clientId = requireClient(json, services)
  requireText(json, 'startUrl')
  const letters = Array.from({ length: 8 }, () => codeLetters[randomInt(codeLetters.length)]).join(
    '',
  )
  const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`
  const endsAtMs = sts.nowMs() + deviceMs
  if (!(await memory.add(keyOfDevice(userCode), waiting, endsAtMs)))
    throw new LoginError(
      'SlowDownException',
      'too many devices wait for their people; try again later',
    )
  const page = `${originOf(http)}${loginPagesPath}device`
  return toJsonReply(200, {
    deviceCode: sealer.seal(
      'device',
      { clientId, userCode, id: randomBytes(16).toString('hex') },
      endsAtMs,
    ),
    userCode,
    verificationUri: page,
    verificationUriComplete: `${page}?user_code=${userCode}`,
    expiresIn: deviceMs / 1000,
    interval: pollSeconds,
  })
}

/** `CreateToken`. */
export const createSsoToken: LoginOperation = async ({ http, recorder }, services) => {
  const json = await readJson(http)
  const clientId = requireClient(json, services)
  const onWait = (): void => http.slot?.release()
  const { person, sessionId, endsAtMs } = await readLogin(json, { clientId, onWait }, services)
  const nowMs = services.sts.nowMs()
  const accessEndsAtMs = Math.min(nowMs + portalSeconds * 1000, endsAtMs, endOfToken(person))
  if (accessEndsAtMs <= nowMs)
    throw invalidGrant('the identity provider’s token is over: sign in again')
  recorder.setCaller({ kind: 'openid', subject: nameOf(person) })
  const value = { ...toJson(person), sessionId }
  return toJsonReply(200, {
    accessToken: services.sealer.seal('access', value, accessEndsAtMs),
    tokenType: 'Bearer',
    expiresIn: Math.max(1, Math.floor((accessEndsAtMs - nowMs) / 1000)),
    refreshToken: services.sealer.seal('refresh', { ...value, clientId }, endsAtMs),
  })
}

interface Login {
  readonly person: Person
  /** Names the login, so that a logout ends it. */
  readonly sessionId: string
  readonly endsAtMs: number
}

/** @param onWait Called before the provider is asked. */
async function readLogin(
  json: JsonObject,
  { clientId, onWait }: { readonly clientId: string; readonly onWait: () => void },
  services: LoginServices,
): Promise<Login> {
  const begin = (person: Person): Login => ({
    person,
    sessionId: randomUUID(),
    endsAtMs: services.sts.nowMs() + ssoSessionMs,
  })
  switch (requireText(json, 'grantType')) {
    case 'authorization_code':
      return begin(await redeemCode(json, clientId, services))
    case 'urn:ietf:params:oauth:grant-type:device_code':
      return begin(await redeemDevice(json, clientId, services))
    case 'refresh_token':
      return renew(json, { clientId, onWait }, services)
    default:
      throw new LoginError(
        'UnsupportedGrantTypeException',
        'the member grantType is neither authorization_code, refresh_token nor urn:ietf:params:oauth:grant-type:device_code',
      )
  }
}

async function redeemCode(
  json: JsonObject,
  clientId: string,
  { memory, sealer }: LoginServices,
): Promise<Person> {
  const code = requireText(json, 'code', 512)
  const verifier = requireText(json, 'codeVerifier', 128)
  const redirectUri = requireText(json, 'redirectUri', 2048)
  const grant = sealer.open('memory', (await memory.take(keyOfCode(code))) ?? '')
  const person = readPerson(grant)
  if (grant === undefined || grant === 'over' || person === undefined)
    throw invalidGrant('the code is over, was used before, or is not of this server')
  const get = (name: string): string => readString(grant, name) ?? ''
  if (
    get('service') !== 'sso' ||
    get('clientId') !== clientId ||
    get('redirectUri') !== redirectUri
  )
    throw invalidGrant('the code was given to another client or another redirectUri')
  if (!isVerifierOf(verifier, get('challenge')))
    throw invalidGrant('the member codeVerifier is not that of the code (PKCE)')
  return person
}

async function redeemDevice(
  json: JsonObject,
  clientId: string,
  services: LoginServices,
): Promise<Person> {
  const { memory, sealer } = services
  const value = sealer.open('device', requireText(json, 'deviceCode', maxSecretChars))
  if (value === 'over')
    throw new LoginError('ExpiredTokenException', 'nobody let the device in in time')
  if (value === undefined || readString(value, 'clientId') !== clientId)
    throw invalidGrant('the device code is not of this server and this client')
  const key = keyOfDevice(readString(value, 'userCode') ?? '')
  const state = await memory.read(key)
  if (state?.startsWith(waiting) === true) return refuseWaiting(key, state, services)
  if (state === denied)
    throw new LoginError('AccessDeniedException', 'the person did not let the device in')
  // Of two that ask at once, one gets it.
  const person = readPerson(sealer.open('memory', (await memory.take(key)) ?? ''))
  if (person === undefined) throw invalidGrant('the device code was used before')
  return person
}

async function renew(
  json: JsonObject,
  { clientId, onWait }: { readonly clientId: string; readonly onWait: () => void },
  { memory, sealer, people }: LoginServices,
): Promise<Login> {
  const refreshToken = requireText(json, 'refreshToken', maxSecretChars)
  const value = sealer.open('refresh', refreshToken)
  const person = readPerson(value)
  if (value === undefined || value === 'over' || person === undefined)
    throw invalidGrant('the refresh token is over, or not of this server: sign in again')
  if (readString(value, 'clientId') !== clientId)
    throw invalidGrant('the refresh token was given to another client')
  const sessionId = readString(value, 'sessionId') ?? ''
  if ((await memory.read({ kind: 'signed-out', name: sessionId })) !== undefined)
    throw invalidGrant('this login was signed out: sign in again')
  // While the provider works, others may have this request's slot.
  onWait()
  const renewed = await people.renew(person, refreshToken)
  return { person: renewed, sessionId, endsAtMs: readNumber(value, 'endsAtMs') ?? 0 }
}

/** Returns the client's id. @throws {LoginError} `InvalidClientException` for a registration that is over, or is another client's. */
function requireClient(json: JsonObject, { sealer }: LoginServices): string {
  const clientId = requireText(json, 'clientId', 1024)
  const registration = sealer.open(
    'registration',
    requireText(json, 'clientSecret', maxSecretChars),
  )
  if (registration === 'over')
    throw new LoginError(
      'InvalidClientException',
      'the registration of the client is over: remove it from ~/.aws/sso/cache',
    )
  if (registration !== undefined && readString(registration, 'clientId') !== clientId)
    throw new LoginError('InvalidClientException', 'the clientSecret is another client’s')
  return clientId
}

function invalidGrant(message: string): LoginError {
  return new LoginError('InvalidGrantException', message)
}
