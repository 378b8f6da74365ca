/** What `creds`, `env`, `exec` and `credential-process` share: the remembered credentials, renewed when they are about to expire and that can be done without asking. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import {
  findCacheDirectory,
  isFresh,
  readRemembered,
  type RememberedCredentials,
} from '../client/credential-cache.ts'
import { ownCommand } from '../client/own-command.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { cacheKinds, createSettings, readChoice, readSeconds } from './settings.ts'

/** The remembered credentials when they are good for a while, their keys perhaps in the keyring; loads neither HTTP, XML nor JWT code. */
export function findWarm(
  parsed: ParsedArgv,
  io: Io,
  minTtlSeconds?: number,
): RememberedCredentials | undefined {
  const settings = createSettings(parsed, io)
  const directory = findCacheDirectory(io.env, io.platform)
  const where = readChoice(settings, 'cache', cacheKinds)
  if (directory === undefined || settings.has('refresh') || where === 'none') return undefined
  const remembered = readRemembered(directory, settings.get('profile') ?? 'default')
  if (
    remembered === undefined ||
    !isFresh(remembered, io.nowMs(), minTtlSeconds ?? readSeconds(settings, 'min-ttl'))
  )
    return undefined
  return remembered
}

/**
 * Warm credentials, else new ones for the same settings as `login`.
 *
 * @param minTtlSeconds In place of `--min-ttl`.
 * @throws {StsCliError} `ERR_REFUSED` (77) when there are none and they cannot be had without asking.
 */
export async function findOrRenew(
  parsed: ParsedArgv,
  io: Io,
  minTtlSeconds?: number,
): Promise<RememberedCredentials> {
  // Flags that say how to get credentials ask for those, not for whatever was remembered.
  const isSpecific = [...parsed.flags.keys()].some((name) =>
    ['identity provider', 'sts'].includes(parsed.specs.get(name)?.group ?? ''),
  )
  const warm = isSpecific ? undefined : findWarm(parsed, io, minTtlSeconds)
  if (warm !== undefined && warm.isSealed !== true) return warm
  const { unseal, obtainCredentials } = await import('../client/obtain-credentials.ts')
  const unsealed = warm === undefined ? undefined : await unseal(warm, io)
  if (unsealed !== undefined) return unsealed
  const { readObtainOptions, weighSettings } = await import('./flow-options.ts')
  const { personalGrants } = await import('./token-source.ts')
  // A renewal is neither asked about nor seen: it may run beside a command that has the terminal.
  const isTty = { stdin: false, stdout: false, stderr: false }
  const quietIo: Io = { ...io, askSecret: undefined, isTty }
  const settings = weighSettings(parsed, quietIo)
  if (!isSpecific) {
    const { renewLogin } = await import('./renew-login.ts')
    const renewed = await renewLogin(settings, quietIo)
    if (renewed !== undefined) return renewed
  }
  const profile = settings.get('profile') ?? 'default'
  if (personalGrants.includes(settings.get('grant') ?? '')) throw notWithoutAsking(profile)
  const options = await readOptions(() => readObtainOptions(settings, quietIo), profile)
  const cache = { ...options.cache, minTtlSeconds: minTtlSeconds ?? options.cache.minTtlSeconds }
  return obtainCredentials({ ...options, cache }, quietIo)
}

async function readOptions<T>(read: () => Promise<T>, profile: string): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (
      !(cause instanceof StsCliError) ||
      !/^no (client id|client secret|user name|password) is given/.test(cause.message)
    )
      throw cause
    throw notWithoutAsking(profile, cause)
  }
}

function notWithoutAsking(profile: string, cause?: StsCliError): StsCliError {
  return new StsCliError('ERR_REFUSED', 'there are no credentials, or they are about to expire', {
    hint: ownCommand('login', profile),
    cause,
  })
}
