/**
 * The embedded OpenID provider at WSO2's paths, for the first minute and for tests. The door to oidc-provider, which speaks the protocol;
 * here is only what makes its tokens look like those of the quickstart: JWTs with aud and azp = client id, and a policy.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID, type KeyPairKeyObjectResult } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Configuration } from 'oidc-provider'
import { exportJWK, SignJWT, type JWK } from '../../base/jose.ts'

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
  /** RSA: what tokens are signed with. Waited for while the library is loaded. */
  readonly signingKey: Promise<KeyPairKeyObjectResult>
  readonly nowMs: () => number
}

export interface Issuer {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** The public key set, for a server in this process. */
  readonly jwks: { readonly keys: readonly JWK[] }
  /** Signs a token with any claims, for tests: what a provider's own rules would never let through can be tried. */
  issueToken(claims: Readonly<Record<string, unknown>>): Promise<string>
}

const tokenLifetimeSeconds = 3600
const discoveryPath = '/.well-known/openid-configuration'

/** Makes the provider; it signs with RS256. */
export async function createIssuer(options: IssuerOptions): Promise<Issuer> {
  const { Provider, errors } = await withoutWarnings(() => import('oidc-provider'))
  const { privateKey, publicKey } = await options.signingKey
  const kid = randomUUID()
  const common = { kid, alg: 'RS256', use: 'sig' }
  const privateJwk = { ...(await exportJWK(privateKey)), ...common }
  const publicJwk = { ...(await exportJWK(publicKey)), ...common }
  const refuseResource = (): Error => new errors.InvalidTarget()
  const provider = await withoutWarnings(
    async () =>
      new Provider(options.issuer, buildConfiguration(options, privateJwk, refuseResource)),
  )
  provider.proxy = false
  const answer = releasingStorage(provider.callback(), await loadStorage())
  return {
    jwks: { keys: [publicJwk] },
    handle(request, response) {
      // WSO2 serves discovery below its issuer, clients of other providers at the root: the same document.
      if (request.url?.endsWith(discoveryPath) === true) request.url = discoveryPath
      void answer(request, response)
    },
    issueToken(claims) {
      const nowSeconds = Math.floor(options.nowMs() / 1000)
      const defaults = {
        iss: options.issuer,
        iat: nowSeconds,
        exp: nowSeconds + tokenLifetimeSeconds,
        jti: randomUUID(),
      }
      return new SignJWT({ ...defaults, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' })
        .sign(privateKey)
    },
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

function buildConfiguration(
  { clients }: IssuerOptions,
  privateJwk: JWK,
  refuseResource: () => Error,
): Configuration {
  const policies = new Map(clients.map((client) => [client.id, client.policy]))
  return {
    clients: clients.map((client) => ({
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    })),
    jwks: { keys: [privateJwk as never] },
    routes: {
      authorization: '/oauth2/authorize',
      device_authorization: '/oauth2/device_authorization',
      introspection: '/oauth2/introspect',
      jwks: '/oauth2/jwks',
      revocation: '/oauth2/revoke',
      token: '/oauth2/token',
      userinfo: '/oauth2/userinfo',
    },
    ttl: { ClientCredentials: tokenLifetimeSeconds },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Without a resource server the library issues opaque tokens; the STS needs a JWT whose audience is the client, as WSO2's.
        defaultResource: () => 'urn:sts-cli:sts',
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource, client) => {
          if (resource !== 'urn:sts-cli:sts') throw refuseResource()
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
      const policy = policies.get(clientId)
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
