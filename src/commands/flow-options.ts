/** Flags and environment → the typed options of the flow. Nothing is sent before all of it is known to fit together. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findCacheDirectory } from '../client/credential-cache.ts'
import type {
  CacheOptions,
  ExchangeOptions,
  NetOptions,
  ObtainOptions,
  TokenSource,
} from '../client/options.ts'
import { isLoopback } from '../base/loopback.ts'
import { findStateDirectory, readServeState } from '../client/serve-state.ts'
import type { Credentials } from '../protocol/credentials.ts'
import type { ParsedArgv } from './parse-argv.ts'
import {
  checkSecret,
  chooseOne,
  createSettings,
  readChoice,
  readSeconds,
  readSecretFile,
  readTextFile,
  readUrl,
  refuseTogether,
  type Settings,
} from './settings.ts'

const actionNames = ['client-grants', 'web-identity', 'assume-role'] as const
const secretFlags = ['client-secret', 'client-secret-file', 'client-secret-command']
const authMethods = ['client_secret_basic', 'client_secret_post'] as const

/** Settings with what a running `sts-cli serve` left, where the user named no other endpoints. */
export function weighSettings(parsed: ParsedArgv, io: Io): Settings {
  const own = createSettings(parsed, io)
  const directory = findStateDirectory(io.env, io.platform)
  const endpoints = ['idp-endpoint', 'issuer', 'sts-endpoint']
    .map(own.getSaid)
    .filter((text) => text !== undefined)
  // Its secret must not travel to an endpoint that somebody else named.
  if (directory === undefined || !endpoints.every(isLoopback)) return own
  const state = readServeState(directory)
  if (state === undefined) return own
  const found: Record<string, string> = {
    'idp-endpoint': state.tokenEndpoint,
    'sts-endpoint': state.stsEndpoint,
  }
  if (own.getSaid('ca-file') === undefined) found['ca-file'] = state.caFile
  const idp = own.getSaid('client-id')
  const hasOwnSecret = [...secretFlags, 'token', 'token-file'].some(
    (name) => own.getSaid(name) !== undefined,
  )
  const whichIdp = chooseOne(own, 'issuer', 'idp-endpoint')
  const isOwnIdp = whichIdp !== undefined && own.getSaid(whichIdp) !== state.tokenEndpoint
  if ((idp === undefined || idp === state.clientId) && !hasOwnSecret && !isOwnIdp) {
    found['client-id'] = state.clientId
    found['client-secret'] = state.clientSecret
  }
  return createSettings(parsed, io, found)
}

/** All that `obtainCredentials` needs. @throws {StsCliError} `ERR_USAGE`, `ERR_INPUT`, `ERR_CONFIG`. */
export async function readObtainOptions(settings: Settings, io: Io): Promise<ObtainOptions> {
  const exchange = readExchangeOptions(settings, io)
  const net = readNetOptions(settings, io)
  const cache = readCacheOptions(settings, io)
  const source = exchange.action === 'assume-role' ? undefined : await readTokenSource(settings, io)
  return { source, exchange, net, cache }
}

/** Where the token comes from. @throws {StsCliError} `ERR_USAGE` naming the flag that is missing. */
export async function readTokenSource(settings: Settings, io: Io): Promise<TokenSource> {
  const token = await readToken(settings, io)
  if (token !== undefined) return { grant: 'token', token }
  const clientId = settings.get('client-id')
  if (clientId === undefined || clientId === '') {
    throw new StsCliError('ERR_USAGE', 'no client id is given', {
      stage: 'config',
      hint: 'use -cid ID -csec SECRET, or start sts-cli serve on this machine',
    })
  }
  return {
    grant: 'client-credentials',
    ...(chooseOne(settings, 'issuer', 'idp-endpoint') === 'issuer'
      ? { issuer: readUrl(settings, 'issuer') }
      : { tokenEndpoint: readUrl(settings, 'idp-endpoint') }),
    clientId,
    clientSecret: await readClientSecret(settings, io),
    authMethod: readChoice(settings, 'auth-method', authMethods) ?? 'client_secret_basic',
    scope: settings.get('scope'),
    audience: settings.get('audience'),
    parameters: settings.list('param').map(splitParameter),
  }
}

