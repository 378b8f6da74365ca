/** Settings from their sources: flag, `STS_CLI_*` variable, profile, a running `serve`, AWS's variables, the default. */
import { closeSync, openSync, readSync } from 'node:fs'
import { parseDurationSeconds } from '../../base/duration.ts'
import { StsCliError } from '../../base/errors.ts'
import { describeFileError } from '../../base/files/file-error.ts'
import type { Io } from '../../base/io.ts'
import type { FlagValue, ParsedArgv } from './parse-argv.ts'

export interface Settings {
  /** The value by precedence; undefined when no source gives it. An empty variable counts as absent, an empty flag does not. */
  get(name: string): string | undefined
  /** The value of the flag, its `STS_CLI_*` variable or the profile: what the user gave, without fallbacks and defaults. */
  getExplicit(name: string): string | undefined
  /** Returns whether a boolean is on. */
  has(name: string): boolean
  /** Returns whether the flag is on the command line. */
  isFlag(name: string): boolean
  /** The first source that gives it; undefined when none does. */
  sourceOf(name: string): SettingSource | undefined
  /** The values of an option that may be repeated, from the first source that gives it; none when it is not given. A variable gives one. */
  list(name: string): readonly string[]
  /** The same without fallbacks and defaults; of an option that is not repeated, its one value. */
  listExplicit(name: string): readonly string[]
  readonly operands: readonly string[]
  /** After `--`; undefined when there was none. */
  readonly command: readonly string[] | undefined
  /** The command line and the profile that the values come from. A renewal makes other settings of them; commands do not read them. */
  readonly parsed: ParsedArgv
}

/** The sources of a setting, by precedence. */
export const sources = ['flag', 'variable', 'profile', 'serve', 'fallback', 'default'] as const
export type SettingSource = (typeof sources)[number]

/**
 * Makes the settings of one command line: `main` does it once, and hands them to the command.
 *
 * @param served What a running `sts-cli serve` gives, by flag name.
 */
export function createSettings(
  parsed: ParsedArgv,
  io: Io,
  served: Readonly<Record<string, string>> = {},
): Settings {
  const { flags, profile } = parsed
  const read: Readonly<Record<SettingSource, (name: string) => FlagValue | undefined>> = {
    flag: (name) => flags.get(name),
    variable: (name) => firstOf(name, (variable) => variable.startsWith('STS_CLI_')),
    profile: (name) => profile?.get(name)?.value,
    serve: (name) => served[name],
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
    const source = from.find((candidate) => read[candidate](name) !== undefined)
    return source === undefined ? undefined : read[source](name)
  }
  const getText = (name: string, from: readonly SettingSource[]): string | undefined => {
    const value = getFrom(name, from)
    return typeof value === 'string' ? value : undefined
  }
  return {
    parsed,
    operands: parsed.operands,
    command: parsed.command,
    get: (name) => getText(name, sources),
    getExplicit: (name) => getText(name, explicitSources),
    has: (name) => getFrom(name, explicitSources) === true,
    isFlag: (name) => flags.has(name),
    sourceOf: (name) => sources.find((source) => read[source](name) !== undefined),
    list: (name) => toList(getFrom(name, sources)),
    listExplicit: (name) => toList(getFrom(name, explicitSources)),
  }
}

function toList(value: FlagValue | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' ? value : []
}

/** The sources that the user controls, by precedence. */
export const explicitSources = sources.slice(0, 3)

/** Reads a duration in seconds; undefined when there is none. @throws {StsCliError} `ERR_USAGE` naming the flag and what it takes. */
export function readSeconds(settings: Settings, name: string): number | undefined {
  const text = settings.get(name)
  if (text === undefined) return undefined
  const seconds = parseDurationSeconds(text)
  if (seconds === undefined)
    throw new StsCliError(
      'duration-invalid',
      `--${name} ${JSON.stringify(text)} is not a duration`,
      {
        hint: 'write 900, 15m or 1h',
      },
    )
  return seconds
}

/** Reads one of the words that an option takes; undefined when there is none. @throws {StsCliError} `ERR_USAGE` for any other word. */
export function readChoice<T extends string>(
  settings: Settings,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = settings.get(name)
  if (text === undefined) return undefined
  const choice = choices.find((candidate) => candidate === text)
  if (choice === undefined)
    throw new StsCliError('choice-invalid', `--${name} ${JSON.stringify(text)} is not known`, {
      hint: `use ${choices.join(', ')}`,
    })
  return choice
}

/** Reads an http or https URL. @throws {StsCliError} `ERR_USAGE` for anything else, and for a URL with a user name or password. */
export function readUrl(settings: Settings, name: string): string {
  const text = settings.get(name) ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new StsCliError(
      'url-invalid',
      // A text with an @ may hold a password.
      `--${name} ${text.includes('@') ? '' : `${JSON.stringify(text)} `}is not an http or https URL`,
      { stage: 'config' },
    )
  }
  if (url.username !== '' || url.password !== '')
    throw new StsCliError(
      'url-with-credentials',
      `--${name} must not hold a user name or password`,
      {
        stage: 'config',
      },
    )
  return text
}

/** Refuses options that exclude each other. @throws {StsCliError} `ERR_USAGE` when more than one of them was given. */
export function checkNotTogether(settings: Settings, ...names: string[]): void {
  const given = names.filter(
    (name) => settings.getExplicit(name) !== undefined || settings.has(name),
  )
  if (given.length > 1)
    throw new StsCliError(
      'flags-conflict',
      `--${given[0] ?? ''} and --${given[1] ?? ''} cannot be used together`,
    )
}

/**
 * Returns which of settings that exclude each other was given: a flag before a variable, a variable before the profile.
 *
 * @throws {StsCliError} `ERR_USAGE` when one source gives two of them.
 */
export function chooseOne(settings: Settings, ...names: string[]): string | undefined {
  const source = explicitSources.find((candidate) =>
    names.some((name) => settings.sourceOf(name) === candidate),
  )
  const given = names.filter((name) => source !== undefined && settings.sourceOf(name) === source)
  checkNotTogether(settings, ...given)
  return given[0]
}

const maxFileBytes = 256 * 1024

/** Returns the text of a file that holds one secret, without the space around it. @throws {StsCliError} `ERR_INPUT`, `ERR_DATA`. */
export function readSecretFile(path: string, what: string): string {
  return checkSecret(readTextFile(path, what).trim(), what)
}

/**
 * Returns the text of a file, or of a pipe in a file's place (`<(…)`), which comes in pieces.
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
    throw new StsCliError('file-unreadable', `the ${what} file ${path} cannot be read${why}`, {
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
  throw new StsCliError('file-too-long', `the ${what} file is longer than ${maxFileBytes} bytes`, {
    stage: 'config',
  })
}

/** Returns the secret as it is. @throws {StsCliError} `ERR_DATA` when it is empty. */
export function checkSecret(text: string, what: string): string {
  if (text === '')
    throw new StsCliError('secret-empty', `the ${what} is empty`, { stage: 'config' })
  return text
}
