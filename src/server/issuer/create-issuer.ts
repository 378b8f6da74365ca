/**
 * The embedded OpenID provider at WSO2's paths, for the quickstart and for tests. oidc-provider implements the protocol. This file makes its
 * tokens look like WSO2's: JWTs whose `aud` and `azp` are the client id, with a `policy` claim.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID, type KeyPairKeyObjectResult } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createAttemptThrottle } from '../../base/attempt-throttle.ts'
import { exportJWK, SignJWT, type JWK } from '../../base/jose.ts'
import { describeClients, type IssuerClient } from './client-metadata.ts'
import { throttleClients, toBusyError } from './throttle-clients.ts'
import { handleLogin } from './handle-login.ts'
import { createModelStore, type ModelLimits } from './model-store.ts'
import {
  loadAsyncStorage,
  loadOidcLibrary,
  withoutWarnings,
  type Adapter,
  type Configuration,
  type OidcLibrary,
} from './oidc-library.ts'
import {
  addPasswordGrant,
  configureLogins,
  devicePages,
  loginPath,
  stsResource,
  toInteractions,
  type SignToken,
} from './personal-logins.ts'
import { allowRedirectAddresses } from './redirect-addresses.ts'
import { createUsers, type IssuerUser, type Users } from './users.ts'

export interface IssuerOptions {
  /** The `iss` claim. WSO2's issuer is its token endpoint. */
  readonly issuer: string
  readonly clients: readonly IssuerClient[]
  /** The users who may sign in; without users there is no login page. */
  readonly users: readonly IssuerUser[]
  /** Where logins may lead besides this machine's own addresses (default: nowhere else). */
  readonly redirectUris?: readonly string[] | undefined
  /** The RSA key that signs tokens. A promise, because the library is loaded while the key is generated. */
  readonly signingKey: Promise<KeyPairKeyObjectResult>
  readonly nowMs: () => number
  /** Resolves after the given number of milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
  /** The limits of the model store; for tests, which then don't have to make thousands of logins. */
  readonly limits?: Partial<ModelLimits> | undefined
}

export interface Issuer {
  /** Answers one HTTP request. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** The public key set, for a server in this process. */
  readonly jwks: { readonly keys: readonly JWK[] }
  /** Signs a token with any claims, for tests: a token that the provider would never issue can be tested. */
  issueToken(claims: Readonly<Record<string, unknown>>): Promise<string>
}

const tokenLifetimeSeconds = 3600
/**
 * The most simultaneous attempts with one name from one address. Many programs may share an account, and eight guesses per second do not
 * find a password.
 */
const maxAttemptsAtOnce = 32
const discoveryPath = '/.well-known/openid-configuration'

