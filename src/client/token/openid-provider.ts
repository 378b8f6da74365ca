/**
 * OpenID Connect and OAuth beyond a client with a secret. The adapter of openid-client, which sends its requests through `sendHttp`: CA files,
 * proxies, time limits and retries apply to it too.
 */
import * as openid from 'openid-client'
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import { readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import { discoverProvider, isAsSecureAs } from '../discover-provider.ts'
import type { ClientAccess, NetOptions } from '../options.ts'
import { fetchBySendHttp, type Seen } from './fetch-by-send-http.ts'
import type { Authorization, DeviceLogin, PersonalToken, Provider } from './provider.ts'
import { unexpectedAnswerError, readExpiresIn, tokenRequestError } from './token-answer.ts'

/**
 * Finds the provider's endpoints. Without an issuer only `requestToken` works, unless the token endpoint is also the issuer's name (as for
 * WSO2 and for `sts-cli serve`).
 *
 * @throws {StsCliError} `ERR_PROTOCOL` for a provider that cannot be found or trusted, `ERR_INPUT` and `ERR_DATA` for the client's key.
 */
export async function openProvider(
  access: ClientAccess,
  net: NetOptions,
  { isDiscovered = access.issuer !== undefined } = {},
): Promise<Provider> {
  const issuer = access.issuer ?? access.tokenEndpoint ?? ''
  const metadata = isDiscovered
    ? (
        await discoverProvider(
          issuer,
          net,
          access.issuer === undefined ? 'issuer-missing' : undefined,
        )
      ).document
    : { token_endpoint: issuer }
  const { clientId } = access
  const config = new openid.Configuration(
    { ...metadata, issuer: readString(metadata, 'issuer') ?? issuer },
    clientId,
    {},
    await toClientAuth(access),
  )
  // Which endpoints may have no https was checked when they were found.
  openid.allowInsecureRequests(config)
  const seen: Seen = { last: undefined }
  config[openid.customFetch] = (url, options) => fetchBySendHttp({ url, options, net, seen })
  return {
    beginAuthorization: (redirectUri) => beginAuthorization({ config, access, seen }, redirectUri),
    beginDeviceLogin: () => beginDeviceLogin({ config, access, seen, issuer }),
    requestToken: (grantType, parameters) =>
      translate({ seen, grant: grantType.replaceAll('_', ' ') }, async () =>
        toPersonalToken(
          await openid.genericGrantRequest(config, grantType, [
            ...toParameters(access),
            ...Object.entries(parameters),
          ] as never),
        ),
      ),
    async revokeToken(refreshToken) {
      const { revocation_endpoint: endpoint } = config.serverMetadata()
      if (endpoint === undefined || !isAsSecureAs(endpoint, issuer)) return false
      const hint = { token_type_hint: 'refresh_token' }
      await translate({ seen, grant: 'refresh token' }, () =>
        openid.tokenRevocation(config, refreshToken, hint),
      )
      return true
    },
  }
}

interface Session {
  readonly config: openid.Configuration
  readonly access: ClientAccess
  readonly seen: Seen
}

async function beginAuthorization(
  { config, access, seen }: Session,
  redirectUri: string,
): Promise<Authorization> {
  if (config.serverMetadata().authorization_endpoint === undefined)
    throw missingEndpointError('browser logins', 'authorization endpoint')
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  // The nonce comes back in the ID token; a provider of plain OAuth gives none (OpenID Connect Core §3.1.2.1).
  const isIdTokenExpected = access.scope?.split(' ').includes('openid') === true
  const nonce = isIdTokenExpected ? openid.randomNonce() : undefined
  const parameters = new URLSearchParams(toParameters(access))
  parameters.set('redirect_uri', redirectUri)
  parameters.set('code_challenge', await openid.calculatePKCECodeChallenge(verifier))
  parameters.set('code_challenge_method', 'S256')
  parameters.set('state', state)
  if (nonce !== undefined) parameters.set('nonce', nonce)
  return {
    url: openid.buildAuthorizationUrl(config, parameters),
    finish: (answer) => {
      const isStateOther = answer.searchParams.get('state') !== state
      return translate({ seen, grant: 'authorization code', isStateOther }, async () =>
        toPersonalToken(
          await openid.authorizationCodeGrant(config, answer, {
            pkceCodeVerifier: verifier,
            expectedState: state,
            ...(nonce === undefined ? {} : { expectedNonce: nonce }),
          }),
        ),
      )
    },
  }
}

async function beginDeviceLogin({
  config,
  access,
  seen,
  issuer,
}: Session & { issuer: string }): Promise<DeviceLogin> {
  if (config.serverMetadata().device_authorization_endpoint === undefined)
    throw missingEndpointError('device logins', 'device authorization endpoint')
  const parameters = new URLSearchParams(toParameters(access))
  const context = { seen, grant: 'device code' }
  const { begun, proof } = await translate(context, () => initiateDevice(config, parameters))
  const { verification_uri: uri, verification_uri_complete: complete } = begun
  for (const address of [uri, complete])
    if (address !== undefined && (!URL.canParse(address) || !isAsSecureAs(address, issuer)))
      throw new StsCliError(
        'verification-uri-insecure',
        'the identity provider sends people to an address that is not https',
        { stage: 'idp' },
      )
  return {
    userCode: begun.user_code,
    verificationUri: uri,
    verificationUriComplete: complete,
    expiresInSeconds: begun.expires_in,
    finish: (signal) =>
      translate(context, async () =>
        toPersonalToken(
          await openid.pollDeviceAuthorizationGrant(config, begun, proof, { signal }),
        ),
      ),
  }
}

/** Begins a device login. Keycloak requires PKCE where the client does; others may refuse what RFC 8628 does not name, so it is sent only on request. */
async function initiateDevice(config: openid.Configuration, parameters: URLSearchParams) {
  try {
    return { begun: await openid.initiateDeviceAuthorization(config, parameters), proof: {} }
  } catch (error) {
    // The code is `invalid_request`, as for every other parameter: only the text names the one that is missing.
    const isAskedForPkce =
      error instanceof openid.ResponseBodyError &&
      /code_challenge/.test(error.error_description ?? '')
    if (!isAskedForPkce) throw error
    const verifier = openid.randomPKCECodeVerifier()
    parameters.set('code_challenge', await openid.calculatePKCECodeChallenge(verifier))
    parameters.set('code_challenge_method', 'S256')
    const begun = await openid.initiateDeviceAuthorization(config, parameters)
    return { begun, proof: { code_verifier: verifier } }
  }
}

function missingEndpointError(what: string, endpoint: string): StsCliError {
  return new StsCliError('provider-endpoint-missing', `the identity provider offers no ${what}`, {
    stage: 'idp',
    details: { endpoint },
  })
}

function toParameters({ scope, audience, parameters }: ClientAccess): [string, string][] {
  return [
    ...(scope === undefined ? [] : [['scope', scope] as [string, string]]),
    ...(audience === undefined ? [] : [['audience', audience] as [string, string]]),
    ...(parameters ?? []).map(([name, value]) => [name, value] as [string, string]),
  ]
}

function toPersonalToken(answer: JsonObject & { access_token: string }): PersonalToken {
  return {
    token: answer.access_token,
    expiresInSeconds: readExpiresIn(answer),
    answer: { ...answer },
    idToken: readString(answer, 'id_token'),
    refreshToken: readString(answer, 'refresh_token'),
  }
}

async function toClientAuth(access: ClientAccess): Promise<openid.ClientAuth> {
  switch (access.authMethod) {
    case 'client_secret_basic':
      return openid.ClientSecretBasic(access.clientSecret)
    case 'client_secret_post':
      return openid.ClientSecretPost(access.clientSecret)
    case 'private_key_jwt': {
      const { readClientKey } = await import('./client-key.ts')
      return openid.PrivateKeyJwt(await readClientKey(access.keyFile ?? ''))
    }
    case 'tls_client_auth':
      return openid.TlsClientAuth()
    case 'none':
      return openid.None()
  }
}

interface Context {
  readonly seen: Seen
  readonly grant: string
  /** The answer's state is not the one that was sent. */
  readonly isStateOther?: boolean
}

/** Translates the library's errors; errors of `sendHttp` pass through. */
async function translate<T>(context: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toLoginError(error, context)
  }
}

