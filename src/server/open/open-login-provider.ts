import { createJsonClient } from '../../base/http/json-client.ts'
import { createLoginProvider, type LoginProvider } from '../aws-login/login-provider.ts'
import { publicClientId } from '../issuer/client-metadata.ts'
import type { RunningIssuer } from '../issuer/start-issuer.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { Closers } from './closers.ts'
import { hasLogins } from './has-logins.ts'
import { findEmbeddedProvider, providerLimits } from './open-token-verifier.ts'

/**
 * Opens the provider at which people sign in: the embedded one if it has users, else the one whose claims name policies, else the first one with a role. The
 * server is its client by the settings that the provider has already. Undefined if there is none.
 */
export function openLoginProvider(
  options: ServerOptions,
  issuer: RunningIssuer | undefined,
  closers: Closers,
): LoginProvider | undefined {
  if (!hasLogins(options)) return undefined
  const { identityProvider, roleProviders = [] } = options
  const embedded = findEmbeddedProvider(options, issuer)
  const hasUsers =
    identityProvider !== undefined &&
    'users' in identityProvider &&
    (identityProvider.users ?? []).length > 0
  if (embedded !== undefined && hasUsers) return openEmbedded(options, embedded, closers)
  const [first] = roleProviders
  const provider = identityProvider?.kind === 'external' ? identityProvider : first
  const { configUrl, clientId, clientSecret, scope, ca } = provider ?? {}
  if (configUrl === undefined || clientId === undefined) return undefined
  const { fetchJson, postForm, close } = createJsonClient({ ...providerLimits, ca })
  closers.push(close)
  return createLoginProvider({
    name: new URL(configUrl).host,
    configUrl,
    clientId,
    clientSecret,
    scope: scope ?? 'openid',
    tokens: ['id', 'access'],
    fetchJson,
    postForm,
  })
}

type Embedded = NonNullable<ReturnType<typeof findEmbeddedProvider>>

/** At the embedded provider the server is the public client of people's logins. */
function openEmbedded(
  { identityProvider }: ServerOptions,
  { issuer, certificate }: Embedded,
  closers: Closers,
): LoginProvider {
  const clients =
    identityProvider?.kind === 'embedded' || identityProvider?.kind === 'shared'
      ? (identityProvider.clients ?? [])
      : []
  const { fetchJson, postForm, close } = createJsonClient({ ...providerLimits, ca: [certificate] })
  closers.push(close)
  return createLoginProvider({
    name: 'the identity provider of this server',
    configUrl: undefined,
    // Its issuer is its token endpoint, as WSO2's is.
    endpoints: { token: issuer, authorization: new URL('/oauth2/authorize', issuer).href },
    clientId: publicClientId,
    clientSecret: clients.find(({ id }) => id === publicClientId)?.secret,
    scope: 'openid offline_access',
    // Its ID token names no policy.
    tokens: ['access'],
    fetchJson,
    postForm,
  })
}
