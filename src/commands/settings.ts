/** One setting from its places: flag, then STS_CLI_ variable, then what `serve` left, then AWS's variables, then the default. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { parseDurationSeconds } from '../base/duration.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import type { ParsedArgv } from './parse-argv.ts'

export interface Settings {
  /** By precedence; undefined when nothing gives it. An empty variable counts as absent, an empty flag does not. */
  get(name: string): string | undefined
  /** The flag or its STS_CLI_ variable alone: what the user said, before fallbacks. */
  getSaid(name: string): string | undefined
  has(name: string): boolean
  /** Whether it stands on the command line. */
  isFlag(name: string): boolean
  list(name: string): readonly string[]
  readonly operands: readonly string[]
  readonly command: readonly string[] | undefined
}

/** @param found What `sts-cli serve` left on this machine, by flag name. */
export function createSettings(
  parsed: ParsedArgv,
  io: Io,
  found: Readonly<Record<string, string>> = {},
): Settings {
  const { specs } = parsed
  const getSaid = (name: string): string | undefined => {
    const flag = parsed.flags.get(name)
    if (typeof flag === 'string') return flag
    const ours = specs.get(name)?.env.filter((variable) => variable.startsWith('STS_CLI_')) ?? []
    return firstOf(ours, io)
  }
  return {
    operands: parsed.operands,
    command: parsed.command,
    getSaid,
    get(name) {
      const others =
        specs.get(name)?.env.filter((variable) => !variable.startsWith('STS_CLI_')) ?? []
      return getSaid(name) ?? found[name] ?? firstOf(others, io) ?? specs.get(name)?.default
    },
    has: (name) => parsed.flags.get(name) === true,
    isFlag: (name) => parsed.flags.has(name),
    list(name) {
      const flag = parsed.flags.get(name)
      return Array.isArray(flag) ? (flag as readonly string[]) : []
    },
  }
}

function firstOf(variables: readonly string[], io: Io): string | undefined {
  return variables
    .map((variable) => io.env[variable])
    .find((text) => text !== undefined && text !== '')
}

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
  const given = names.filter((name) => settings.getSaid(name) !== undefined || settings.has(name))
  if (given.length > 1)
    throw new StsCliError(
      'ERR_USAGE',
      `--${given[0] ?? ''} and --${given[1] ?? ''} cannot be used together`,
    )
}

/**
 * Which of settings that exclude each other was given: a flag before the others' variables.
 *
 * @throws {StsCliError} `ERR_USAGE` when two are flags, or none and two are variables.
 */
export function chooseOne(settings: Settings, ...names: string[]): string | undefined {
  const flags = names.filter(settings.isFlag)
  refuseTogether(settings, ...(flags.length > 0 ? flags : names))
  return flags[0] ?? names.find((name) => settings.getSaid(name) !== undefined)
}

const maxSecretBytes = 64 * 1024

/** The text of a file that holds one secret, less the newline at its end. @throws {StsCliError} `ERR_INPUT`. */
export function readSecretFile(path: string, what: string): string {
  let text: string
  try {
    const descriptor = openSync(path, 'r')
    try {
      const buffer = Buffer.alloc(maxSecretBytes)
      text = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, maxSecretBytes, null))
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw new StsCliError('ERR_INPUT', `the ${what} file ${path} cannot be read`, {
      stage: 'config',
      cause,
    })
  }
  return checkSecret(text.trim(), what)
}

/** A document from a file. @throws {StsCliError} `ERR_INPUT`. */
export function readTextFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StsCliError('ERR_INPUT', `the ${what} file ${path} cannot be read`, {
      stage: 'config',
      cause,
    })
  }
}

/** @throws {StsCliError} `ERR_DATA` when a secret is empty. */
export function checkSecret(text: string, what: string): string {
  if (text === '') throw new StsCliError('ERR_DATA', `the ${what} is empty`, { stage: 'config' })
  return text
}
