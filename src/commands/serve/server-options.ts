/** Flags and `MINIO_*` variables → the server's options. All of them are checked before anything starts. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { type LogLevel, openLog } from '../../base/log.ts'
import { isLoopbackHost } from '../../base/http/loopback.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import { generateRoot } from '../../server/demo-credentials.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'
import { readClients, readUsers } from './accounts.ts'
import { readKeyPair } from './read-key-pair.ts'
import { readClientCa } from './client-ca.ts'
import { readCorsOrigins } from './cors-origins.ts'
import { readEtcd } from './etcd.ts'
import { readLdap } from './ldap.ts'
import { readObjects } from './objects.ts'
import { readOpenId, readRoles } from './openid.ts'
import { readIdentityPlugin } from './identity-plugin.ts'
import { readRequestLimits } from './request-limits.ts'
import { isOn, readCa, serveError } from './variables.ts'
import { readIdentityProvider, readPolicyEngine } from './services.ts'
import { readTrustedProxies } from './trusted-proxies.ts'
import { logLevels } from '../options/option-choices.ts'
import { readChoice, readTextFile, type Settings } from '../options/settings.ts'
import { parseDurationSeconds } from '../../base/duration.ts'

/** Session tokens are HMACs under the root secret: a shorter one can be guessed offline from any token. */
const strongSecretLength = 32
const maxWorkers = 64
/** MinIO's own minima. */
const minAccessKeyLength = 3
const minSecretKeyLength = 8

/** Reads the server's options. @throws {StsCliError} `ERR_USAGE` or `ERR_CONFIG` naming the flag or variable and what it takes; `ERR_INPUT`, `ERR_DATA` for files. */
export function readServerOptions(settings: Settings, io: Io): ServerOptions {
  const address = readAddress(settings, 'address')
  const root = readRoot(io)
  const openId = readOpenId(settings, io)
  const identityProvider = readIdentityProvider(settings, io, {
    openId,
    readAddress: () => readAddress(settings, 'idp-address'),
    readClients: () => readClients(settings),
    readUsers: () => readUsers(settings),
  })
  const level = readLogLevel(settings)
  const options: ServerOptions = {
    address,
    tls: readTls(settings),
    region: readRegion(settings, io),
    root: root ?? generateRoot(),
    objects: readObjects(settings, io, root),
    domains: (io.env['MINIO_DOMAIN'] ?? '').split(',').filter((domain) => domain !== ''),
    trustedProxies: readTrustedProxies(settings),
    policies: new Map(settings.list('policy').map(readPolicy)),
    identityProvider,
    policyClaim: openId.policyClaim,
    roleProviders: openId.roleProviders,
    roles: readRoles(settings),
    ca: readCa(settings),
    identityPlugin: readIdentityPlugin(settings, io),
    policyEngine: readPolicyEngine(settings, io),
    clientCa: readClientCa(settings, io),
    ldap: readLdap(settings, io),
    etcd: readEtcd(settings, io),
    limits: readLimits(settings, io),
    isSignatureV2Allowed: readSignatureV2(settings, io),
    corsOrigins: readCorsOrigins(settings, io),
    requests: readRequestLimits(io),
    log: openLog(level),
    isAccessLogged: level === 'debug' || level === 'info',
    observedPolicy: settings.get('observe'),
    keptDecisions: readKeptDecisions(settings),
    nowMs: io.nowMs,
  }
  if (!settings.has('allow-remote')) checkRisks(options, settings)
  return options
}

/** The most decided requests that a process keeps. */
const maxKeptDecisions = 100_000

function readKeptDecisions(settings: Settings): number {
  const text = settings.get('keep-decisions') ?? ''
  const number = Number(text)
  if (/^\d{1,6}$/.test(text) && number <= maxKeptDecisions) return number
  throw new StsCliError(
    'kept-decisions-invalid',
    `--keep-decisions ${JSON.stringify(text)} is not a number from 0 to ${maxKeptDecisions}`,
    { stage: 'serve' },
  )
}

