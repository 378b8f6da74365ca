/** A profile's table → settings by flag name, checked against the option table. */
import path from 'node:path'
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import { isObject, type JsonObject } from '../../base/parse.ts'
import type { ConfigFile } from '../../client/config-file.ts'
import type { OptionSpec } from './option-spec.ts'
import { optionTable } from './option-table.ts'
import { findNearest, type FlagValue } from './parse-argv.ts'

/** The groups of options that a profile may set; options that name the profile or belong to one command are excluded below. */
const groups: ReadonlySet<string> = new Set([
  'identity provider',
  'sts',
  'output',
  'session',
  'network',
])
const neverInProfiles: ReadonlySet<string> = new Set(
  'profile config json header no-upload unset output field refresh token server'.split(' '),
)
/** Keys that only a private file may hold. */
export const secretKeys: ReadonlySet<string> = new Set(['client-secret'])
/** Profiles may extend each other this deep. */
const maxDepth = 10

/** Every key that a profile may have, except `extends`. */
export const profileOptions: readonly OptionSpec[] = optionTable.filter(
  ({ group, name }) => groups.has(group) && !neverInProfiles.has(name),
)

/** Returns the option of a key, by its long name or an alias. */
export function findProfileOption(key: string): OptionSpec | undefined {
  return profileOptions.find(({ name, aliases }) => name === key || aliases.includes(key))
}

/** One setting, and which profile of the chain gives it. */
export interface ProfileValue {
  readonly value: FlagValue
  readonly profile: string
}

/**
 * Returns the settings of a profile and of those that it extends, the nearest first; none when the file has no such profile.
 *
 * @param home For paths that begin with `~/`.
 *
 * @throws {StsCliError} `ERR_CONFIG` naming the key, the profile and the fix.
 */
export function readProfile(
  config: ConfigFile,
  name: string,
  home: string | undefined,
): ReadonlyMap<string, ProfileValue> {
  const values = new Map<string, ProfileValue>()
  let next: string | undefined = name
  for (let depth = 0; next !== undefined; depth += 1) {
    const profile: string = next
    const table = config.profiles.get(profile)
    if (table === undefined && depth === 0) return values
    if (table === undefined)
      throw profileError(
        'profile-extends-unknown',
        config,
        `there is no profile ${profile} to extend`,
      )
    if (depth > maxDepth)
      throw profileError(
        'profile-extends-too-deep',
        config,
        `profile ${name} extends itself, or too many others`,
      )
    const { extends: parent, ...keys } = table
    for (const [key, value] of Object.entries(keys)) {
      const spec = findSpec(config, profile, key)
      if (!values.has(spec.name))
        values.set(spec.name, { value: readValue(config, { profile, spec, value, home }), profile })
    }
    if (parent !== undefined && typeof parent !== 'string')
      throw profileError(
        'config-value-invalid',
        config,
        `profile ${profile}: extends must name a profile`,
      )
    next = parent
  }
  return values
}

function findSpec(config: ConfigFile, profile: string, key: string): OptionSpec {
  const spec = findProfileOption(key)
  if (spec !== undefined) return spec
  const nearest = findNearest(key, ['extends', ...profileOptions.map(({ name }) => name)])
  throw profileError(
    'config-key-unknown',
    config,
    `profile ${profile}: the key ${key} is not known`,
    nearest === undefined ? 'keys are the long names of flags' : `did you mean ${nearest}?`,
  )
}

interface ProfileEntry {
  readonly profile: string
  readonly spec: OptionSpec
  readonly value: unknown
  readonly home: string | undefined
}

function readValue(config: ConfigFile, { profile, spec, value, home }: ProfileEntry): FlagValue {
  if (secretKeys.has(spec.name) && !config.isPrivate)
    throw profileError(
      'config-file-not-private',
      config,
      `profile ${profile} holds a ${spec.name}, and others can read the file`,
      `chmod 600 ${config.path}, or use client-secret-file or client-secret-command`,
    )
  if (spec.kind === 'boolean' && typeof value === 'boolean') return value
  // One role or policy needs no brackets.
  const isOne = spec.kind === 'list' && spec.group === 'sts' && typeof value === 'string'
  const items: unknown = isOne ? [value] : value
  if (
    spec.kind === 'list' &&
    Array.isArray(items) &&
    items.every((item) => typeof item === 'string')
  )
    return items
  if (spec.kind === 'value') {
    if (typeof value === 'number' || typeof value === 'bigint') return String(value)
    if (typeof value === 'string')
      return spec.placeholder === 'FILE' ? toPath(value, config, home) : value
    if (spec.name === 'policy' && isObject(value)) return JSON.stringify(value satisfies JsonObject)
  }
  const wanted = { boolean: 'true or false', list: 'a list of texts', value: 'a text' }[spec.kind]
  throw profileError(
    'config-value-invalid',
    config,
    `profile ${profile}: ${spec.name} must be ${wanted}`,
  )
}

/** Resolves a path: `~/` is the home, and a relative path starts at the configuration, which is read from any folder. */
function toPath(text: string, config: ConfigFile, home: string | undefined): string {
  if (home !== undefined && text.startsWith('~/')) return path.join(home, text.slice(2))
  return path.resolve(path.dirname(config.path), text)
}

function profileError(
  reason: ErrorReason,
  config: ConfigFile,
  message: string,
  hint?: string,
): StsCliError {
  return new StsCliError(reason, `${config.path}: ${message}`, { stage: 'config', hint })
}
