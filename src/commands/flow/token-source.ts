/** Settings → where the token comes from. All of them are checked before anything is asked or sent. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { isLoopback } from '../../base/http/loopback.ts'
import {
  authMethods,
  type ClientAccess,
  type IdTokenAccess,
  type PersonalAccess,
} from '../../client/options.ts'
import type { TokenSource } from '../../client/token/obtain-token.ts'
import { type GrantName, grantNames } from '../options/option-choices.ts'
import {
  checkSecret,
  chooseOne,
  readChoice,
  readSeconds,
  readSecretFile,
  readUrl,
  type Settings,
} from '../options/settings.ts'
import {
  readGithubActions,
  readGitlabToken,
  readKubernetesToken,
  readGivenToken,
} from './given-token.ts'
import { readUserPassword } from './user-password.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

/** Grants that cannot renew without a person. */
export const personalGrants: readonly string[] = ['browser', 'device-code']

/** Reads where the token comes from. @throws {StsCliError} `ERR_USAGE` naming the flag that is missing. */
export async function readTokenSource(settings: Settings, io: Io): Promise<TokenSource> {
  const isNamed = settings.getExplicit('grant') !== undefined
  const grant = isNamed ? readChoice(settings, 'grant', grantNames) : undefined
  const tokenFlag = tokenFlags.find(settings.isFlag)
  const isFlagFirst = tokenFlag !== undefined && !settings.isFlag('grant')
  if (grant === undefined || grant === 'token' || isFlagFirst) {
    const source = await readGivenToken(settings, io)
    if (source !== undefined) return source
  }
  if (grant === undefined) return readers['client-credentials'](settings, io)
  if (grant === 'token')
    throw new StsCliError('given-token-missing', '--grant token takes a token that is at hand', {
      stage: 'config',
      hint: 'use --token, --token-file, --token-env or --token-command',
    })
  if (tokenFlag !== undefined && flagOfGrant[grant] !== tokenFlag)
    throw new StsCliError(
      'flags-conflict',
      `--${tokenFlag} and --grant ${grant} cannot be used together`,
    )
  return readers[grant](settings, io)
}

/** The flag that says where a job's token is, for grants that have one. */
const flagOfGrant: Readonly<Partial<Record<GrantName, string>>> = {
  gitlab: 'token-env',
  kubernetes: 'token-file',
}

type Reader = (settings: Settings, io: Io) => Promise<TokenSource>

const readers: Readonly<Record<Exclude<GrantName, 'token'>, Reader>> = {
  'client-credentials': async (settings, io) => ({
    grant: 'client-credentials',
    ...(await readClient(settings, io, { isSecretNeeded: true })),
  }),
  browser: async (settings, io) => ({
    grant: 'browser',
    ...(await readPersonal(settings, io)),
    redirectUri: readRedirectUri(settings),
    isBrowserOpened: !settings.has('no-browser'),
  }),
  'device-code': async (settings, io) => ({
    grant: 'device-code',
    ...(await readPersonal(settings, io)),
  }),
  password: async (settings, io) => ({
    grant: 'password',
    ...withOpenId(await readClient(settings, io, { isSecretNeeded: false }), settings),
    ...(await readUserPassword(settings, io)),
  }),
  'refresh-token': async (settings, io) => ({
    grant: 'refresh-token',
    profile: settings.get('profile') ?? 'default',
    clientSecret: await readExplicitSecret(settings, io),
  }),
  'github-actions': async (settings, io) => readGithubActions(settings, io),
  gitlab: async (settings, io) => readGitlabToken(settings, io),
  kubernetes: async (settings) => readKubernetesToken(settings),
}

/** Reads what a person's login needs: the client, and how long to wait. */
async function readPersonal(settings: Settings, io: Io): Promise<PersonalAccess> {
  if (settings.has('no-input'))
    throw new StsCliError(
      'prompt-forbidden',
      'this grant asks a person, and --no-input forbids it',
      {
        stage: 'config',
        hint: 'leave --no-input out, or use a grant that asks nobody',
      },
    )
  const client = await readClient(settings, io, { isSecretNeeded: false })
  return {
    ...withOpenId(client, settings),
    waitMs: (readSeconds(settings, 'wait') ?? 300) * 1000,
  }
}

function withOpenId(client: ClientAccess, settings: Settings): IdTokenAccess {
  return {
    ...client,
    // Without this scope a provider gives no ID token, and some no token at all.
    scope: client.scope ?? 'openid',
    isIdTokenWanted: settings.has('id-token') || settings.get('action') === 'web-identity',
  }
}

/**
 * Reads the client. A client with a secret authenticates by Basic unless `--auth-method` says otherwise; a client without one is public.
 *
 * @param isSecretNeeded Whether to prompt for the secret when nothing gives one.
 */
