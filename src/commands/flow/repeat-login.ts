/** The settings of the login that cached credentials come from, as if all of them were given again; secrets are read from where they were. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { CachedCredentials } from '../../client/credential-cache.ts'
import {
  type CredentialOrigin,
  describeOrigin,
  getOriginText,
} from '../../client/credential-origin.ts'
import { suggestCommand } from '../hints/suggest-command.ts'
import { findServeState, readServeStates, type ServeState } from '../../client/serve-state.ts'
import type { OptionSpec } from '../options/option-spec.ts'
import type { FlagValue, ParsedArgv } from '../options/parse-argv.ts'
import { createSettings } from '../options/settings.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

/** Settings that exclude each other. */
const exclusive: readonly (readonly string[])[] = [
  ['issuer', 'idp-endpoint'],
  secretFlags,
  ['policy', 'policy-file'],
  tokenFlags,
]
/** Settings that are not repeated: for the keys that sign, only whether they are still the same is checked. */
const unrepeated: ReadonlySet<string> = new Set(['access-key'])

export interface RepeatedLogin {
  /** The command line with the login's settings in place of the profile's: flags still win, variables and a running `serve` do not count. */
  readonly parsed: ParsedArgv
  /** Why the login cannot be repeated without asking: what was not stored, in words. */
  readonly missing: string | undefined
}

/**
 * Builds the command line of a renewal. The profile's own settings win where its configuration was changed since, unless the login itself
 * overrode them; callers check with `findMismatch` that nothing names another endpoint or client.
 */
export function repeatLogin(
  { origin }: CachedCredentials,
  parsed: ParsedArgv,
  io: Io,
): RepeatedLogin {
  const profile = new Map<string, { readonly value: FlagValue }>()
  for (const [name, { value }] of Object.entries(origin))
    if (value !== undefined && !unrepeated.has(name))
      profile.set(name, {
        value: parsed.specs.get(name)?.kind === 'boolean' ? value === 'true' : value,
      })
  for (const [name, { value }] of parsed.profile ?? []) {
    const alternatives = exclusive.find((names) => names.includes(name)) ?? [name]
    // The profile's secret belongs to its client, which is this one: else there would be a mismatch.
    const isOwnSecret = secretFlags.includes(name) && parsed.profile?.has('client-id') === true
    if (!isOwnSecret && alternatives.some((alternative) => isOverridden(origin, alternative)))
      continue
    for (const alternative of alternatives) if (alternative in origin) profile.delete(alternative)
    profile.set(name, { value })
  }
  const server = findIssuer(origin, io)
  if (server !== undefined) profile.set('ca-file', { value: server.caFile })
  else if (origin['ca-file']?.from === 'serve') profile.delete('ca-file')
  const context = { parsed, profile, server }
  addSecret(origin, context, io)
  return {
    parsed: { ...parsed, profile, specs: withoutVariables(parsed.specs, origin) },
    missing: findMissing(origin, context, io),
  }
}

/** Returns whether the login had the setting from a source that wins over the profile. */
function isOverridden(origin: CredentialOrigin, name: string): boolean {
  const from = Object.hasOwn(origin, name) ? origin[name]?.from : undefined
  return from === 'flag' || from === 'variable' || from === 'prompt'
}

/** Returns the server on this machine that issued the credentials: the demo client's secret belongs to it only. */
function findIssuer(origin: CredentialOrigin, io: Io): ServeState | undefined {
  const isServed = Object.values(origin).some(({ from }) => from === 'serve')
  const directory = findUserDirectory('state', io)
  if (!isServed || directory === undefined) return undefined
  const stsEndpoint = getOriginText(origin, 'sts-endpoint')
  const tokenEndpoint = getOriginText(origin, 'idp-endpoint')
  return findServeState(readServeStates(directory), { stsEndpoint, tokenEndpoint })
}

interface RepeatContext {
  readonly parsed: ParsedArgv
  readonly profile: Map<string, { readonly value: FlagValue }>
  readonly server: ServeState | undefined
}

