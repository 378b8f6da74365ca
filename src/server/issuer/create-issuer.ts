/**
 * The embedded OpenID provider at WSO2's paths, for the quickstart and for tests. oidc-provider implements the protocol. This file makes its
 * tokens look like WSO2's: JWTs whose `aud` and `azp` are the client id, with a `policy` claim.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID, type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createAttemptThrottle } from '../../base/attempt-throttle.ts'
import { exportJWK, SignJWT, type JWK } from '../../base/jose.ts'
import { describeClients, type ClientMetadata, type IssuerClient } from './client-metadata.ts'
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
  /** The RSA key that signs tokens. A promise, because the server starts while the key is generated. */
  readonly signingKey: Promise<KeyPairKeyObjectResult>
  readonly nowMs: () => number
  /** Resolves after the given number of milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
  /** The limits of the model store; for tests, which then don't have to make thousands of logins. */
  readonly limits?: Partial<ModelLimits> | undefined
}

export interface Issuer {
  /** Answers one HTTP request. The first ones wait until the library is loaded. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** Loads the library; safe to call twice. @throws {Error} If that is impossible, or no key could be generated. */
  load(): Promise<void>
  /** Returns the public key set, for a server in this process. It waits until the key is generated. */
  readKeys(): Promise<KeySet>
  /** Signs a token with any claims, for tests: a token that the provider would never issue can be tested. */
  issueToken(claims: Readonly<Record<string, unknown>>): Promise<string>
}

export interface KeySet {
  readonly keys: readonly JWK[]
}

const tokenLifetimeSeconds = 3600
/**
 * The most simultaneous attempts with one name from one address. Many programs may share an account, and eight guesses per second do not
 * find a password.
 */
const maxAttemptsAtOnce = 32
const discoveryPath = '/.well-known/openid-configuration'

interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly privateJwk: JWK
  readonly publicJwk: JWK
}

/**
 * Returns an OpenID provider that signs its tokens with RS256. Its library is loaded afterwards: with the key, that is half of what a server takes to
 * start, and nothing in the options can make it fail, because `describeClients` checks what the library would refuse.
 *
 * @throws {StsCliError} as `describeClients`.
 */
export function createIssuer(options: IssuerOptions): Issuer {
  const clients = describeClients(options.clients, { hasUsers: options.users.length > 0 })
  const signingKey = describeKey(options.signingKey)
  // Whoever asks for the key learns of the error.
  signingKey.catch(() => {})
  const signToken: SignToken = async (claims, typ) => {
    const { kid, privateKey } = await signingKey
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
  let opened: Promise<Issuer['handle']> | undefined
  const open = (): Promise<Issuer['handle']> =>
    (opened ??= openProvider(options, { clients, signingKey, signToken }))
  return {
    handle(request, response) {
      open().then(
        (answer) => answer(request, response),
        () => response.destroy(),
      )
    },
    load: async () => void (await open()),
    readKeys: async () => ({ keys: [(await signingKey).publicJwk] }),
    issueToken: (claims) => signToken(claims, 'at+jwt'),
  }
}

async function describeKey(generated: IssuerOptions['signingKey']): Promise<SigningKey> {
  const { privateKey, publicKey } = await generated
  const kid = randomUUID()
  const common = { kid, alg: 'RS256', use: 'sig' }
  const privateJwk = { ...(await exportJWK(privateKey)), ...common }
  const publicJwk = { ...(await exportJWK(publicKey)), ...common }
  return { kid, privateKey, privateJwk, publicJwk }
}

interface OpenOptions {
  readonly clients: ClientMetadata[]
  readonly signingKey: Promise<SigningKey>
  readonly signToken: SignToken
}

/** Loads the library and returns the handler of the provider's requests. */
async function openProvider(
  options: IssuerOptions,
  { clients, signingKey, signToken }: OpenOptions,
): Promise<Issuer['handle']> {
  const library = await loadOidcLibrary()
  const { privateJwk } = await signingKey
  const openThrottle = () => createAttemptThrottle({ ...options, maxAtOnce: maxAttemptsAtOnce })
  const users = createUsers(options.users, openThrottle())
  const provider = await withoutWarnings(async () => {
    const configuration = buildConfiguration(options, { privateJwk, library, users, clients })
    return new library.Provider(options.issuer, configuration)
  })
  provider.proxy = false
  allowRedirectAddresses(provider, options.redirectUris ?? [])
  throttleClients(provider, library, openThrottle())
  const hasUsers = options.users.length > 0
  if (hasUsers) addPasswordGrant(provider, library, { users, signToken })
  const interactions = toInteractions(provider, library)
  const answer = releaseWhenIdle(provider.callback(), await loadAsyncStorage())
  return (request, response) => {
    // WSO2 serves its discovery document below the issuer; other clients request it at the root. Both get the same document.
    if (request.url?.endsWith(discoveryPath) === true) request.url = discoveryPath
    if (hasUsers && request.url?.startsWith(loginPath) === true)
      handleLogin(request, response, { interactions, users }).catch(() => response.destroy())
    else void answer(request, response)
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
  readonly clients: ClientMetadata[]
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
  { privateJwk, library, users, clients }: ProviderDependencies,
): Configuration {
  const policies = new Map(options.clients.map((client) => [client.id, client.policy]))
  const hasUsers = options.users.length > 0
  const personal = hasUsers ? configureLogins(library, users) : {}
  return {
    ...personal,
    adapter: openStore(options, library),
    clients,
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