function readSignatureV2(settings: Settings, io: Io): boolean {
  return settings.has('allow-signature-v2') || isOn(io, 'STS_CLI_ALLOW_SIGNATURE_V2')
}

/** Reads `127.0.0.1:9000`, `[::1]:9000` or `:9000` (all addresses of this machine). */
function readAddress(settings: Settings, name: string): { host: string; port: number } {
  const text = settings.get(name) ?? ''
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new StsCliError(
      'address-invalid',
      `--${name} ${JSON.stringify(text)} is not an address`,
      {
        stage: 'serve',
        hint: 'write HOST:PORT, such as 127.0.0.1:9000; port 0 takes a free one',
      },
    )
  const host = bracketed ?? plain ?? ''
  return { host: host === '' ? '0.0.0.0' : host, port: Number(port) }
}

/** Returns whether the user chose root's keys. @throws {StsCliError} as `readServerOptions`. */
export function hasOwnRoot(io: Io): boolean {
  return readRoot(io) !== undefined
}

/** Reads MINIO_ROOT_USER and _PASSWORD, or MINIO_ACCESS_KEY and _SECRET_KEY of 2018; undefined where none is set. */
function readRoot(io: Io): Credentials | undefined {
  const pairs = [
    ['MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD'],
    ['MINIO_ACCESS_KEY', 'MINIO_SECRET_KEY'],
  ] as const
  for (const [user, password] of pairs) {
    const accessKeyId = firstSet(io, user)
    const secretAccessKey = firstSet(io, password)
    if (accessKeyId === undefined && secretAccessKey === undefined) continue
    if (accessKeyId === undefined || secretAccessKey === undefined)
      throw serveError(
        'root-credentials-incomplete',
        `${user} and ${password} belong together: only one is set`,
      )
    if (accessKeyId.length < minAccessKeyLength)
      throw serveError(
        'root-credentials-too-short',
        `${user} must have at least ${minAccessKeyLength} characters`,
      )
    if (secretAccessKey.length < minSecretKeyLength)
      throw serveError(
        'root-credentials-too-short',
        `${password} must have at least ${minSecretKeyLength} characters`,
      )
    return { accessKeyId, secretAccessKey }
  }
  return undefined
}

function readPolicy(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1)
    throw new StsCliError(
      'policy-argument-invalid',
      `--policy ${JSON.stringify(text)} is not NAME=FILE`,
      {
        stage: 'serve',
      },
    )
  return [text.slice(0, at), readTextFile(text.slice(at + 1), 'policy')]
}

function readTls(settings: Settings): ServerOptions['tls'] {
  const certFile = settings.get('tls-cert')
  const keyFile = settings.get('tls-key')
  if (certFile === undefined && keyFile === undefined)
    return settings.has('tls') ? 'self-made' : undefined
  if (certFile === undefined || keyFile === undefined)
    throw new StsCliError(
      'tls-certificate-incomplete',
      '--tls-cert and --tls-key belong together',
      {
        stage: 'serve',
      },
    )
  if (settings.has('tls'))
    throw new StsCliError('flags-conflict', '--tls and --tls-cert cannot be used together', {
      stage: 'serve',
    })
  return readKeyPair(certFile, keyFile)
}

/** Returns the region that requests must be signed for; empty for any, which `--region ''` says too. */
function readRegion(settings: Settings, io: Io): string {
  const region =
    settings.getExplicit('region') ??
    firstSet(io, 'MINIO_SITE_REGION', 'MINIO_REGION_NAME', 'MINIO_REGION') ??
    ''
  if (/^[a-z0-9-]{0,64}$/i.test(region)) return region
  throw new StsCliError(
    'region-invalid',
    `the region ${JSON.stringify(region)} is not a region's name`,
    {
      stage: 'serve',
    },
  )
}

