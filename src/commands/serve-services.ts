/** Whom the server believes and who decides: its own provider and documents, or those that MinIO's variables name. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import type { EmbeddedProvider, ServerOptions } from '../server/server-options.ts'
import { readCa, readUrlVariable, readVariable } from './serve-variables.ts'
import type { Settings } from './settings.ts'

/** Each would change who may do what: a server that ignored one would not be the server that was asked for. */
const notBuilt: Readonly<Record<string, string>> = {
  MINIO_IDENTITY_PLUGIN_URL: 'an identity management plugin',
  MINIO_IDENTITY_OPENID_ROLE_POLICY: 'role policies',
}

export interface EmbeddedSettings {
  readonly readAddress: () => EmbeddedProvider['address']
  readonly readClients: () => EmbeddedProvider['clients']
  readonly readUsers: () => EmbeddedProvider['users']
}

/** @throws {StsCliError} `ERR_CONFIG` for a variable that cannot be followed, `ERR_USAGE` for flags that cannot meet. */
export function readIdentityProvider(
  settings: Settings,
  io: Io,
  embedded: EmbeddedSettings,
): ServerOptions['identityProvider'] {
  for (const [name, what] of Object.entries(notBuilt)) {
    const text = io.env[name]
    if (text !== undefined && text !== '' && text !== 'off')
      throw new StsCliError(
        'ERR_CONFIG',
        `${name} is set, but this version does not speak to ${what}`,
        {
          stage: 'serve',
          hint: `unset ${name} to go without`,
        },
      )
  }
  const jwksUrl = readUrlVariable(io, 'MINIO_IAM_JWKS_URL')
  const configUrl = readUrlVariable(io, 'MINIO_IDENTITY_OPENID_CONFIG_URL')
  if (jwksUrl === undefined && configUrl === undefined) {
    const isReplaced = readVariable(io, 'MINIO_IDENTITY_LDAP_SERVER_ADDR') !== undefined
    if (settings.has('no-idp')) refuseUsers(settings, '--no-idp')
    // Whoever names a directory wants its users; clients and users named beside it are wanted too.
    const isNamed = [...settings.list('client'), ...settings.list('user')].length > 0
    if (settings.has('no-idp') || (isReplaced && !isNamed)) return undefined
    return {
      kind: 'embedded',
      address: embedded.readAddress(),
      clients: embedded.readClients(),
      users: embedded.readUsers(),
    }
  }
  const name = jwksUrl === undefined ? 'MINIO_IDENTITY_OPENID_CONFIG_URL' : 'MINIO_IAM_JWKS_URL'
  if (settings.list('client').length > 0)
    throw new StsCliError('ERR_USAGE', `--client and ${name} cannot be used together`, {
      stage: 'serve',
      hint: 'clients are those of the identity provider that the variable names',
    })
  refuseUsers(settings, name)
  return {
    kind: 'external',
    jwksUrl,
    configUrl,
    clientId: io.env['MINIO_IDENTITY_OPENID_CLIENT_ID'],
    ca: readCa(settings),
  }
}

function refuseUsers(settings: Settings, beside: string): void {
  if (settings.list('user').length > 0)
    throw new StsCliError('ERR_USAGE', `--user and ${beside} cannot be used together`, {
      stage: 'serve',
      hint: 'users sign in at the embedded identity provider',
    })
}

/** The plugin wins over OPA, and 2018's names over the later ones, as at MinIO. */
const engines = [
  ['MINIO_POLICY_PLUGIN_URL', 'MINIO_POLICY_PLUGIN_AUTH_TOKEN'],
  ['MINIO_IAM_OPA_URL', 'MINIO_IAM_OPA_AUTHTOKEN'],
  ['MINIO_POLICY_OPA_URL', 'MINIO_POLICY_OPA_AUTH_TOKEN'],
] as const

/** The engine that decides instead of IAM documents. @throws {StsCliError} `ERR_CONFIG` for a bad URL, `ERR_INPUT` for the CA file. */
export function readPolicyEngine(settings: Settings, io: Io): ServerOptions['policyEngine'] {
  for (const [urlName, tokenName] of engines) {
    const url = readUrlVariable(io, urlName)
    if (url === undefined) continue
    const token = io.env[tokenName]
    return { url, authorization: token === '' ? undefined : token, ca: readCa(settings) }
  }
  return undefined
}
