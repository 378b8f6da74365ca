/** Whether what is said now (flags, variables, the profile) speaks of other credentials than those in the cache. */
import path from 'node:path'
import type { Io } from '../../base/io.ts'
import {
  type CredentialOrigin,
  getOriginText,
  identityNames,
  isSameValue,
} from '../../client/credential-origin.ts'
import type { FlagValue, ParsedArgv } from '../options/parse-argv.ts'
import { createSettings, type SettingSource, type Settings } from '../options/settings.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

/** A setting that names somebody else than the cached credentials are from. */
export interface Mismatch {
  readonly name: string
  readonly place: SettingSource
  readonly said: string
  /** What the cached credentials are from; undefined where they have no such setting. */
  readonly cached: string | undefined
}

const said: readonly SettingSource[] = ['flag', 'variable', 'profile']
const providers = ['issuer', 'idp-endpoint']

/**
 * The first setting by which flags, `STS_CLI_*` variables or the profile name another endpoint, client or way in. AWS's variables do not:
 * `env` sets them for one profile while another is asked for.
 *
 * @returns Undefined where everything that is said agrees with the origin, or nothing is said.
 */
export function findMismatch(
  origin: CredentialOrigin,
  parsed: ParsedArgv,
  io: Io,
): Mismatch | undefined {
  const settings = createSettings(parsed, io)
  const provider = loudestOf(settings, providers)
  const names = identityNames.filter((name) => !providers.includes(name) || name === provider)
  for (const name of [...names, ...tokenNames(settings)]) {
    const place = settings.sourceOf(name)
    const value = settings.getExplicit(name)
    if (value === undefined || place === undefined || isOfOrigin(origin, { name, value, place }))
      continue
    return { name, place, said: value, cached: getOriginText(origin, name) }
  }
  return undefined
}

/** The one of settings that exclude each other that counts: a flag before a variable, a variable before the profile. */
function loudestOf(settings: Settings, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, rank: said.indexOf(settings.sourceOf(name) ?? 'default') }))
    .filter(({ rank }) => rank !== -1)
    .toSorted((a, b) => a.rank - b.rank)
  return ranked[0]?.name
}

function tokenNames(settings: Settings): string[] {
  const name = loudestOf(settings, tokenFlags)
  return name === undefined ? [] : [name]
}

interface Saying {
  readonly name: string
  readonly value: string
  readonly place: SettingSource
}

function isOfOrigin(origin: CredentialOrigin, { name, value, place }: Saying): boolean {
  const cached = getOriginText(origin, name)
  if (cached !== undefined) {
    const text = name === 'token-file' ? path.resolve(value) : value
    return isSameValue(name, text, cached)
  }
  // The value was not kept: the same place gave it, or a flag gives it now and the digest of all inputs decides.
  const from = Object.hasOwn(origin, name) ? origin[name]?.from : undefined
  if (tokenFlags.includes(name)) return from !== undefined && (from === place || place === 'flag')
  return name === 'grant' && value === 'token' && tokenFlags.some((flag) => flag in origin)
}

const asking: ReadonlySet<string> = new Set(['identity provider', 'sts'])

/**
 * Returns whether flags ask for other options than the cached credentials have (a scope, a policy), or bring a secret or a token, of which
 * only the digest of all inputs can tell whether it is the same.
 */
export function hasOtherFlags(origin: CredentialOrigin, parsed: ParsedArgv, io: Io): boolean {
  const differs = [...parsed.flags].some(
    ([name, value]) =>
      asking.has(parsed.specs.get(name)?.group ?? '') && !isSameFlag(origin, name, value),
  )
  return differs || Boolean(io.env['STS_CLI_TOKEN'])
}

function isSameFlag(origin: CredentialOrigin, name: string, value: FlagValue): boolean {
  if (secretFlags.includes(name) || tokenFlags.includes(name)) return false
  const cached = Object.hasOwn(origin, name) ? origin[name]?.value : undefined
  if (typeof value === 'string' && typeof cached === 'string')
    return isSameValue(name, value, cached)
  return JSON.stringify(value) === JSON.stringify(cached)
}
