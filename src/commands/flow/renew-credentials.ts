/** New credentials for `creds`, `env`, `exec`, `credential-process` and `write`: as the login got them, or as flags and configuration name them in full. */
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { CachedCredentials } from '../../client/credential-cache.ts'
import { describeOrigin } from '../../client/credential-origin.ts'
import { obtainCredentials, type ObtainOptions } from '../../client/flow/obtain-credentials.ts'
import { suggestCommand } from '../hints/suggest-command.ts'
import { type Mismatch, findMismatch, hasOtherFlags } from './find-mismatch.ts'
import { readObtainOptions } from './obtain-options.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { renewLogin } from './renew-login.ts'
import { notRenewableError, repeatLogin } from './repeat-login.ts'
import { createSettings, type Settings } from '../options/settings.ts'
import { personalGrants } from './token-source.ts'

export interface RenewalRequest {
  /** The cached credentials: expired, or to be replaced. */
  readonly cached: CachedCredentials | undefined
  readonly settings: Settings
  readonly minTtlSeconds: number | undefined
}

/**
 * Renews without asking anybody.
 *
 * @throws {StsCliError} `ERR_REFUSED` (77) with the command to type, where that is not possible; what the provider or the STS refuses.
 */
export async function renewCredentials(
  { cached, settings, minTtlSeconds }: RenewalRequest,
  io: Io,
): Promise<CachedCredentials> {
  // A renewal neither prompts nor shows progress: it may run beside a command that has the terminal.
  const isTty = { stdin: false, stdout: false, stderr: false }
  const quietIo: Io = { ...io, askSecret: undefined, isTty }
  const context: RenewalContext = { settings, minTtlSeconds, io: quietIo }
  if (cached === undefined) return obtainUncached(context)
  const mismatch = findMismatch(cached.origin, settings)
  if (mismatch === undefined) return renewCached(cached, context)
  if (mismatch.source === 'profile') throw otherConfigurationError(cached, mismatch)
  return obtainElsewhere(cached, mismatch, context)
}

interface RenewalContext {
  readonly settings: Settings
  readonly minTtlSeconds: number | undefined
  readonly io: Io
}

/** Repeats exactly what the login did; flags for other options than its own count once and leave the cache as it is. */
async function renewCached(
  cached: CachedCredentials,
  context: RenewalContext,
): Promise<CachedCredentials> {
  const { io } = context
  const { parsed } = context.settings
  const isSpecific = hasOtherFlags(cached.origin, context.settings)
  const { parsed: repeated, missing } = repeatLogin(cached, parsed, io)
  const settings = createSettings(repeated, io)
  const renewed = isSpecific ? undefined : await renewLogin(settings, cached, io)
  if (renewed !== undefined) return renewed
  const isConfigured = parsed.configuredProfiles?.includes(cached.profile) === true
  if (personalGrants.includes(settings.get('grant') ?? ''))
    throw notRenewableError(cached, 'a person signed in', isConfigured)
  if (missing !== undefined) throw notRenewableError(cached, missing, isConfigured)
  const options = await readOptions(settings, context)
  const origin = { ...options.cache.origin, ...cached.origin }
  const cache = { ...options.cache, origin, isEntryKept: isSpecific }
  return obtainCredentials({ ...options, cache }, io)
}

/** Gets credentials from another endpoint or client, by flags or variables: those must name all of it, and the cache stays as it is. */
async function obtainElsewhere(
  cached: CachedCredentials,
  mismatch: Mismatch,
  context: RenewalContext,
): Promise<CachedCredentials> {
  const { settings, io } = context
  const options = await readOptions(settings, context)
  const { source } = options
  const isProviderNamed = ['issuer', 'idp-endpoint'].some(
    (name) => settings.getExplicit(name) !== undefined,
  )
  const isClient = source !== undefined && 'clientId' in source
  if (settings.getExplicit('sts-endpoint') === undefined || (isClient && !isProviderNamed))
    throw new StsCliError(
      'credentials-from-elsewhere',
      `the cached credentials are from ${describeOrigin(cached.origin)}, and ${describe(mismatch)} names another`,
      {
        hint: `name both endpoints too (-sts-ep, -idp-ep or --issuer), or ${suggestCommand('login', cached.profile)}`,
      },
    )
  return obtainCredentials({ ...options, cache: { ...options.cache, isEntryKept: true } }, io)
}

/** Gets credentials by flags, variables and the profile, where nothing is cached. A running `serve` counts for `login` only: nobody logged in there yet. */
async function obtainUncached(context: RenewalContext): Promise<CachedCredentials> {
  const { settings, io } = context
  const { parsed } = settings
  const profile = settings.get('profile') ?? 'default'
  if (personalGrants.includes(settings.get('grant') ?? '')) throw credentialsMissingError(settings)
  const options = await readOptions(settings, context)
  // Flags that count once must not replace what the profile is configured for.
  const configured = createSettings(withoutFlags(parsed), io)
  const isOther = findMismatch(options.cache.origin ?? {}, configured) !== undefined
  const directory =
    isOther && parsed.configuredProfiles?.includes(profile) === true
      ? undefined
      : options.cache.directory
  return obtainCredentials({ ...options, cache: { ...options.cache, directory } }, io)
}

/** Returns the command line without flags and variables: what the configuration alone gives. */
function withoutFlags(parsed: ParsedArgv): ParsedArgv {
  const specs = [...parsed.specs].map(([name, spec]) => [name, { ...spec, env: [] }] as const)
  return { ...parsed, flags: new Map(), specs: new Map(specs) }
}

/** Reasons of a login that nobody described: `login` would ask for what is missing, or name the flags. */
const missingReasons: ReadonlySet<ErrorReason> = new Set([
  'client-id-missing',
  'client-secret-missing',
  'username-missing',
  'password-missing',
])

async function readOptions(
  settings: Settings,
  { io, minTtlSeconds }: RenewalContext,
): Promise<ObtainOptions> {
  try {
    const options = await readObtainOptions(settings, io)
    return { ...options, cache: { ...options.cache, minTtlSeconds } }
  } catch (cause) {
    if (!(cause instanceof StsCliError) || !missingReasons.has(cause.reason)) throw cause
    throw credentialsMissingError(settings, cause)
  }
}

function credentialsMissingError(settings: Settings, cause?: StsCliError): StsCliError {
  return new StsCliError(
    'credentials-missing',
    'there are no credentials, or they are about to expire',
    {
      hint: suggestCommand('login', settings.get('profile') ?? 'default'),
      cause,
    },
  )
}

function otherConfigurationError(cached: CachedCredentials, mismatch: Mismatch): StsCliError {
  return new StsCliError(
    'credentials-from-elsewhere',
    `the cached credentials of the profile ${cached.profile} are from ${describeOrigin(cached.origin)}, and ${describe(mismatch)} names another`,
    { hint: suggestCommand('login', cached.profile) },
  )
}

/** Names the setting and its source; the value of a token is not shown. */
function describe({ name, source, value }: Mismatch): string {
  const where = { flag: 'the flag', variable: 'the variable of', profile: 'its configuration,' }
  const word = Object.hasOwn(where, source) ? where[source as keyof typeof where] : source
  return name === 'token' || name.endsWith('-command')
    ? `${word} --${name}`
    : `${word} --${name} ${value}`
}
