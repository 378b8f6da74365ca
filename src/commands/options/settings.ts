/** One setting from its sources: flag, STS_CLI_ variable, profile, what `serve` left, AWS's variables, the default. */
import { closeSync, openSync, readSync } from 'node:fs'
import { parseDurationSeconds } from '../../base/duration.ts'
import { StsCliError } from '../../base/errors.ts'
import { describeFileError } from '../../base/files/file-error.ts'
import type { Io } from '../../base/io.ts'
import type { FlagValue, ParsedArgv } from './parse-argv.ts'

export interface Settings {
  /** By precedence; undefined when nothing gives it. An empty variable counts as absent, an empty flag does not. */
  get(name: string): string | undefined
  /** The flag, its STS_CLI_ variable or the profile's: what the user said, before fallbacks. */
  getExplicit(name: string): string | undefined
  has(name: string): boolean
  /** Whether it stands on the command line. */
  isFlag(name: string): boolean
  /** The first of its sources that gives it; undefined when none does. */
  sourceOf(name: string): SettingSource | undefined
  list(name: string): readonly string[]
  readonly operands: readonly string[]
  readonly command: readonly string[] | undefined
}

export const sources = ['flag', 'variable', 'profile', 'serve', 'fallback', 'default'] as const
export type SettingSource = (typeof sources)[number]

/** @param found What `sts-cli serve` left on this machine, by flag name. */
export function createSettings(
  parsed: ParsedArgv,
  io: Io,
  found: Readonly<Record<string, string>> = {},
): Settings {
  const { flags, profile } = parsed
  const read: Readonly<Record<SettingSource, (name: string) => FlagValue | undefined>> = {
    flag: (name) => flags.get(name),
    variable: (name) => firstOf(name, (variable) => variable.startsWith('STS_CLI_')),
    profile: (name) => profile?.get(name)?.value,
    serve: (name) => found[name],
    fallback: (name) => firstOf(name, (variable) => !variable.startsWith('STS_CLI_')),
    default: (name) => parsed.specs.get(name)?.default,
  }
  const firstOf = (name: string, isMeant: (variable: string) => boolean): string | undefined =>
    parsed.specs
      .get(name)
      ?.env.filter(isMeant)
      .map((variable) => io.env[variable])
      .find((text) => text !== undefined && text !== '')
  const getFrom = (name: string, from: readonly SettingSource[]): FlagValue | undefined => {
    const place = from.find((candidate) => read[candidate](name) !== undefined)
    return place === undefined ? undefined : read[place](name)
  }
  const getText = (name: string, from: readonly SettingSource[]): string | undefined => {
    const value = getFrom(name, from)
    return typeof value === 'string' ? value : undefined
  }
  return {
    operands: parsed.operands,
    command: parsed.command,
    get: (name) => getText(name, sources),
    getExplicit: (name) => getText(name, said),
    has: (name) => getFrom(name, said) === true,
    isFlag: (name) => flags.has(name),
    sourceOf: (name) => sources.find((place) => read[place](name) !== undefined),
    list(name) {
      const value = getFrom(name, said)
      return Array.isArray(value) ? (value as readonly string[]) : []
    },
  }
}

/** The sources where the user speaks, the loudest first. */
const said = sources.slice(0, 3)

/** @throws {StsCliError} `ERR_USAGE` naming the flag and what it takes. */
export function readSeconds(settings: Settings, name: string): number | undefined {
  const text = settings.get(name)
  if (text === undefined) return undefined
  const seconds = parseDurationSeconds(text)
  if (seconds === undefined)
    throw new StsCliError('ERR_USAGE', `--${name} ${JSON.stringify(text)} is not a duration`, {
      hint: 'write 900, 15m or 1h',
    })
  return seconds
}

/** @throws {StsCliError} `ERR_USAGE` when the value is none of those allowed. */
export function readChoice<T extends string>(
  settings: Settings,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = settings.get(name)
  if (text === undefined) return undefined
  const choice = choices.find((candidate) => candidate === text)
  if (choice === undefined)
    throw new StsCliError('ERR_USAGE', `--${name} ${JSON.stringify(text)} is not known`, {
      hint: `use ${choices.join(', ')}`,
    })
  return choice
}

/** @throws {StsCliError} `ERR_USAGE` when the value is not an http or https URL, or holds a password. */
export function readUrl(settings: Settings, name: string): string {
  const text = settings.get(name) ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new StsCliError(
      'ERR_USAGE',
      // What holds an @ may hold a password before it.
      `--${name} ${text.includes('@') ? '' : `${JSON.stringify(text)} `}is not an http or https URL`,
      { stage: 'config' },
    )
  }
  if (url.username !== '' || url.password !== '')
    throw new StsCliError('ERR_USAGE', `--${name} must not hold a user name or password`, {
      stage: 'config',
    })
  return text
}

/** @throws {StsCliError} `ERR_USAGE` when more than one of the flags was given. */
export function refuseTogether(settings: Settings, ...names: string[]): void {
  const given = names.filter(
    (name) => settings.getExplicit(name) !== undefined || settings.has(name),
  )
  if (given.length > 1)
    throw new StsCliError(
      'ERR_USAGE',
      `--${given[0] ?? ''} and --${given[1] ?? ''} cannot be used together`,
    )
}

/**
 * Which of settings that exclude each other was given: a flag before a variable, a variable before the profile.
 *
 * @throws {StsCliError} `ERR_USAGE` when one place gives two of them.
 */
export function chooseOne(settings: Settings, ...names: string[]): string | undefined {
  const place = said.find((candidate) =>
    names.some((name) => settings.sourceOf(name) === candidate),
  )
  const given = names.filter((name) => place !== undefined && settings.sourceOf(name) === place)
  refuseTogether(settings, ...given)
  return given[0]
}

const maxFileBytes = 256 * 1024

/** The text of a file that holds one secret, less the space around it. @throws {StsCliError} `ERR_INPUT`, `ERR_DATA`. */
export function readSecretFile(path: string, what: string): string {
  return checkSecret(readTextFile(path, what).trim(), what)
}

/**
 * A document from a file, or from a pipe in a file's place (`<(…)`), which comes in pieces.
 *
 * @throws {StsCliError} `ERR_INPUT` when it cannot be read, `ERR_DATA` when it is longer than 256 KiB.
 */
export function readTextFile(path: string, what: string): string {
  try {
    const descriptor = openSync(path, 'r')
    try {
      return readPieces(descriptor, what)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if (cause instanceof StsCliError) throw cause
    const why = describeFileError(cause)
    throw new StsCliError('ERR_INPUT', `the ${what} file ${path} cannot be read${why}`, {
      stage: 'config',
      cause,
    })
  }
}

function readPieces(descriptor: number, what: string): string {
  const buffer = Buffer.alloc(maxFileBytes + 1)
  let length = 0
  for (let count = -1; count !== 0 && length < buffer.length; length += count)
    count = readSync(descriptor, buffer, length, buffer.length - length, null)
  if (length <= maxFileBytes) return buffer.toString('utf8', 0, length)
  throw new StsCliError('ERR_DATA', `the ${what} file is longer than ${maxFileBytes} bytes`, {
    stage: 'config',
  })
}

/** @throws {StsCliError} `ERR_DATA` when a secret is empty. */
export function checkSecret(text: string, what: string): string {
  if (text === '') throw new StsCliError('ERR_DATA', `the ${what} is empty`, { stage: 'config' })
  return text
}
