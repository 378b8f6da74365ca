/** The user's profiles in one TOML file, never one inside a project: a cloned repository could send a secret to its own endpoint. The adapter of smol-toml. */
import { readFileSync, statSync } from 'node:fs'
import { parse, TomlError } from 'smol-toml'
import type { ErrorReason } from '../base/error-reasons.ts'
import { StsCliError } from '../base/errors.ts'
import { isObject, type JsonObject } from '../base/parse.ts'

export interface ConfigFile {
  readonly path: string
  /** Profile name → its table as written; nothing in it is checked yet. */
  readonly profiles: ReadonlyMap<string, JsonObject>
  /** True when only the current user can read it: then it may hold a secret. */
  readonly isPrivate: boolean
}

const maxConfigBytes = 256 * 1024

/**
 * Reads a configuration file.
 *
 * @returns Undefined when there is none.
 * @throws {StsCliError} `ERR_CONFIG` for text that is not TOML (with the line), or has anything else than profiles; `ERR_INPUT` when it cannot be read.
 */
export function readConfigFile(file: string): ConfigFile | undefined {
  const text = readConfigText(file)
  if (text === undefined) return undefined
  return { path: file, profiles: parseProfiles(text, file), isPrivate: isPrivateFile(file) }
}

/** Returns the profiles in a configuration's text. @param file For messages. @throws {StsCliError} `ERR_CONFIG`. */
export function parseProfiles(text: string, file: string): ReadonlyMap<string, JsonObject> {
  const { profile = {}, ...others } = parseToml(text, file)
  const [stranger] = Object.keys(others)
  if (stranger !== undefined)
    throw configError('config-key-unknown', `${file}: ${stranger} is not known`)
  if (!isObject(profile))
    throw configError('config-file-invalid', `${file}: profile must be a table, [profile.NAME]`)
  return new Map(
    Object.entries(profile).map(([name, table]) => {
      if (isObject(table)) return [name, table]
      throw configError(
        'config-key-outside-profile',
        `${file}: ${name} stands outside of a profile`,
      )
    }),
  )
}

/** Returns the file's text; undefined when there is no file. @throws {StsCliError} `ERR_INPUT`; `ERR_CONFIG` when it is too long. */
export function readConfigText(file: string): string | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    if (stat.size <= maxConfigBytes) return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StsCliError('config-file-unreadable', `the configuration ${file} cannot be read`, {
      stage: 'config',
      cause,
    })
  }
  throw configError('config-file-too-long', `${file} is longer than ${maxConfigBytes} bytes`)
}

/** Parses TOML. Errors leave the library's message out: it quotes the line, which may hold a secret. */
function parseToml(text: string, file: string): JsonObject {
  try {
    return parse(text) as JsonObject
  } catch (error) {
    const where = error instanceof TomlError ? `, line ${error.line}, column ${error.column}` : ''
    throw configError('config-file-invalid', `${file} is not TOML${where}`)
  }
}

function isPrivateFile(file: string): boolean {
  if (process.getuid === undefined) return true
  const { uid, mode } = statSync(file)
  return uid === process.getuid() && (mode & 0o077) === 0
}

function configError(reason: ErrorReason, message: string): StsCliError {
  return new StsCliError(reason, message, { stage: 'config' })
}
