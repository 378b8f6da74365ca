/** The identity provider and the policy engine: the server's own, or those that MinIO's variables name. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { EmbeddedProvider, ServerOptions } from '../../server/options/server-options.ts'
import type { OpenIdSettings } from './openid.ts'
import { readCa, readUrlVariable, readVariable, serveError } from './variables.ts'
import type { Settings } from '../options/settings.ts'

export interface EmbeddedSettings {
  readonly readAddress: () => EmbeddedProvider['address']
  readonly readClients: () => EmbeddedProvider['clients']
  readonly readUsers: () => EmbeddedProvider['users']
  readonly openId: OpenIdSettings
}

/** Reads the identity provider; undefined for none. @throws {StsCliError} `ERR_CONFIG` for a variable that is not valid, `ERR_USAGE` for flags that exclude each other. */
export function readIdentityProvider(
  settings: Settings,
  io: Io,
  embedded: EmbeddedSettings,
): ServerOptions['identityProvider'] {
  const { claimBased, roleProviders } = embedded.openId
  if (claimBased !== undefined) {
    const { variable, ...provider } = claimBased
    checkNoLogins(settings, variable)
    if (settings.list('client').length === 0) return provider
    throw new StsCliError('flags-conflict', `--client and ${variable} cannot be used together`, {
      stage: 'serve',
      hint: 'clients are those of the identity provider that the variable names',
    })
  }
  if (settings.has('no-idp')) checkNoLogins(settings, '--no-idp')
  // With another identity source, the embedded provider runs only when clients or users are named.
  const isReplaced =
    roleProviders.length > 0 ||
    otherSources.some((variable) => readVariable(io, variable) !== undefined)
  const isNamed = [...settings.list('client'), ...settings.list('user')].length > 0
  if (settings.has('no-idp') || (isReplaced && !isNamed)) return undefined
  return {
    kind: 'embedded',
    address: embedded.readAddress(),
    clients: embedded.readClients(),
    users: embedded.readUsers(),
    redirectUris: readRedirectUris(settings),
  }
}

const maxRedirectUris = 64

/** Reads `--redirect-uri`: an address that the provider compares character by character (RFC 9700 §2.1). */
function readRedirectUris(settings: Settings): readonly string[] {
  const uris = settings.list('redirect-uri')
  if (uris.length > maxRedirectUris)
    throw serveError(
      'redirect-uri-invalid',
      `more than ${maxRedirectUris} --redirect-uri are given`,
    )
  for (const uri of uris) {
    const url = URL.canParse(uri) ? new URL(uri) : undefined
    // A private scheme has a dot, because it is a domain name in reverse (RFC 8252 §7.1): javascript: and data: have none.
    const isAllowed =
      url !== undefined &&
      /^(https?|[a-z][a-z\d+-]*\.[a-z\d+.-]+):$/.test(url.protocol) &&
      !/[#*@\s]/.test(uri)
    if (!isAllowed)
      throw serveError(
        'redirect-uri-invalid',
        // A text with an @ may hold a password.
        `the --redirect-uri${uri.includes('@') ? '' : ` ${JSON.stringify(uri)}`} is not an address to which a login can lead`,
        {
          hint: 'write it whole, such as https://app.example.com/oauth2/callback; addresses of this machine need none',
        },
      )
  }
  return uris
}

const otherSources = ['MINIO_IDENTITY_LDAP_SERVER_ADDR', 'MINIO_IDENTITY_PLUGIN_URL']

function checkNoLogins(settings: Settings, beside: string): void {
  for (const flag of ['user', 'redirect-uri'])
    if (settings.list(flag).length > 0)
      throw new StsCliError('flags-conflict', `--${flag} and ${beside} cannot be used together`, {
        stage: 'serve',
        hint: 'users sign in at the embedded identity provider',
      })
}

/** By precedence, as with MinIO: the plugin before OPA, and the names of 2018 before the later ones. */
const engines = [
  ['MINIO_POLICY_PLUGIN_URL', 'MINIO_POLICY_PLUGIN_AUTH_TOKEN'],
  ['MINIO_IAM_OPA_URL', 'MINIO_IAM_OPA_AUTHTOKEN'],
  ['MINIO_POLICY_OPA_URL', 'MINIO_POLICY_OPA_AUTH_TOKEN'],
] as const

/**
 * Reads the engine that decides instead of IAM documents; undefined for none.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a bad URL, `ERR_INPUT` for the CA file, `ERR_USAGE` for two engines at once.
 */
export function readPolicyEngine(settings: Settings, io: Io): ServerOptions['policyEngine'] {
  const remote = readRemoteEngine(settings, io)
  const rego = settings.get('rego')
  const query = settings.get('rego-query')
  if (rego === undefined) {
    if (query === undefined) return remote?.engine
    throw new StsCliError('rego-missing', '--rego-query needs --rego', { stage: 'serve' })
  }
  if (remote !== undefined)
    throw new StsCliError('flags-conflict', `--rego and ${remote.name} cannot be used together`, {
      stage: 'serve',
      hint: 'one of them decides: --rego runs an OPA of its own',
    })
  return { kind: 'rego', rego, query, env: io.env }
}

function readRemoteEngine(
  settings: Settings,
  io: Io,
): { name: string; engine: ServerOptions['policyEngine'] } | undefined {
  for (const [name, tokenName] of engines) {
    const url = readUrlVariable(io, name)
    if (url === undefined) continue
    const token = io.env[tokenName]
    const authorization = token === '' ? undefined : token
    const form = name === 'MINIO_POLICY_PLUGIN_URL' ? 'plugin' : 'opa'
    return { name, engine: { kind: 'remote', form, url, authorization, ca: readCa(settings) } }
  }
  return undefined
}
