/** Flags and environment → the typed options of the flow. Nothing is sent before all of it is known to fit together. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { findCacheDirectory } from '../../client/credential-cache.ts'
import {
  stsActionNames,
  type CacheOptions,
  type ExchangeOptions,
  type NetOptions,
  type StsActionName,
} from '../../client/options.ts'
import type { ObtainOptions } from '../../client/flow/obtain-credentials.ts'
import { parseJsonObject } from '../../base/parse.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import { createProgress } from './progress.ts'
import { cacheKinds } from '../options/option-choices.ts'
import {
  chooseOne,
  readChoice,
  readSeconds,
  readTextFile,
  readUrl,
  type Settings,
} from '../options/settings.ts'
import { readOrigin } from './read-origin.ts'
import { readTokenSource } from './token-source.ts'
import { readUserPassword } from './user-password.ts'

/** All that `obtainCredentials` needs. @throws {StsCliError} `ERR_USAGE`, `ERR_INPUT`, `ERR_CONFIG`. */
export async function readObtainOptions(settings: Settings, io: Io): Promise<ObtainOptions> {
  const exchange = await readExchangeOptions(settings, io)
  const net = readNetOptions(settings, io)
  const cache = readCacheOptions(settings, io)
  const source = isTokenExchanged(exchange) ? await readTokenSource(settings, io) : undefined
  const origin = await readOrigin(settings, { source, exchange }, io)
  return { source, exchange, net, cache: { ...cache, origin } }
}

/** Whether the action takes a token; the others prove who asks by themselves. */
export function isTokenExchanged({ action }: ExchangeOptions): boolean {
  return action === 'client-grants' || action === 'web-identity' || action === 'custom-token'
}

/** The STS half. @throws {StsCliError} `ERR_USAGE`, and what a password's file or prompt throws. */
export async function readExchangeOptions(settings: Settings, io: Io): Promise<ExchangeOptions> {
  const action = readChoice(settings, 'action', stsActionNames) ?? 'client-grants'
  checkAction(action, settings)
  return {
    stsEndpoint: readUrl(settings, 'sts-endpoint'),
    action,
    durationSeconds: readSeconds(settings, 'duration'),
    policy: readPolicy(settings),
    roleArn: settings.get('role-arn'),
    roleSessionName: settings.get('role-session-name'),
    ldap: action === 'ldap' ? await readUserPassword(settings, io) : undefined,
    signWith: action === 'assume-role' ? readSigningKeys(io) : undefined,
    region:
      settings.get('region') ?? io.env['AWS_REGION'] ?? io.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
  }
}

/** The session policy as it was written; what is no JSON object is found out before the provider is asked for a token. */
function readPolicy(settings: Settings): string | undefined {
  const chosen = chooseOne(settings, 'policy', 'policy-file')
  const said = chosen === undefined ? undefined : settings.getExplicit(chosen)
  if (said === undefined) return undefined
  const text = chosen === 'policy-file' ? readTextFile(said, 'policy') : said
  if (parseJsonObject(text) !== undefined) return text
  const where = chosen === 'policy-file' ? ` ${said}` : ''
  throw new StsCliError('ERR_DATA', `--${chosen ?? ''}${where} is no JSON object`, {
    stage: 'config',
    hint: 'a policy begins {"Version":"2012-10-17","Statement":[…',
  })
}

/** What an action cannot do without. */
function checkAction(action: StsActionName, settings: Settings): void {
  if (action === 'certificate') {
    if (settings.get('cert') === undefined)
      throw new StsCliError(
        'ERR_USAGE',
        '--action certificate shows a certificate, and none is given',
        {
          stage: 'config',
          hint: 'use --cert FILE --key FILE',
        },
      )
    if (!readUrl(settings, 'sts-endpoint').startsWith('https:'))
      throw new StsCliError('ERR_USAGE', 'a certificate is shown over https alone', {
        stage: 'config',
        hint: 'give -sts-ep an https address',
      })
  }
  if (action === 'custom-token' && settings.get('role-arn') === undefined)
    throw new StsCliError('ERR_USAGE', '--action custom-token needs a role', {
      stage: 'config',
      hint: 'use --role-arn ARN: the STS prints it at start',
    })
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
  const isTraced = settings.has('verbose') || settings.has('debug')
  return {
    timeoutMs: (readSeconds(settings, 'timeout') ?? 30) * 1000,
    retries: Number(retries),
    caFile: settings.get('ca-file'),
    ...readOwnCertificate(settings),
    isInsecure: settings.has('insecure'),
    env: io.env,
    trace: isTraced ? (line) => io.writeStderr(`${line}\n`) : undefined,
    progress: isTraced || settings.has('quiet') ? undefined : createProgress(io),
  }
}

function readOwnCertificate(settings: Settings): Pick<NetOptions, 'certFile' | 'certKeyFile'> {
  const certFile = settings.get('cert')
  const certKeyFile = settings.get('key')
  if ((certFile === undefined) !== (certKeyFile === undefined))
    throw new StsCliError('ERR_USAGE', '--cert and --key belong together', { stage: 'config' })
  return { certFile, certKeyFile }
}

/** Where and under which name credentials are remembered. @throws {StsCliError} `ERR_USAGE`. */
export function readCacheOptions(settings: Settings, io: Io): CacheOptions {
  const where = readChoice(settings, 'cache', cacheKinds)
  return {
    directory: where === 'none' ? undefined : findCacheDirectory(io.env, io.platform),
    isInKeyring: where === 'keyring',
    profile: settings.get('profile') ?? 'default',
    isRefresh: settings.has('refresh'),
    isKeyringUnwanted: settings.has('no-keyring'),
    minTtlSeconds: readSeconds(settings, 'min-ttl'),
  }
}