/** Adds the secret or the token where the source that gave it, or one that names the same client, still has it. */
function addSecret(
  origin: CredentialOrigin,
  { parsed, profile, server }: RepeatContext,
  io: Io,
): void {
  const settings = createSettings({ ...parsed, profile: undefined }, io)
  const add = (name: string): void => {
    const value = settings.sourceOf(name) === 'variable' ? settings.getExplicit(name) : undefined
    if (value !== undefined) profile.set(name, { value })
  }
  const has = (names: readonly string[]): boolean => names.some((name) => profile.has(name))
  const secret = secretFlags.find((name) => name in origin)
  if (secret !== undefined && !has(secretFlags)) {
    const clientId = getOriginText(origin, 'client-id')
    const isNamed = clientId !== undefined && settings.getExplicit('client-id') === clientId
    if (origin[secret]?.from === 'serve' && server?.clientId === clientId && server !== undefined)
      profile.set('client-secret', { value: server.clientSecret })
    else if (origin[secret]?.from === 'variable') add(secret)
    else if (isNamed) {
      add('client-secret')
      if (!has(secretFlags)) add('client-secret-file')
    }
  }
  if (origin['token']?.from === 'variable' && !has(tokenFlags)) add('token')
}

/** Removes variables from the options: one that was set since the login must not change whose credentials come out. */
function withoutVariables(
  specs: ParsedArgv['specs'],
  origin: CredentialOrigin,
): ReadonlyMap<string, OptionSpec> {
  const groups = new Set(['identity provider', 'sts'])
  const names = new Set(['ca-file', 'cert', 'key', 'region'].filter((name) => name in origin))
  return new Map(
    [...specs].map(([name, spec]) =>
      groups.has(spec.group) || names.has(name) ? [name, { ...spec, env: [] }] : [name, spec],
    ),
  )
}

/** Returns what the login needed and no source gives now; undefined where all is there. */
function findMissing(
  origin: CredentialOrigin,
  { parsed, profile }: RepeatContext,
  io: Io,
): string | undefined {
  const lacks = (names: readonly string[]): boolean =>
    names.some((name) => name in origin) &&
    !names.some((name) => profile.has(name) || parsed.flags.has(name))
  if (lacks(secretFlags)) return describeLack(origin, secretFlags, 'the client secret')
  if (lacks(tokenFlags)) return describeLack(origin, tokenFlags, 'the token')
  if (lacks(['password-file'])) return 'the password was typed in, and is not kept'
  if (lacks(['param'])) return 'a parameter of the token request is a secret, and is not kept'
  const accessKeyId = getOriginText(origin, 'access-key')
  return accessKeyId === undefined || accessKeyId === io.env['AWS_ACCESS_KEY_ID']
    ? undefined
    : `AWS_ACCESS_KEY_ID is not ${accessKeyId}, whose signature they were issued for`
}

function describeLack(origin: CredentialOrigin, names: readonly string[], what: string): string {
  const name = names.find((candidate) => candidate in origin) ?? ''
  const from = origin[name]?.from
  if (from === 'serve') return 'the sts-cli serve that issued them does not run any more'
  if (name.endsWith('-command')) return `--${name} may hold a secret, and is not kept`
  if (from === 'variable') return `${what} came from a variable that is not set now`
  if (from === 'profile') return `${what} is not in the profile any more`
  return `${what} was ${from === 'flag' ? 'given by a flag' : 'typed in'}, and is not kept`
}

/** Makes the error for credentials that cannot be renewed. The hint names the endpoint and the client where only the cache knew them. */
export function notRenewableError(
  { profile, origin }: CachedCredentials,
  why: string,
  isConfigured: boolean,
): StsCliError {
  const flags = [
    ['-sts-ep', 'sts-endpoint'],
    ['--issuer', 'issuer'],
    ['-idp-ep', 'idp-endpoint'],
    ['-cid', 'client-id'],
  ].flatMap(([flag = '', name = '']) => {
    const value = getOriginText(origin, name)
    return value === undefined || !/^[\w.:/@-]+$/.test(value) ? [] : [flag, value]
  })
  const isServed = Object.values(origin).some(({ from }) => from === 'serve')
  const words = isConfigured || isServed || profile !== 'default' ? [] : flags
  return new StsCliError(
    'credentials-not-renewable',
    `the credentials of ${describeOrigin(origin)} are expired or about to be, and cannot be renewed: ${why}`,
    { hint: [suggestCommand('login', profile), ...words].join(' ') },
  )
}