async function readToken(settings: Settings, io: Io): Promise<string | undefined> {
  const chosen = chooseOne(settings, 'token', 'token-file')
  if (chosen === 'token') {
    const token = settings.get('token') ?? ''
    return checkSecret(token === '-' ? (await io.readStdin(256 * 1024)).trim() : token, 'token')
  }
  // A variable meant for AWS's own SDKs must not override a client that was named.
  const isClientNamed = settings.getSaid('client-id') !== undefined
  const file = isClientNamed ? settings.getSaid('token-file') : settings.get('token-file')
  return file === undefined ? undefined : readSecretFile(file, 'token')
}

async function readClientSecret(settings: Settings, io: Io): Promise<string> {
  const chosen = chooseOne(settings, ...secretFlags)
  const said = chosen === undefined ? '' : (settings.getSaid(chosen) ?? '')
  if (chosen === 'client-secret-command') {
    const { readSecretCommand } = await import('../base/execa.ts')
    return checkSecret(await readSecretCommand(said), 'client secret')
  }
  if (chosen === 'client-secret-file') return readSecretFile(said, 'client secret')
  const secret = settings.get('client-secret')
  if (secret === '-') return checkSecret((await io.readStdin(64 * 1024)).trim(), 'client secret')
  if (secret !== undefined && secret !== '') return secret
  if (io.askSecret !== undefined && !settings.has('no-input'))
    return checkSecret(await io.askSecret('client secret: '), 'client secret')
  throw new StsCliError(
    'ERR_USAGE',
    'no client secret is given, and there is no terminal to ask at',
    { stage: 'config', hint: 'use -csec, --client-secret-file, or STS_CLI_CLIENT_SECRET' },
  )
}

function splitParameter(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1)
    throw new StsCliError('ERR_USAGE', `--param ${JSON.stringify(text)} is not of the form K=V`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** The STS half. @throws {StsCliError} `ERR_USAGE`. */
export function readExchangeOptions(settings: Settings, io: Io): ExchangeOptions {
  refuseTogether(settings, 'policy', 'policy-file')
  const policyFile = settings.get('policy-file')
  const action = readChoice(settings, 'action', actionNames) ?? 'client-grants'
  return {
    stsEndpoint: readUrl(settings, 'sts-endpoint'),
    action,
    durationSeconds: readSeconds(settings, 'duration'),
    policy: policyFile === undefined ? settings.get('policy') : readTextFile(policyFile, 'policy'),
    roleArn: settings.get('role-arn'),
    roleSessionName: settings.get('role-session-name'),
    signWith: action === 'assume-role' ? readSigningKeys(io) : undefined,
    region:
      settings.get('region') ?? io.env['AWS_REGION'] ?? io.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
  }
}

function readSigningKeys(io: Io): Credentials {
  const accessKeyId = io.env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = io.env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new StsCliError(
      'ERR_USAGE',
      '--action assume-role signs with access keys, and there are none',
      { stage: 'config', hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' },
    )
  }
  // MinIO takes long-lived keys alone; AWS's own STS takes temporary ones too.
  return { accessKeyId, secretAccessKey, sessionToken: io.env['AWS_SESSION_TOKEN'] }
}

/** Time limits, retries, trust. @throws {StsCliError} `ERR_USAGE`. */
export function readNetOptions(settings: Settings, io: Io): NetOptions {
  const retries = settings.get('retries') ?? '3'
  if (!/^\d{1,2}$/.test(retries))
    throw new StsCliError(
      'ERR_USAGE',
      `--retries ${JSON.stringify(retries)} is not a number from 0 to 99`,
    )
  return {
    timeoutMs: (readSeconds(settings, 'timeout') ?? 30) * 1000,
    retries: Number(retries),
    caFile: settings.get('ca-file'),
    isInsecure: settings.has('insecure'),
    env: io.env,
    trace:
      settings.has('verbose') || settings.has('debug')
        ? (line) => io.writeStderr(`${line}\n`)
        : undefined,
  }
}

/** Where and under which name credentials are remembered. @throws {StsCliError} `ERR_USAGE`. */
export function readCacheOptions(settings: Settings, io: Io): CacheOptions {
  const where = readChoice(settings, 'cache', ['file', 'none'] as const)
  return {
    directory: where === 'none' ? undefined : findCacheDirectory(io.env, io.platform),
    profile: settings.get('profile') ?? 'default',
    isRefresh: settings.has('refresh'),
    minTtlSeconds: readSeconds(settings, 'min-ttl'),
  }
}
