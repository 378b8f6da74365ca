/** The identity provider behind the login, of which the server is a client: OAuth 2.0 with a code and PKCE (RFC 6749 §4.1, RFC 7636). */
import { isObject, readString, type JsonObject } from '../../base/parse.ts'
import type { FetchJson, PostForm } from '../../base/http/json-client.ts'
import { discoveryUrl, parseDiscovery } from '../../protocol/discovery.ts'
import { hash } from '../../protocol/digest.ts'
import { splitJwt } from '../../protocol/jwt/decode-jwt.ts'
import { LoginError } from './login-error.ts'

/** Which of the provider's tokens the STS takes. */
export type TokenKind = 'id' | 'access'

export interface LoginProviderOptions {
  /** The provider's name for people. */
  readonly name: string
  /** Its discovery document; undefined if the endpoints are given. */
  readonly configUrl: string | undefined
  readonly endpoints?: ProviderEndpoints | undefined
  readonly clientId: string
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined
  readonly scope: string
  /** The token that names a person's rights first; the other if that names none. */
  readonly tokens: readonly TokenKind[]
  readonly fetchJson: FetchJson
  readonly postForm: PostForm
}

export interface ProviderEndpoints {
  readonly authorization: string
  readonly token: string
}

/** The tokens of one person. */
export interface PersonTokens {
  readonly id: string | undefined
  readonly access: string | undefined
  /** Undefined if the provider gave none: then the login ends with the token. */
  readonly refresh: string | undefined
}

export interface LoginProvider {
  readonly name: string
  readonly tokens: readonly TokenKind[]
  /** Returns the address at which a person signs in. */
  authorizationUrl(request: AuthorizationRequest): Promise<URL>
  /** Trades a code. @throws {LoginError} `InvalidGrantException` if the provider refuses it. */
  redeem(code: string, request: Omit<AuthorizationRequest, 'state'>): Promise<PersonTokens>
  /** Renews the tokens. @throws {LoginError} `InvalidGrantException` if the provider ended the login. */
  renew(refreshToken: string): Promise<PersonTokens>
}

export interface AuthorizationRequest {
  readonly redirectUri: string
  readonly verifier: string
  readonly state: string
  /** Comes back in the ID token (OpenID Connect Core §3.1.2.1). */
  readonly nonce: string
}

/** Returns the provider. Nothing is fetched before the first login. */
export function createLoginProvider(options: LoginProviderOptions): LoginProvider {
  const { clientId, scope } = options
  const findEndpoints = keepSuccess(() => findEndpointsOf(options))
  const ask = async (form: Form): Promise<JsonObject> =>
    askToken((await findEndpoints()).token, form, options)
  return {
    name: options.name,
    tokens: options.tokens,
    async authorizationUrl({ redirectUri, verifier, state, nonce }) {
      const url = new URL((await findEndpoints()).authorization)
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        state,
        nonce,
        code_challenge: hash('sha256', verifier).toString('base64url'),
        code_challenge_method: 'S256',
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url
    },
    async redeem(code, { redirectUri, verifier, nonce }) {
      const answer = await ask({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      })
      const tokens = readTokens(answer)
      if (tokens.id !== undefined && readNonce(tokens.id) !== nonce)
        throw new LoginError('InvalidGrantException', 'the ID token is not of this login (nonce)')
      return tokens
    },
    async renew(refreshToken) {
      const tokens = readTokens(
        await ask({ grant_type: 'refresh_token', refresh_token: refreshToken }),
      )
      // A provider that does not replace the token goes on with the old one (RFC 6749 §6).
      return { ...tokens, refresh: tokens.refresh ?? refreshToken }
    },
  }
}

type Form = Readonly<Record<string, string>>

/** Asks the token endpoint. @throws {LoginError} `InvalidGrantException` if the provider refuses; `InternalServerException` if it does not answer. */
async function askToken(
  endpoint: string,
  form: Form,
  { clientId, clientSecret, postForm }: LoginProviderOptions,
): Promise<JsonObject> {
  const isPublic = clientSecret === undefined
  // The secret in the header, as every provider takes it (RFC 6749 §2.3.1).
  const body = new URLSearchParams(isPublic ? { ...form, client_id: clientId } : form)
  const headers = isPublic ? {} : { authorization: toBasic(clientId, clientSecret) }
  const { status, json } = await postForm(endpoint, body.toString(), headers).catch(
    (cause: unknown) => {
      throw unreachable(cause)
    },
  )
  if (status >= 500 || status === 429) throw unreachable(new Error(`it answered HTTP ${status}`))
  if (status === 200 && isObject(json)) return json
  const code = isObject(json) ? readString(json, 'error') : undefined
  throw new LoginError(
    'InvalidGrantException',
    `the identity provider refused the login${code === undefined ? '' : ` (${printable(code)})`}`,
  )
}

async function findEndpointsOf({
  endpoints,
  configUrl,
  fetchJson,
}: LoginProviderOptions): Promise<ProviderEndpoints> {
  if (endpoints !== undefined) return endpoints
  const url = configUrl ?? ''
  const document = await fetchJson(url.includes('/.well-known/') ? url : discoveryUrl(url)).catch(
    (cause: unknown) => {
      throw unreachable(cause)
    },
  )
  const { authorizationEndpoint, tokenEndpoint } = parseDiscovery(document) ?? {}
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined)
    throw new LoginError(
      'InternalServerException',
      'the identity provider offers no login in a browser',
    )
  return { authorization: authorizationEndpoint, token: tokenEndpoint }
}

/** Returns a function that asks again only after a failure. */
function keepSuccess<T>(ask: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | undefined
  return () => {
    kept ??= ask().catch((error: unknown) => {
      kept = undefined
      throw error
    })
    return kept
  }
}

function readTokens(answer: JsonObject): PersonTokens {
  return {
    id: readString(answer, 'id_token'),
    access: readString(answer, 'access_token'),
    refresh: readString(answer, 'refresh_token'),
  }
}

function readNonce(idToken: string): string | undefined {
  const claims = splitJwt(idToken)?.claims
  return claims && readString(claims, 'nonce')
}

/** Id and secret are encoded as a form first (RFC 6749 §2.3.1). */
function toBasic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeForm(id)}:${encodeForm(secret)}`).toString('base64')}`
}

function encodeForm(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function unreachable(cause: unknown): LoginError {
  return new LoginError(
    'InternalServerException',
    'the identity provider does not answer; try again',
    { cause },
  )
}

function printable(text: string): string {
  return text.slice(0, 80).replaceAll(/[^\u0020-\u007e]/g, '?')
}
