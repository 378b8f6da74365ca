/** Compares settings (flags, variables, the profile) with the origin of cached credentials. */
import path from 'node:path'
import {
  areSameValues,
  type CredentialOrigin,
  expectationNames,
  getOriginValues,
  identityNames,
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
    const values = settings.listExplicit(name)
    const isOwn = values.length === 0 || source === undefined
    if (isOwn || isOfOrigin(origin, { name, values, source })) continue
    return { name, source, value: values.join(` --${name} `) }
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

interface GivenSetting {
  readonly name: string
  readonly source: SettingSource
  readonly values: readonly string[]
}

function isOfOrigin(origin: CredentialOrigin, { name, values, source }: GivenSetting): boolean {
  const cached = getOriginValues(origin, name)
  if (cached.length > 0) {
    const texts = name === 'token-file' ? values.map((text) => path.resolve(text)) : values
    return areSameValues(name, texts, cached)
  }
  // The value was not stored: the same source gave it, or a flag gives it now and the digest of all inputs decides.
  const from = Object.hasOwn(origin, name) ? origin[name]?.from : undefined
  if (tokenFlags.includes(name)) return from !== undefined && (from === source || source === 'flag')
  return name === 'grant' && values[0] === 'token' && tokenFlags.some((flag) => flag in origin)
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

/** Returns whether the credentials were issued without the check of an account or an issuer that is expected now. */
export function hasOtherExpectations(origin: CredentialOrigin, settings: Settings): boolean {
  return expectationNames.some((name) => {
    const expected = settings.listExplicit(name)
    return expected.length > 0 && !areSameValues(name, expected, getOriginValues(origin, name))
  })
}

function isSameFlag(origin: CredentialOrigin, name: string, value: FlagValue): boolean {
  if (secretFlags.includes(name) || tokenFlags.includes(name)) return false
  if (typeof value === 'boolean') return false
  const values = typeof value === 'string' ? [value] : value
  return areSameValues(name, values, getOriginValues(origin, name))
}
