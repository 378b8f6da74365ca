/** The provider's clients, as the library wants to be told of them (OpenID Connect Registration §2). */
import type { IssuerClient } from './create-issuer.ts'

/** What the command line of a person is: it has no secret, PKCE stands in for one (RFC 8252 §8.4). */
export const publicClientId = 'sts-cli'

const personalGrants = [
  'authorization_code',
  'refresh_token',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
]

/** Where a person's browser may be sent back to, on any port (RFC 8252 §7.3). */
const redirectUris = ['127.0.0.1', 'localhost', '[::1]'].flatMap((host) => [
  `http://${host}/callback`,
  `http://${host}/`,
])

// A type, not an interface: the library's own has an index signature, which an interface never meets.
export type ClientMetadata = {
  readonly client_id: string
  readonly client_secret?: string
  readonly token_endpoint_auth_method?: 'none'
  readonly application_type?: 'native'
  readonly grant_types: string[]
  readonly response_types: 'code'[]
  readonly redirect_uris: string[]
}

/** Clients that act for themselves; with people, for those too, and the public client of the command line. */
export function describeClients(
  clients: readonly IssuerClient[],
  { hasUsers }: { hasUsers: boolean },
): ClientMetadata[] {
  if (!hasUsers)
    return clients.map(({ id, secret }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    }))
  const personal = {
    application_type: 'native' as const,
    response_types: ['code' as const],
    redirect_uris: redirectUris,
  }
  const own = clients.map(({ id, secret }) => ({
    ...personal,
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials', ...personalGrants],
  }))
  if (clients.some(({ id }) => id === publicClientId)) return own
  const open = { token_endpoint_auth_method: 'none' as const, grant_types: personalGrants }
  return [...own, { ...personal, ...open, client_id: publicClientId }]
}
