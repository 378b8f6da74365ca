/** Changes one line of a configuration and leaves every other byte: comments and order are the user's. */
import path from 'node:path'
import { StsCliError } from '../base/errors.ts'
import { makePrivateFolder, writePrivateFile } from '../base/files/private-file.ts'
import { resolveLink } from '../base/files/resolve-link.ts'
import { parseProfiles } from './config-file.ts'

export interface ProfileEdit {
  readonly profile: string
  readonly key: string
  readonly value: string | boolean | readonly string[]
}

/**
 * Returns the text with one key of one profile set; a new profile is added at the end.
 *
 * @param file For messages.
 * @throws {StsCliError} `ERR_CONFIG` when the text cannot be changed by lines (a value over several lines, a table in another spelling): the
 *   result is parsed, and only the one key may differ.
 */
export function setProfileValue(text: string, edit: ProfileEdit, file: string): string {
  const before = parseProfiles(text, file)
  const edited = editLines(text, edit)
  const { profile, key, value } = edit
  const expected = new Map(before).set(profile, { ...before.get(profile), [key]: value })
  try {
    if (toComparable(parseProfiles(edited, file)) === toComparable(expected)) return edited
  } catch {
    // The result is not TOML.
  }
  throw new StsCliError('config-file-not-editable', `${file} cannot be changed by itself`, {
    stage: 'config',
    details: { profile, option: key },
  })
}

function editLines(text: string, { profile, key, value }: ProfileEdit): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = text.split(/\r?\n/)
  const line = `${key} = ${encodeValue(value)}`
  const start = lines.findIndex((candidate) => readHeader(candidate) === profile)
  if (start === -1) {
    const head = text === '' || text.endsWith(newline) ? text : text + newline
    const gap = head === '' ? '' : newline
    return `${head}${gap}[profile.${encodeName(profile)}]${newline}${line}${newline}`
  }
  const next = lines.findIndex((candidate, index) => index > start && /^\s*\[/.test(candidate))
  const end = next === -1 ? lines.length : next
  const isKey = (candidate: string): boolean =>
    /^\s*("?)([\w-]+)\1\s*=/.exec(candidate)?.[2] === key
  const at = lines.findIndex((candidate, index) => index > start && index < end && isKey(candidate))
  if (at === -1) lines.splice(lastFilled(lines, end) + 1, 0, line)
  else lines[at] = line
  return lines.join(newline)
}

/** Returns the profile that a header line begins; undefined for any other line. */
function readHeader(line: string): string | undefined {
  const [, bare, quoted] =
    /^\s*\[\s*profile\s*\.\s*(?:([\w-]+)|"([^"\\]*)")\s*\]\s*(?:#.*)?$/.exec(line) ?? []
  return bare ?? quoted
}

/** Returns the last line before `end` that is not blank: a new key belongs to the others, not behind the gap to the next profile. */
function lastFilled(lines: readonly string[], end: number): number {
  let at = end - 1
  while (lines[at]?.trim() === '') at -= 1
  return at
}

/** Encodes a value: strings and lists of strings are the same in JSON and TOML. */
function encodeValue(value: ProfileEdit['value']): string {
  return JSON.stringify(value)
}

function encodeName(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name)
}

function toComparable(profiles: ReadonlyMap<string, object>): string {
  const sorted = [...profiles].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(
    sorted.map(([name, table]) => [
      name,
      Object.entries(table).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ]),
  )
}

/**
 * Writes a configuration (0600) atomically. A link, to a folder of dot files for example, stays a link: its target is replaced.
 *
 * @throws {StsCliError} `ERR_CANNOT_CREATE`.
 */
export function writeConfigFile(file: string, text: string): void {
  try {
    makePrivateFolder(path.dirname(file))
    writePrivateFile(resolveLink(file), text)
  } catch (cause) {
    throw new StsCliError('config-file-unwritable', `the configuration ${file} cannot be written`, {
      stage: 'config',
      cause,
    })
  }
}