async function readClient(
  settings: Settings,
  io: Io,
  { isSecretNeeded }: { isSecretNeeded: boolean },
): Promise<ClientAccess> {
  // The provider is read first: with another provider than serve's there is no client id, and a mistake in its address must be reported, not that.
  const provider =
    chooseOne(settings, 'issuer', 'idp-endpoint') === 'issuer'
      ? { issuer: readUrl(settings, 'issuer') }
      : { tokenEndpoint: readUrl(settings, 'idp-endpoint') }
  chooseOne(settings, ...secretFlags)
  const clientId = settings.get('client-id')
  if (clientId === undefined || clientId === '') {
    throw new StsCliError('client-id-missing', 'no client id is given', {
      stage: 'config',
      hint: `use -cid ID -csec SECRET, or start sts-cli serve on this machine${profileHint(settings)}`,
    })
  }
  return {
    ...provider,
    clientId,
    ...(await readProof(settings, io, isSecretNeeded)),
    scope: settings.get('scope'),
    audience: settings.get('audience'),
    parameters: settings.list('param').map(splitParameter),
  }
}

/** Names the profile in the hint: one without a client id is often a misspelt one. */
function profileHint(settings: Settings): string {
  const profile = settings.getExplicit('profile')
  return profile === undefined
    ? ''
    : `; the profile ${JSON.stringify(profile)} names none (sts-cli config list)`
}

type ClientProof = Pick<ClientAccess, 'authMethod' | 'clientSecret' | 'keyFile'>

async function readProof(
  settings: Settings,
  io: Io,
  isSecretNeeded: boolean,
): Promise<ClientProof> {
  const given = settings.getExplicit('auth-method')
  const authMethod = readChoice(settings, 'auth-method', authMethods) ?? 'client_secret_basic'
  if (authMethod === 'private_key_jwt') {
    const keyFile = settings.get('key-file')
    if (keyFile !== undefined) return { authMethod, keyFile }
    throw new StsCliError('client-key-missing', '--auth-method private_key_jwt signs with a key', {
      stage: 'config',
      hint: 'name its file with --key-file',
    })
  }
  if (authMethod === 'tls_client_auth') {
    if (settings.get('cert') !== undefined) return { authMethod }
    throw new StsCliError(
      'client-certificate-missing',
      '--auth-method tls_client_auth shows a certificate',
      {
        stage: 'config',
        hint: 'name it and its key with --cert and --key',
      },
    )
  }
  if (authMethod === 'none') {
    if (!isSecretNeeded) return { authMethod }
    throw new StsCliError(
      'grant-needs-client-secret',
      'a client without a secret cannot use client credentials',
      {
        stage: 'config',
        hint: 'leave --auth-method none out, or let a person sign in: --grant browser',
      },
    )
  }
  const hasSecret =
    isSecretNeeded ||
    given !== undefined ||
    secretFlags.some((name) => settings.get(name) !== undefined)
  return hasSecret
    ? { authMethod, clientSecret: await readClientSecret(settings, io) }
    : { authMethod: 'none' }
}

function readRedirectUri(settings: Settings): string {
  const text = readUrl(settings, 'redirect-uri')
  const url = new URL(text)
  if (url.protocol === 'http:' && isLoopback(text) && url.search === '' && url.hash === '')
    return text
  throw new StsCliError(
    'redirect-uri-invalid',
    `--redirect-uri ${JSON.stringify(text)} is not on this machine`,
    {
      stage: 'config',
      hint: 'write http://127.0.0.1:PORT/PATH, or localhost where the provider insists; port 0 takes a free one',
    },
  )
}

/** Returns the secret that the user gave, if any; never the secret of a running `serve`'s client. */
export async function readExplicitSecret(settings: Settings, io: Io): Promise<string | undefined> {
  const isGiven = secretFlags.some((name) => settings.getExplicit(name) !== undefined)
  return isGiven ? readClientSecret(settings, io) : undefined
}

async function readClientSecret(settings: Settings, io: Io): Promise<string> {
  const chosen = chooseOne(settings, ...secretFlags)
  const given = chosen === undefined ? '' : (settings.getExplicit(chosen) ?? '')
  if (chosen === 'client-secret-command') {
    const { readSecretCommand } = await import('../../base/process/start-program.ts')
    return checkSecret(
      await readSecretCommand(given, { what: 'client secret', option: chosen }),
      'client secret',
    )
  }
  if (chosen === 'client-secret-file') return readSecretFile(given, 'client secret')
  const secret = settings.get('client-secret')
  if (secret === '-') return checkSecret((await io.readStdin(64 * 1024)).trim(), 'client secret')
  if (secret !== undefined && secret !== '') return secret
  if (io.askSecret !== undefined && !settings.has('no-input'))
    return checkSecret(await io.askSecret('client secret: '), 'client secret')
  throw new StsCliError(
    'client-secret-missing',
    'no client secret is given, and there is no terminal to ask at',
    { stage: 'config', hint: 'use -csec, --client-secret-file, or STS_CLI_CLIENT_SECRET' },
  )
}

function splitParameter(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1)
    throw new StsCliError(
      'parameter-invalid',
      `--param ${JSON.stringify(text)} is not of the form K=V`,
    )
  return [text.slice(0, at), text.slice(at + 1)]
}
