/** The metadata of the provider's clients, in the library's form (OpenID Connect Registration §2). */
import { StsCliError } from '../../base/errors.ts'

/** A client with a secret. */
export interface IssuerClient {
  readonly id: string
  readonly secret: string
  /** The `policy` claim: one policy name, or several separated by commas. */
  readonly policy: string
}

/** The client of a person's command line. It has no secret and uses PKCE instead (RFC 8252 §8.4). */
export const publicClientId = 'sts-cli'

const personalGrants = [
  'authorization_code',
  'refresh_token',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
]

/** The redirect URIs of a browser login. The port may be any (RFC 8252 §7.3). */
const redirectUris = ['127.0.0.1', 'localhost', '[::1]'].flatMap((host) => [
  `http://${host}/callback`,
  `http://${host}/`,
])

// A type, not an interface: the library's type has an index signature, which an interface is not assignable to.
export type ClientMetadata = {
  readonly client_id: string
  readonly client_secret?: string
  readonly token_endpoint_auth_method?: 'none'
  readonly application_type?: 'native'
  readonly grant_types: string[]
  readonly response_types: 'code'[]
  readonly redirect_uris: string[]
}

/**
 * Returns the metadata of the clients. Without users, clients may only use the client-credentials grant. With users, they may use the grants
 * of people as well, and the public client of the command line is added.
 *
 * @throws {StsCliError} `account-invalid` for a client without an id, `account-duplicate` for two with one id: the library refuses them, but only when it is loaded.
 */
export function describeClients(
  clients: readonly IssuerClient[],
  { hasUsers }: { hasUsers: boolean },
): ClientMetadata[] {
  requireDistinctIds(clients)
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
  const confidential = clients.map(({ id, secret }) => ({
    ...personal,
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials', ...personalGrants],
  }))
  if (clients.some(({ id }) => id === publicClientId)) return confidential
  const withoutSecret = {
    token_endpoint_auth_method: 'none' as const,
    grant_types: personalGrants,
  }
  return [...confidential, { ...personal, ...withoutSecret, client_id: publicClientId }]
}

function requireDistinctIds(clients: readonly IssuerClient[]): void {
  const seen = new Set<string>()
  for (const { id } of clients) {
    if (id === '')
      throw new StsCliError('account-invalid', 'a client of the provider has no id', {
        stage: 'serve',
      })
    if (seen.has(id))
      throw new StsCliError('account-duplicate', `there are two clients ${JSON.stringify(id)}`, {
        stage: 'serve',
      })
    seen.add(id)
  }
}
