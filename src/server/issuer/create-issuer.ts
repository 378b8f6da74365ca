/**
 * The embedded OpenID provider at WSO2's paths, for the first minute and for tests. The door to oidc-provider, which speaks the protocol;
 * here is only what makes its tokens look like those of the quickstart: JWTs with aud and azp = client id, and a policy.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID, type KeyPairKeyObjectResult } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Adapter,
  AdapterPayload,
  Configuration,
  Grant,
  KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import { createAttemptThrottle } from '../../base/attempt-throttle.ts'
import { exportJWK, SignJWT, type JWK } from '../../base/jose.ts'
import { describeClients } from './client-metadata.ts'
import { throttleClients, toBusy } from './client-throttle.ts'
import { handleLogin } from './login-handler.ts'
import { createModelStore, type ModelBounds } from './model-store.ts'
import {
  addPasswordGrant,
  configureLogins,
  devicePages,
  loginPath,
  stsResource,
  toInteractions,
  type SignToken,
} from './personal-logins.ts'
import { createUsers, type IssuerUser, type Users } from './users.ts'

export type { Adapter, AdapterPayload, Configuration, Grant, KoaContextWithOIDC, Provider }
export type Library = typeof import('oidc-provider')

export interface IssuerClient {
  readonly id: string
  readonly secret: string
  /** Becomes the `policy` claim: one name or several by comma. */
  readonly policy: string
}

export interface IssuerOptions {
  /** Becomes `iss`: WSO2's own is its token endpoint. */
  readonly issuer: string
  readonly clients: readonly IssuerClient[]
  /** Who may sign in; where there is nobody, there is no login page. */
  readonly users: readonly IssuerUser[]
  /** RSA: what tokens are signed with. Waited for while the library is loaded. */
  readonly signingKey: Promise<KeyPairKeyObjectResult>
  readonly nowMs: () => number
  /** Resolves after that many milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
  /** How much is remembered; for tests, which need not make thousands of logins. */
  readonly bounds?: Partial<ModelBounds> | undefined
}

export interface Issuer {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** The public key set, for a server in this process. */
  readonly jwks: { readonly keys: readonly JWK[] }
  /** Signs a token with any claims, for tests: what a provider's own rules would never let through can be tried. */
  issueToken(claims: Readonly<Record<string, unknown>>): Promise<string>
}

const tokenLifetimeSeconds = 3600
/** Attempts by one name from one address at once: many programs may share an account, and eight guesses a second find no password. */
const maxAttemptsAtOnce = 32
const discoveryPath = '/.well-known/openid-configuration'

/** Makes the provider; it signs with RS256. */
export async function createIssuer(options: IssuerOptions): Promise<Issuer> {
  const library = await withoutWarnings(() => import('oidc-provider'))
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
  throttleClients(provider, library, openThrottle())
  const hasUsers = options.users.length > 0
  if (hasUsers) addPasswordGrant(provider, library, { users, signToken })
  const interactions = toInteractions(provider, library)
  const answer = releasingStorage(provider.callback(), await loadStorage())
  return {
    jwks: { keys: [publicJwk] },
    handle(request, response) {
      // WSO2 serves discovery below its issuer, clients of other providers at the root: the same document.
      if (request.url?.endsWith(discoveryPath) === true) request.url = discoveryPath
      if (hasUsers && request.url?.startsWith(loginPath) === true)
        handleLogin(request, response, { interactions, users }).catch(() => response.destroy())
      else void answer(request, response)
    },
    issueToken: (claims) => signToken(claims, 'at+jwt'),
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The library's only use of asynchronous context; no public name leads to it. */
async function loadStorage(): Promise<AsyncLocalStorage<unknown>> {
  // @ts-expect-error the library's types cover its front door alone
  const { default: storage } = await import('oidc-provider/lib/helpers/als.js')
  return storage as AsyncLocalStorage<unknown>
}

/**
 * Until Node 24, a storage that was used once makes every promise of the process dearer, the STS's too (a tenth of its time), until it is
 * disabled. It is, whenever no request is with the provider.
 */
function releasingStorage(answer: Answer, storage: AsyncLocalStorage<unknown>): Answer {
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

interface Parts {
  readonly privateJwk: JWK
  readonly library: Library
  readonly users: Users
}

function openStore({ nowMs, bounds }: IssuerOptions, library: Library): (kind: string) => Adapter {
  return createModelStore({
    nowMs,
    bounds,
    toFull: () => toBusy(library, 'too many device logins are pending; try again later', 503),
    toTooLarge: () => new library.errors.InvalidRequest('the parameters are too long'),
  })
}

function buildConfiguration(
  options: IssuerOptions,
  { privateJwk, library, users }: Parts,
): Configuration {
  const { clients, users: people } = options
  const policies = new Map(clients.map((client) => [client.id, client.policy]))
  const hasUsers = people.length > 0
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
        // Without a resource server the library issues opaque tokens; the STS needs a JWT whose audience is the client, as WSO2's.
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

/**
 * The library prints advice for operators of production providers, and on Node 20 that it prefers a newer one; this provider lives for a
 * test or a demo, and the packages' own `engines` were checked when they were chosen.
 */
async function withoutWarnings<T>(build: () => Promise<T>): Promise<T> {
  const { warn } = console
  console.warn = () => {}
  try {
    return await build()
  } finally {
    console.warn = warn
  }
}
