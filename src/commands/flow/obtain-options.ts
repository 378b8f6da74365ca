/** Settings → the typed options of the flow. All of them are checked before anything is sent. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
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
import { readExpectations, readSessionParameters } from './session-parameters.ts'
import { readOrigin } from './read-origin.ts'
import { readTokenSource } from './token-source.ts'
import { readUserPassword } from './user-password.ts'

/** Reads all that `obtainCredentials` needs. @throws {StsCliError} `ERR_USAGE`, `ERR_INPUT`, `ERR_CONFIG`. */
export async function readObtainOptions(settings: Settings, io: Io): Promise<ObtainOptions> {
  const exchange = await readExchangeOptions(settings, io)
  const net = readNetOptions(settings, io)
  const cache = readCacheOptions(settings, io)
  const source = isTokenExchanged(exchange) ? await readTokenSource(settings, io) : undefined
  const origin = await readOrigin(settings, { source, exchange }, io)
  return { source, exchange, net, cache: { ...cache, origin } }
}

/** Returns whether the action takes a token; the others authenticate the caller in another way. */
export function isTokenExchanged({ action }: ExchangeOptions): boolean {
  return action === 'client-grants' || action === 'web-identity' || action === 'custom-token'
}

/** Reads the options of the STS call. @throws {StsCliError} `ERR_USAGE`, and what reading a password throws. */
export async function readExchangeOptions(settings: Settings, io: Io): Promise<ExchangeOptions> {
  const action = readChoice(settings, 'action', stsActionNames) ?? 'client-grants'
  checkAction(action, settings)
  return {
    stsEndpoint: readUrl(settings, 'sts-endpoint'),
    action,
    ...readSessionParameters(settings, action),
    ...readExpectations(settings, action),
    policy: readPolicy(settings),
    roleSessionName: settings.get('role-session-name'),
    ldap: action === 'ldap' ? await readUserPassword(settings, io) : undefined,
    signWith: action === 'assume-role' ? readSigningKeys(io) : undefined,
    region:
      settings.get('region') ?? io.env['AWS_REGION'] ?? io.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
  }
}

/** Reads the session policy as it was written; it must be a JSON object before the provider is asked for a token. */
function readPolicy(settings: Settings): string | undefined {
  const chosen = chooseOne(settings, 'policy', 'policy-file')
  const given = chosen === undefined ? undefined : settings.getExplicit(chosen)
  if (given === undefined) return undefined
  const text = chosen === 'policy-file' ? readTextFile(given, 'policy') : given
  if (parseJsonObject(text) !== undefined) return text
  const where = chosen === 'policy-file' ? ` ${given}` : ''
  throw new StsCliError('policy-invalid', `--${chosen ?? ''}${where} is no JSON object`, {
    stage: 'config',
    hint: 'a policy begins {"Version":"2012-10-17","Statement":[…',
  })
}

/** Checks that the options which an action requires are given. */
function checkAction(action: StsActionName, settings: Settings): void {
  if (action === 'certificate') {
    if (settings.get('cert') === undefined)
      throw new StsCliError(
        'client-certificate-missing',
        '--action certificate shows a certificate, and none is given',
        {
          stage: 'config',
          hint: 'use --cert FILE --key FILE',
        },
      )
    if (!readUrl(settings, 'sts-endpoint').startsWith('https:'))
      throw new StsCliError('https-required', 'a certificate is shown over https alone', {
        stage: 'config',
        hint: 'give -sts-ep an https address',
      })
  }
  if (action === 'custom-token' && settings.list('role-arn').length === 0)
    throw new StsCliError('role-missing', '--action custom-token needs a role', {
      stage: 'config',
      hint: 'use --role-arn ARN: the STS prints it at start',
    })
}

function readSigningKeys(io: Io): Credentials {
  const accessKeyId = io.env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = io.env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new StsCliError(
      'access-keys-missing',
      '--action assume-role signs with access keys, and there are none',
      { stage: 'config', hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' },
    )
  }
  // MinIO accepts long-lived keys only; AWS's own STS accepts temporary ones too.
  return { accessKeyId, secretAccessKey, sessionToken: io.env['AWS_SESSION_TOKEN'] }
}

/** Reads time limits, retries and trust. @throws {StsCliError} `ERR_USAGE`. */
export function readNetOptions(settings: Settings, io: Io): NetOptions {
  const retries = settings.get('retries') ?? '3'
  if (!/^\d{1,2}$/.test(retries))
    throw new StsCliError(
      'retries-invalid',
      `--retries ${JSON.stringify(retries)} is not a number from 0 to 99`,
    )
  const isTraced = settings.has('verbose') || settings.has('debug')
  return {
    timeoutMs: (readSeconds(settings, 'timeout') ?? 30) * 1000,
    retries: Number(retries),
    caFile: settings.get('ca-file'),
    ...readClientCertificate(settings),
    isInsecure: settings.has('insecure'),
    env: io.env,
    trace: isTraced ? (line) => io.writeStderr(`${line}\n`) : undefined,
    progress: isTraced || settings.has('quiet') ? undefined : createProgress(io),
  }
}

function readClientCertificate(settings: Settings): Pick<NetOptions, 'certFile' | 'certKeyFile'> {
  const certFile = settings.get('cert')
  const certKeyFile = settings.get('key')
  if ((certFile === undefined) !== (certKeyFile === undefined))
    throw new StsCliError('client-certificate-incomplete', '--cert and --key belong together', {
      stage: 'config',
    })
  return { certFile, certKeyFile }
}

/** Reads where and under which name credentials are cached. @throws {StsCliError} `ERR_USAGE`. */
export function readCacheOptions(settings: Settings, io: Io): CacheOptions {
  const where = readChoice(settings, 'cache', cacheKinds)
  return {
    directory: where === 'none' ? undefined : findUserDirectory('cache', io),
    isInKeyring: where === 'keyring',
    profile: settings.get('profile') ?? 'default',
    isRefresh: settings.has('refresh'),
    isKeyringUnwanted: settings.has('no-keyring'),
    minTtlSeconds: readSeconds(settings, 'min-ttl'),
  }
}