/** Returns an OpenID provider. It signs its tokens with RS256. */
export async function createIssuer(options: IssuerOptions): Promise<Issuer> {
  const library = await loadOidcLibrary()
  const { privateKey, publicKey } = await options.signingKey
  const kid = randomUUID()
  const common = { kid, alg: 'RS256', use: 'sig' }
  const privateJwk = { ...(await exportJWK(privateKey)), ...common }
  const publicJwk = { ...(await exportJWK(publicKey)), ...common }
  const openThrottle = () => createAttemptThrottle({ ...options, maxAtOnce: maxAttemptsAtOnce })
  const users = createUsers(options.users, openThrottle())
  const signToken: SignToken = (claims, typ) => {
    const iat = Math.floor(options.nowMs() / 1000)
    const defaults = {
      iss: options.issuer,
      iat,
      exp: iat + tokenLifetimeSeconds,
      jti: randomUUID(),
    }
    return new SignJWT({ ...defaults, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid, typ })
      .sign(privateKey)
  }
  const provider = await withoutWarnings(async () => {
    const configuration = buildConfiguration(options, { privateJwk, library, users })
    return new library.Provider(options.issuer, configuration)
  })
  provider.proxy = false
  allowRedirectAddresses(provider, options.redirectUris ?? [])
  throttleClients(provider, library, openThrottle())
  const hasUsers = options.users.length > 0
  if (hasUsers) addPasswordGrant(provider, library, { users, signToken })
  const interactions = toInteractions(provider, library)
  const answer = releaseWhenIdle(provider.callback(), await loadAsyncStorage())
  return {
    jwks: { keys: [publicJwk] },
    handle(request, response) {
      // WSO2 serves its discovery document below the issuer; other clients request it at the root. Both get the same document.
      if (request.url?.endsWith(discoveryPath) === true) request.url = discoveryPath
      if (hasUsers && request.url?.startsWith(loginPath) === true)
        handleLogin(request, response, { interactions, users }).catch(() => response.destroy())
      else void answer(request, response)
    },
    issueToken: (claims) => signToken(claims, 'at+jwt'),
  }
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * Returns a handler that disables the library's asynchronous context whenever the provider has no request. Before Node 24, a storage that
 * has been used once slows down every promise of the process until it is disabled: a tenth of the STS's time.
 */
function releaseWhenIdle(
  answer: RequestHandler,
  storage: AsyncLocalStorage<unknown>,
): RequestHandler {
  let running = 0
  return async (request, response) => {
    running += 1
    try {
      await answer(request, response)
    } finally {
      running -= 1
      if (running === 0) storage.disable()
    }
  }
}

interface ProviderDependencies {
  readonly privateJwk: JWK
  readonly library: OidcLibrary
  readonly users: Users
}

function openStore(
  { nowMs, limits }: IssuerOptions,
  library: OidcLibrary,
): (kind: string) => Adapter {
  return createModelStore({
    nowMs,
    limits,
    toFullError: () =>
      toBusyError(library, 'too many device logins are pending; try again later', 503),
    toTooLargeError: () => new library.errors.InvalidRequest('the parameters are too long'),
  })
}

function buildConfiguration(
  options: IssuerOptions,
  { privateJwk, library, users }: ProviderDependencies,
): Configuration {
  const { clients } = options
  const policies = new Map(clients.map((client) => [client.id, client.policy]))
  const hasUsers = options.users.length > 0
  const personal = hasUsers ? configureLogins(library, users) : {}
  return {
    ...personal,
    adapter: openStore(options, library),
    clients: describeClients(clients, { hasUsers }),
    jwks: { keys: [privateJwk as never] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    routes: {
      authorization: '/oauth2/authorize',
      code_verification: '/oauth2/device',
      device_authorization: '/oauth2/device_authorization',
      introspection: '/oauth2/introspect',
      jwks: '/oauth2/jwks',
      revocation: '/oauth2/revoke',
      token: '/oauth2/token',
      userinfo: '/oauth2/userinfo',
    },
    ttl: { ...personal.ttl, ClientCredentials: tokenLifetimeSeconds },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      ...(hasUsers ? { deviceFlow: devicePages } : {}),
      resourceIndicators: {
        enabled: true,
        // Without a resource server the library issues opaque tokens. The STS needs a JWT whose audience is the client, as WSO2 issues it.
        defaultResource: () => stsResource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource, client) => {
          if (resource !== stsResource) throw new library.errors.InvalidTarget()
          return {
            scope: '',
            audience: client.clientId,
            accessTokenTTL: tokenLifetimeSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }
        },
      },
    },
    extraTokenClaims: (_context, token) => {
      const clientId = 'clientId' in token ? String(token.clientId) : ''
      const name = 'accountId' in token ? String(token.accountId) : undefined
      const policy = name === undefined ? policies.get(clientId) : users.find(name)?.policy
      return { azp: clientId, ...(policy === undefined ? {} : { policy }) }
    },
    renderError: (context, out) => {
      context.type = 'json'
      context.body = JSON.stringify(out)
    },
  }
}