function readLimits(settings: Settings, io: Io): ServerOptions['limits'] {
  const minDurationSeconds = readWhole(settings, 'min-duration')
  const maxDurationSeconds = readWhole(settings, 'max-duration')
  if (minDurationSeconds > maxDurationSeconds)
    throw new StsCliError(
      'duration-range-invalid',
      '--min-duration is longer than --max-duration',
      {
        stage: 'serve',
      },
    )
  const text = firstSet(io, 'MINIO_STS_DURATION')
  const seconds =
    text === undefined ? Math.max(3600, minDurationSeconds) : parseDurationSeconds(text)
  if (seconds === undefined || seconds < minDurationSeconds)
    throw serveError(
      'default-duration-invalid',
      `MINIO_STS_DURATION ${JSON.stringify(text)} is not a duration that is allowed`,
      {
        hint: 'write 3600, 15m or 1h',
      },
    )
  return {
    minDurationSeconds,
    maxDurationSeconds,
    defaultDurationSeconds: Math.min(seconds, maxDurationSeconds),
    isLongerThanTokenAllowed: settings.has('allow-longer-than-token'),
  }
}

/** Returns the level of the server's log; `warn` when none is given. @throws {StsCliError} `ERR_USAGE`. */
export function readLogLevel(settings: Settings): LogLevel {
  return readChoice(settings, 'log-level', logLevels) ?? 'warn'
}

/** Returns how many processes share the address. @throws {StsCliError} `ERR_USAGE` outside 1 to 64. */
export function readWorkerCount(settings: Settings): number {
  const text = settings.get('workers') ?? ''
  const count = Number(text)
  if (/^\d{1,2}$/.test(text) && count >= 1 && count <= maxWorkers) return count
  throw new StsCliError(
    'worker-count-invalid',
    `--workers ${JSON.stringify(text)} is not from 1 to ${maxWorkers}`,
    { stage: 'serve', hint: 'one a core is most' },
  )
}

function readWhole(settings: Settings, name: string): number {
  const text = settings.get(name) ?? ''
  const seconds = parseDurationSeconds(text)
  if (seconds !== undefined && seconds >= 1 && seconds <= 31_536_000) return seconds
  throw new StsCliError(
    'duration-invalid',
    `--${name} ${JSON.stringify(text)} is not from 1 to 31536000 seconds`,
    {
      stage: 'serve',
    },
  )
}

/** Refuses settings that are safe on localhost only, when an address is not on this machine. */
function checkRisks(options: ServerOptions, settings: Settings): void {
  const hint = 'listen on 127.0.0.1, or accept the risk with --allow-remote'
  if (!isLoopbackHost(options.address.host)) {
    if (options.root.secretAccessKey.length < strongSecretLength)
      throw serveError(
        'root-secret-exposed',
        `the root secret is shorter than ${strongSecretLength} characters: anyone with a session token could guess it`,
        { hint: `set a longer MINIO_ROOT_PASSWORD; or ${hint}` },
      )
  }
  const provider = options.identityProvider
  if (provider?.kind !== 'embedded') return
  const hosts = [options.address.host, provider.address.host]
  if (settings.list('client').length === 0 && !hosts.every(isLoopbackHost))
    throw serveError('demo-client-exposed', 'the demo client is for this machine alone', {
      hint: `name your own with --client ID:SECRET:POLICY; or ${hint}`,
    })
  if ((provider.users ?? []).length > 0 && !hosts.every(isLoopbackHost))
    throw serveError(
      'users-exposed',
      'the users of --user are for this machine alone: their passwords can be read off its processes',
      {
        hint: `let people sign in at an identity provider of your own; or ${hint}`,
      },
    )
}

function firstSet(io: Io, ...names: string[]): string | undefined {
  return names.map((name) => io.env[name]).find((text) => text !== undefined && text !== '')
}
