/** The clients and users of the embedded identity provider. */
import { StsCliError } from '../../base/errors.ts'
import { generateDemoClient } from '../../server/demo-credentials.ts'
import type { EmbeddedProvider } from '../../server/options/server-options.ts'
import type { Settings } from '../options/settings.ts'
/** Reads `--client`; without one, a demo client is made. @throws {StsCliError} `ERR_USAGE`. */
export function readClients(settings: Settings): EmbeddedProvider['clients'] {
  const clients = readAccounts(settings, 'client', 'ID:SECRET')
  // The characters of a client id and a client secret (RFC 6749 appendices A.1 and A.2).
  if (clients.some(({ name, secret }) => !/^[ -~]+$/.test(name + secret)))
    throw new StsCliError('client-invalid', '--client must be of printable ASCII characters', {
      stage: 'serve',
    })
  return clients.length === 0
    ? [generateDemoClient()]
    : clients.map(({ name: id, secret, policy }) => ({ id, secret, policy }))
}

/** Reads `--user`. @throws {StsCliError} `ERR_USAGE`. */
export function readUsers(settings: Settings): EmbeddedProvider['users'] {
  return readAccounts(settings, 'user', 'NAME:PASSWORD').map(({ name, secret, policy }) => ({
    name,
    password: secret,
    policy,
  }))
}

/** Reads the accounts of a flag, each `NAME:SECRET` or `NAME:SECRET:POLICY`. Messages do not contain the values, which hold secrets. */
function readAccounts(
  settings: Settings,
  flag: 'client' | 'user',
  form: string,
): { name: string; secret: string; policy: string }[] {
  const accounts = settings.list(flag).map((text) => {
    const [name = '', secret = '', ...policy] = text.split(':')
    if (name === '' || secret === '')
      throw new StsCliError('account-invalid', `--${flag} must be ${form} or ${form}:POLICY`, {
        stage: 'serve',
      })
    return { name, secret, policy: policy.length === 0 ? 'readwrite' : policy.join(':') }
  })
  if (new Set(accounts.map(({ name }) => name)).size < accounts.length)
    throw new StsCliError('account-duplicate', `two --${flag} have the same name`, {
      stage: 'serve',
    })
  return accounts
}
