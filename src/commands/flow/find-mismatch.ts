/** Compares settings (flags, variables, the profile) with the origin of cached credentials. */
import path from 'node:path'
import {
  type CredentialOrigin,
  getOriginText,
  identityNames,
  isSameValue,
} from '../../client/credential-origin.ts'
import type { FlagValue } from '../options/parse-argv.ts'
import { explicitSources, type SettingSource, type Settings } from '../options/settings.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

/** A setting that names another endpoint, client or grant than the cached credentials are from. */
export interface Mismatch {
  readonly name: string
  readonly source: SettingSource
  readonly value: string
}

const providers = ['issuer', 'idp-endpoint']

/**
 * Returns the first setting by which flags, `STS_CLI_*` variables or the profile name another endpoint, client or grant. AWS's variables do not
 * count: `env` sets them for one profile while another is asked for.
 *
 * @returns Undefined where all settings match the origin, or none is given.
 */
export function findMismatch(origin: CredentialOrigin, settings: Settings): Mismatch | undefined {
  const provider = firstBySource(settings, providers)
  const names = identityNames.filter((name) => !providers.includes(name) || name === provider)
  for (const name of [...names, ...tokenNames(settings)]) {
    const source = settings.sourceOf(name)
    const value = settings.getExplicit(name)
    if (value === undefined || source === undefined || isOfOrigin(origin, { name, value, source }))
      continue
    return { name, source, value }
  }
  return undefined
}

/** Returns the one that counts of settings that exclude each other: a flag before a variable, a variable before the profile. */
function firstBySource(settings: Settings, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({
      name,
      rank: explicitSources.indexOf(settings.sourceOf(name) ?? 'default'),
    }))
    .filter(({ rank }) => rank !== -1)
    .toSorted((a, b) => a.rank - b.rank)
  return ranked[0]?.name
}

function tokenNames(settings: Settings): string[] {
  const name = firstBySource(settings, tokenFlags)
  return name === undefined ? [] : [name]
}

function isOfOrigin(origin: CredentialOrigin, { name, value, source }: Mismatch): boolean {
  const cached = getOriginText(origin, name)
  if (cached !== undefined) {
    const text = name === 'token-file' ? path.resolve(value) : value
    return isSameValue(name, text, cached)
  }
  // The value was not stored: the same source gave it, or a flag gives it now and the digest of all inputs decides.
  const from = Object.hasOwn(origin, name) ? origin[name]?.from : undefined
  if (tokenFlags.includes(name)) return from !== undefined && (from === source || source === 'flag')
  return name === 'grant' && value === 'token' && tokenFlags.some((flag) => flag in origin)
}

const requestGroups: ReadonlySet<string> = new Set(['identity provider', 'sts'])

/**
 * Returns whether flags ask for other options than the cached credentials have (a scope, a policy), or give a secret or a token: only the
 * digest of all inputs can tell whether those are the same.
 */
export function hasOtherFlags(origin: CredentialOrigin, settings: Settings): boolean {
  const { parsed } = settings
  const differs = [...parsed.flags].some(
    ([name, value]) =>
      requestGroups.has(parsed.specs.get(name)?.group ?? '') && !isSameFlag(origin, name, value),
  )
  return differs || settings.sourceOf('token') === 'variable'
}

function isSameFlag(origin: CredentialOrigin, name: string, value: FlagValue): boolean {
  if (secretFlags.includes(name) || tokenFlags.includes(name)) return false
  const cached = Object.hasOwn(origin, name) ? origin[name]?.value : undefined
  if (typeof value === 'string' && typeof cached === 'string')
    return isSameValue(name, value, cached)
  return JSON.stringify(value) === JSON.stringify(cached)
}
