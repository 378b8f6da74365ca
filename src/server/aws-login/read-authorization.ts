/** Reads what a browser brings to `/v1/authorize` (AWS Sign-In) and `/authorize` (IAM Identity Center). */
import { hash } from '../../protocol/digest.ts'
import { isSameSecret } from '../../base/constant-time.ts'
import type { JsonObject } from '../../base/parse.ts'
import { readString } from '../../base/parse.ts'
import type { HttpRequest } from '../http/http-message.ts'
import { LoginError } from './login-error.ts'

/** A program's request for a code. */
export interface CodeRequest {
  readonly service: 'sign-in' | 'sso'
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string
  readonly challenge: string
}

/** The fixed clients of `aws login`, and of `aws login --remote`. */
export const signInClients = {
  sameDevice: 'arn:aws:signin:::devtools/same-device',
  crossDevice: 'arn:aws:signin:::devtools/cross-device',
} as const

/** The page of `aws login --remote`, which shows the code. */
export const confirmationPath = '/v1/sessions/confirmation'

/** Returns the address by which the client reached this server, without a path. */
export function originOf({ isTls, headers }: HttpRequest): string {
  return `${isTls ? 'https' : 'http'}://${headers.get('host') ?? ''}`
}

/**
 * Reads a request for a code. PKCE's method is `SHA-256` in `aws login` and `S256` in `aws sso login`; both are RFC 7636's S256.
 *
 * @throws {LoginError} `InvalidRequestException` naming the parameter. The browser is not sent back then: the address may be anybody's.
 */
export function readAuthorization(
  request: HttpRequest,
  service: CodeRequest['service'],
): CodeRequest {
  const parameters = readOnce(request)
  const get = (name: string): string => parameters.get(name) ?? ''
  if (get('response_type') !== 'code') throw wrongParameter('response_type', 'is not code')
  if (!['SHA-256', 'S256'].includes(get('code_challenge_method')))
    throw wrongParameter('code_challenge_method', 'is neither SHA-256 nor S256')
  const challenge = get('code_challenge')
  if (!/^[\w-]{43}$/.test(challenge)) throw wrongParameter('code_challenge', 'is no SHA-256')
  const state = get('state')
  if (state === '' || state.length > 512) throw wrongParameter('state', 'is missing or too long')
  const clientId = get('client_id')
  checkClient(clientId, service)
  const redirectUri = get('redirect_uri')
  const isOwnPage =
    clientId === signInClients.crossDevice && redirectUri === originOf(request) + confirmationPath
  if (!isOwnPage && !isLoopbackCallback(redirectUri))
    throw wrongParameter(
      'redirect_uri',
      'is not http://127.0.0.1:PORT/oauth/callback: a code is given to programs of this machine only',
    )
  return { service, clientId, redirectUri, state, challenge }
}

function checkClient(clientId: string, service: CodeRequest['service']): void {
  const isKnown =
    service === 'sign-in'
      ? clientId === signInClients.sameDevice || clientId === signInClients.crossDevice
      : clientId !== '' && clientId.length <= 1024
  if (!isKnown) throw wrongParameter('client_id', 'names no client of this service')
}

/** Returns whether an address is a program's on the person's machine: any port, but no other path and no other machine (RFC 8252 §7.3); names are not resolved, except `localhost`. */
export function isLoopbackCallback(text: string): boolean {
  return (
    /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?\/oauth\/callback$/.test(text) &&
    URL.canParse(text)
  )
}

function readOnce({ query }: HttpRequest): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of query.pairs) {
    // Two readers could take different ones (RFC 6749 §3.1).
    if (parameters.has(name)) throw wrongParameter(name.slice(0, 40), 'is there twice')
    parameters.set(name, value)
  }
  return parameters
}

function wrongParameter(name: string, what: string): LoginError {
  return new LoginError('InvalidRequestException', `the parameter ${name} ${what}`)
}

/** Returns whether a verifier is the one of a challenge (RFC 7636 §4.6). */
export function isVerifierOf(verifier: string, challenge: string): boolean {
  return (
    /^[\w.~-]{43,128}$/.test(verifier) &&
    isSameSecret(hash('sha256', verifier).toString('base64url'), challenge)
  )
}

/** Reads a request for a code from a sealed value; undefined if there is none. */
export function readCodeRequest(value: JsonObject): CodeRequest | undefined {
  const service = readString(value, 'service')
  if (service !== 'sign-in' && service !== 'sso') return undefined
  const get = (name: string): string => readString(value, name) ?? ''
  return {
    service,
    clientId: get('clientId'),
    redirectUri: get('redirectUri'),
    state: get('state'),
    challenge: get('challenge'),
  }
}
