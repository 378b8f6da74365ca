/** `POST /v1/token` of AWS Sign-In: credentials for a code, and again and again for a refresh token that is bound to the client's key. */
import { createHmac } from 'node:crypto'
import { isSameSecret } from '../../base/constant-time.ts'
import { readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { keyOfCode } from './browser-login.ts'
import { checkProof, type Proof } from './check-proof.ts'
import { LoginError, readTokenFault, refuseSignIn } from './login-error.ts'
import {
  signInCredentialSeconds,
  signInSessionMs,
  type LoginCall,
  type LoginOperation,
  type LoginServices,
} from './login-services.ts'
import { readPerson, toJson, type Person } from './people.ts'
import { isVerifierOf, originOf, signInClients } from './read-authorization.ts'
import { readJson, requireText, toJsonReply } from './read-json.ts'

/** What a refresh token holds besides the person. */
interface Session {
  readonly person: Person
  readonly roleArn: string
  readonly clientId: string
  /** The thumbprint of the client's key. */
  readonly key: string
  readonly endsAtMs: number
}

/** `CreateOAuth2Token`. */
export const createSignInToken: LoginOperation = async (call, services) => {
  const { http } = call
  const { sts, memory } = services
  const json = await readJson(http)
  const proof = checkProof(
    http.headers.get('dpop') ?? '',
    `${originOf(http)}/v1/token`,
    sts.nowMs(),
  )
  const clientId = requireText(json, 'clientId')
  if (clientId !== signInClients.sameDevice && clientId !== signInClients.crossDevice)
    throw refuseSignIn('INVALID_REQUEST', 'the member clientId names no client of this service')
  const grantType = requireText(json, 'grantType')
  // Checked before the code is spent; the proof is remembered only for somebody who signed in.
  const useProof = async (): Promise<void> => {
    const key = { kind: 'proof', name: proof.id } as const
    if (!(await memory.add(key, '', proof.endsAtMs)))
      throw refuseSignIn('INVALID_REQUEST', 'the DPoP proof was used before (jti)')
  }
  if (grantType === 'authorization_code') {
    const session = await redeemCode(json, { clientId, proof }, services)
    await useProof()
    return answer(session, call, services)
  }
  if (grantType !== 'refresh_token')
    throw refuseSignIn(
      'INVALID_REQUEST',
      'the member grantType is neither authorization_code nor refresh_token',
    )
  const refreshToken = requireText(json, 'refreshToken', 48 * 1024)
  const session = openSession(refreshToken, { clientId, proof }, services)
  await useProof()
  // While the provider works, others may have this request's slot.
  http.slot?.release()
  const person = await services.people
    .renew(session.person, refreshToken)
    .catch((error: unknown) => {
      if (error instanceof LoginError && error.type === 'InvalidGrantException')
        throw refuseSignIn('TOKEN_EXPIRED', `${error.message}: sign in again`)
      throw error
    })
  return answer({ ...session, person }, call, services)
}

interface Presented {
  readonly clientId: string
  readonly proof: Proof
}

async function redeemCode(
  json: JsonObject,
  { clientId, proof }: Presented,
  { memory, sealer, sts }: LoginServices,
): Promise<Session> {
  const code = requireText(json, 'code', 512)
  const verifier = requireText(json, 'codeVerifier', 128)
  const redirectUri = requireText(json, 'redirectUri', 2048)
  const grant = sealer.open('memory', (await memory.take(keyOfCode(code))) ?? '')
  const person = readPerson(grant)
  if (grant === undefined || grant === 'over' || person === undefined)
    throw refuseSignIn(
      'AUTHCODE_EXPIRED',
      'the code is over, was used before, or is not of this server',
    )
  const get = (name: string): string => readString(grant, name) ?? ''
  if (
    get('service') !== 'sign-in' ||
    get('clientId') !== clientId ||
    get('redirectUri') !== redirectUri
  )
    throw refuseSignIn(
      'INVALID_REQUEST',
      'the code was given to another client or another redirectUri',
    )
  if (!isVerifierOf(verifier, get('challenge')))
    throw refuseSignIn('INVALID_REQUEST', 'the member codeVerifier is not that of the code (PKCE)')
  return {
    person,
    roleArn: get('roleArn'),
    clientId,
    key: proof.thumbprint,
    endsAtMs: sts.nowMs() + signInSessionMs,
  }
}

function openSession(
  refreshToken: string,
  { clientId, proof }: Presented,
  { sealer }: LoginServices,
): Session {
  const value = sealer.open('sign-in', refreshToken)
  const person = readPerson(value)
  if (value === 'over' || value === undefined || person === undefined)
    throw refuseSignIn(
      'TOKEN_EXPIRED',
      'the refresh token is over, or not of this server: sign in again',
    )
  const get = (name: string): string => readString(value, name) ?? ''
  if (get('clientId') !== clientId)
    throw refuseSignIn('INVALID_REQUEST', 'the refresh token was given to another client')
  if (!isSameSecret(get('key'), proof.thumbprint))
    throw refuseSignIn(
      'INVALID_REQUEST',
      'the refresh token is bound to another key than the DPoP proof’s',
    )
  const endsAtMs = readNumber(value, 'endsAtMs') ?? 0
  return { person, roleArn: get('roleArn'), clientId, key: get('key'), endsAtMs }
}

async function answer(session: Session, call: LoginCall, services: LoginServices) {
  const { person, roleArn, clientId, key, endsAtMs } = session
  const { sealer, sts, people } = services
  const nowMs = sts.nowMs()
  const durationSeconds = Math.min(
    signInCredentialSeconds,
    sts.limits.maxDurationSeconds,
    Math.ceil((endsAtMs - nowMs) / 1000),
  )
  const issued = await people.issue(person, { roleArn, durationSeconds }, call).catch(toSignInError)
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = issued.credentials
  const sealed = { ...toJson(person), roleArn, clientId, key }
  const expiresIn = Math.floor((expiration.getTime() - nowMs) / 1000)
  return toJsonReply(200, {
    accessToken: { accessKeyId, secretAccessKey, sessionToken },
    tokenType: 'urn:aws:params:oauth:token-type:access_token_sigv4',
    expiresIn: Math.max(1, expiresIn),
    refreshToken: sealer.seal('sign-in', sealed, endsAtMs),
    idToken: signIdToken(
      {
        iss: originOf(call.http),
        sub: issued.arn,
        aud: clientId,
        iat: Math.floor(nowMs / 1000),
        exp: Math.floor(nowMs / 1000) + Math.max(1, expiresIn),
      },
      sealer.deriveKey('id-token'),
    ),
  })
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Signs the ID token, of which clients read `sub` alone and verify nothing. */
function signIdToken(claims: JsonObject, key: Buffer): string {
  const signedText = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signedText}.${createHmac('sha256', key).update(signedText).digest('base64url')}`
}

function toSignInError(error: unknown): never {
  const message = error instanceof Error ? error.message : ''
  switch (readTokenFault(error)) {
    case 'over':
      throw refuseSignIn('TOKEN_EXPIRED', `${message}: sign in again`)
    case 'not-allowed':
      throw refuseSignIn('INSUFFICIENT_PERMISSIONS', message)
    case 'try-again':
      throw new LoginError('InternalServerException', message, { cause: error })
    case undefined:
      throw error
  }
}
