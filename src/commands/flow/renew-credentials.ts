/** New credentials for `creds`, `env`, `exec`, `credential-process` and `write`: as the login had them, or as flags and configuration say in full. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { CachedCredentials } from '../../client/credential-cache.ts'
import { describeOrigin } from '../../client/credential-origin.ts'
import { obtainCredentials } from '../../client/flow/obtain-credentials.ts'
import type { ObtainOptions } from '../../client/options.ts'
import { ownCommand } from '../../client/own-command.ts'
import { type Mismatch, findMismatch, hasOtherFlags } from './find-mismatch.ts'
import { readObtainOptions } from './obtain-options.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { renewLogin } from './renew-login.ts'
import { notRenewable, repeatLogin } from './repeat-login.ts'
import { createSettings, type Settings } from '../options/settings.ts'
import { personalGrants } from './token-source.ts'

export interface RenewalRequest {
  /** What is in the cache, expired or asked for anew. */
  readonly cached: CachedCredentials | undefined
  readonly parsed: ParsedArgv
  readonly minTtlSeconds: number | undefined
}

/**
 * Renews without a person.
 *
 * @throws {StsCliError} `ERR_REFUSED` (77) with what to type, where that cannot be; whatever the provider or the STS refuses.
 */
export async function renewCredentials(
  { cached, parsed, minTtlSeconds }: RenewalRequest,
  io: Io,
): Promise<CachedCredentials> {
  // A renewal is neither asked about nor seen: it may run beside a command that has the terminal.
  const isTty = { stdin: false, stdout: false, stderr: false }
  const quietIo: Io = { ...io, askSecret: undefined, isTty }
  const call: Call = { parsed, minTtlSeconds, io: quietIo }
  if (cached === undefined) return obtainUncached(call)
  const departure = findMismatch(cached.origin, parsed, quietIo)
  if (departure === undefined) return renewCached(cached, call)
  if (departure.place === 'profile') throw otherConfiguration(cached, departure)
  return obtainElsewhere(cached, departure, call)
}

interface Call {
  readonly parsed: ParsedArgv
  readonly minTtlSeconds: number | undefined
  readonly io: Io
}

/** Exactly what the login did; flags for other options than its own are for this once. */
async function renewCached(cached: CachedCredentials, call: Call): Promise<CachedCredentials> {
  const { parsed, io } = call
  const isSpecific = hasOtherFlags(cached.origin, parsed, io)
  const { parsed: repeated, missing } = repeatLogin(cached, parsed, io)
  const settings = createSettings(repeated, io)
  const renewed = isSpecific ? undefined : await renewLogin(settings, cached, io)
  if (renewed !== undefined) return renewed
  const isConfigured = parsed.configuredProfiles?.includes(cached.profile) === true
  if (personalGrants.includes(settings.get('grant') ?? ''))
    throw notRenewable(cached, 'a person signed in', isConfigured)
  if (missing !== undefined) throw notRenewable(cached, missing, isConfigured)
  const options = await readOptions(settings, call)
  const origin = { ...options.cache.origin, ...cached.origin }
  const cache = { ...options.cache, origin, isEntryKept: isSpecific }
  return obtainCredentials({ ...options, cache }, io)
}

/** Another endpoint or client, by flags or variables: those have to say all of it, and what a login left in the cache stays. */
async function obtainElsewhere(
  cached: CachedCredentials,
  departure: Mismatch,
  call: Call,
): Promise<CachedCredentials> {
  const settings = createSettings(call.parsed, call.io)
  const options = await readOptions(settings, call)
  const { source } = options
  const isProviderSaid = ['issuer', 'idp-endpoint'].some(
    (name) => settings.getExplicit(name) !== undefined,
  )
  const isClient = source !== undefined && 'clientId' in source
  if (settings.getExplicit('sts-endpoint') === undefined || (isClient && !isProviderSaid))
    throw new StsCliError(
      'ERR_REFUSED',
      `the cached credentials are from ${describeOrigin(cached.origin)}, and ${describe(departure)} names another`,
      {
        hint: `name both endpoints too (-sts-ep, -idp-ep or --issuer), or ${ownCommand('login', cached.profile)}`,
      },
    )
  return obtainCredentials({ ...options, cache: { ...options.cache, isEntryKept: true } }, call.io)
}

/** Nothing is cached: what flags, variables and the profile say. What `serve` left is for `login` alone: nobody logged in there yet. */
async function obtainUncached(call: Call): Promise<CachedCredentials> {
  const { parsed, io } = call
  const settings = createSettings(parsed, io)
  const profile = settings.get('profile') ?? 'default'
  if (personalGrants.includes(settings.get('grant') ?? '')) throw notWithoutAsking(settings)
  const options = await readOptions(settings, call)
  // Flags for once must not take the place of what the profile is configured for.
  const isOther = findMismatch(options.cache.origin ?? {}, withoutFlags(parsed), io) !== undefined
  const directory =
    isOther && parsed.configuredProfiles?.includes(profile) === true
      ? undefined
      : options.cache.directory
  return obtainCredentials({ ...options, cache: { ...options.cache, directory } }, io)
}

/** What the configuration says, without flags and variables. */
function withoutFlags(parsed: ParsedArgv): ParsedArgv {
  const specs = [...parsed.specs].map(([name, spec]) => [name, { ...spec, env: [] }] as const)
  return { ...parsed, flags: new Map(), specs: new Map(specs) }
}

async function readOptions(
  settings: Settings,
  { io, minTtlSeconds }: Call,
): Promise<ObtainOptions> {
  try {
    const options = await readObtainOptions(settings, io)
    return { ...options, cache: { ...options.cache, minTtlSeconds } }
  } catch (cause) {
    if (
      !(cause instanceof StsCliError) ||
      !/^no (client id|client secret|user name|password) is given/.test(cause.message)
    )
      throw cause
    throw notWithoutAsking(settings, cause)
  }
}

function notWithoutAsking(settings: Settings, cause?: StsCliError): StsCliError {
  return new StsCliError('ERR_REFUSED', 'there are no credentials, or they are about to expire', {
    hint: ownCommand('login', settings.get('profile') ?? 'default'),
    cause,
  })
}

function otherConfiguration(cached: CachedCredentials, departure: Mismatch): StsCliError {
  return new StsCliError(
    'ERR_REFUSED',
    `the cached credentials of the profile ${cached.profile} are from ${describeOrigin(cached.origin)}, and ${describe(departure)} names another`,
    { hint: ownCommand('login', cached.profile) },
  )
}

/** The setting and where it stands; the value of a token is not shown. */
function describe({ name, place, said }: Mismatch): string {
  const where = { flag: 'the flag', variable: 'the variable of', profile: 'its configuration,' }
  const word = Object.hasOwn(where, place) ? where[place as keyof typeof where] : place
  return name === 'token' || name.endsWith('-command')
    ? `${word} --${name}`
    : `${word} --${name} ${said}`
}