function toLoginError(error: unknown, { seen, grant, isStateOther }: Context): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof StsCliError) return cause
  if (error instanceof openid.ResponseBodyError)
    return tokenRequestError({
      status: error.status,
      code: error.error,
      description: error.error_description ?? '',
      grant,
    })
  if (error instanceof openid.AuthorizationResponseError)
    return tokenRequestError({
      status: undefined,
      code: error.error,
      description: error.error_description ?? '',
    })
  if (error instanceof openid.WWWAuthenticateChallengeError)
    return tokenRequestError({
      status: error.status,
      code: 'invalid_client',
      description: '',
      grant,
    })
  if (!(error instanceof openid.ClientError)) return error
  if (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT')
    return new StsCliError('device-login-timeout', 'nobody signed in in time', {
      stage: 'idp',
      cause: error,
    })
  const { last } = seen
  if (
    last !== undefined &&
    ['OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_CONFORM'].includes(
      error.code ?? '',
    )
  )
    return unexpectedAnswerError(last.answer, last.url)
  const why = error.cause instanceof Error ? error.cause.message : error.message
  return new StsCliError(
    reasonOfAnswer(error, isStateOther),
    `the identity provider’s answer is not accepted: ${toPrintable(why, 200)}`,
    { stage: 'idp', cause: error },
  )
}

function reasonOfAnswer({ code }: openid.ClientError, isStateOther = false): ErrorReason {
  if (isStateOther) return 'login-state-mismatch'
  return code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED'
    ? 'login-time-mismatch'
    : 'login-answer-invalid'
}
