/**
 * AWS's configuration files, edited line by line: lines that do not change keep every byte. A file that cannot be read for certain is refused.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
import { StsCliError } from '../base/errors.ts'
import { checkPair, type IniPair } from './formats/ini.ts'

/** A file's text, and its name for messages. */
export interface IniFile {
  /** As `latin1`, a character for each byte, so that text that is not UTF-8 stays as it is. */
  readonly text: string
  readonly name: string
}

/** Names a section by the text between its brackets. */
export interface SectionName {
  readonly isMeant: (header: string) => boolean
  /** The header of a new section. */
  readonly header: string
}

interface Line {
  readonly raw: string
  readonly kind: 'blank' | 'header' | 'pair' | 'continuation'
  /** The text between a header's brackets, or a pair's key in lower case. */
  readonly name: string
}

interface Section {
  readonly lines: readonly Line[]
  /** Index of the header among the lines; -1 when there is no such section. */
  readonly start: number
  readonly end: number
}

/** Returns the section's keys, in lower case, and their values; none when there is no such section. @throws {StsCliError} `ERR_DATA`. */
export function readSection(file: IniFile, section: SectionName): ReadonlyMap<string, string> {
  const { lines, start, end } = findSection(file, section)
  const pairs = lines.slice(start + 1, end).filter(({ kind }) => kind === 'pair')
  return new Map(start === -1 ? [] : pairs.map((line) => [line.name, splitPair(line.raw).value]))
}

export interface Edit {
  readonly text: string
  /** Keys whose value changes or is new, in the order given. */
  readonly changes: readonly { readonly pair: IniPair; readonly isNew: boolean }[]
}

/**
 * Sets keys of a section; a new section is added at the end of the file.
 *
 * @param pairs In UTF-8, as is the header.
 * @throws {StsCliError} `ERR_DATA` for a malformed file, and for one that has the section or one of the keys twice.
 */
export function editSection(file: IniFile, section: SectionName, pairs: readonly IniPair[]): Edit {
  pairs.forEach(checkPair)
  const { lines, start, end } = findSection(file, section)
  const newline = /\r\n/.test(file.text) ? '\r\n' : '\n'
  const raws = lines.map(({ raw }) => raw)
  const added: string[] = []
  const changes: { pair: IniPair; isNew: boolean }[] = []
  for (const pair of pairs) {
    const [key, value] = pair.map(toBytes) as [string, string]
    const at = start === -1 ? -1 : findKey(lines, { key, start, end, name: file.name })
    if (at === -1) {
      added.push(`${key} = ${value}${newline}`)
      changes.push({ pair, isNew: true })
      continue
    }
    const was = splitPair(raws[at] ?? '')
    if (was.value === value) continue
    raws[at] = `${was.before}${value}${was.ending}`
    changes.push({ pair, isNew: false })
  }
  return {
    text: insert(raws, added, { lines, start, end, newline, header: section.header }),
    changes,
  }
}

/**
 * Makes a section hold these lines and no others; a new section is added at the end of the file.
 *
 * @param body Whole lines in ASCII, such as nested keys, which `editSection` cannot write.
 * @throws {StsCliError} `ERR_DATA` for a malformed file, and for one that has the section twice.
 */
export function replaceSection(
  file: IniFile,
  section: SectionName,
  body: readonly string[],
): { readonly text: string; readonly isChanged: boolean } {
  const { lines, start, end } = findSection(file, section)
  const newline = /\r\n/.test(file.text) ? '\r\n' : '\n'
  const raws = lines.map(({ raw }) => raw)
  const added = body.map((line) => `${line}${newline}`)
  const last = lines.slice(0, end).findLastIndex(({ kind }) => kind !== 'blank')
  const present = start === -1 ? [] : raws.slice(start + 1, last + 1)
  const isSame = start !== -1 && present.map((raw) => raw.trimEnd()).join('\n') === body.join('\n')
  if (isSame) return { text: file.text, isChanged: false }
  const at = { lines, start, end, newline, header: section.header }
  if (start === -1) return { text: insert(raws, added, at), isChanged: true }
  const header = closeLine(raws[start] ?? '', newline)
  const rest = raws.slice(last + 1)
  return { text: [...raws.slice(0, start), header, ...added, ...rest].join(''), isChanged: true }
}

function insert(
  raws: readonly string[],
  added: readonly string[],
  at: Section & { readonly newline: string; readonly header: string },
): string {
  if (added.length === 0) return raws.join('')
  const { lines, start, end, newline } = at
  if (start === -1) {
    const before = closeLine(raws.join(''), newline)
    const gap = before === '' || /(^|\n)\r?\n$/.test(before) ? '' : newline
    return `${before}${gap}[${toBytes(at.header)}]${newline}${added.join('')}`
  }
  const last = lines.slice(0, end).findLastIndex(({ kind }) => kind !== 'blank')
  const before = closeLine(raws.slice(0, last + 1).join(''), newline)
  return `${before}${added.join('')}${raws.slice(last + 1).join('')}`
}

function closeLine(text: string, newline: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}${newline}`
}

function findSection({ text, name }: IniFile, { isMeant }: SectionName): Section {
  const lines = readLines(text, name)
  const starts = lines.flatMap((line, index) =>
    line.kind === 'header' && isMeant(fromBytes(line.name)) ? [index] : [],
  )
  const [start = -1, second] = starts
  if (second !== undefined) throw iniError(name, second, 'begins a section that was there before')
  const next = lines.findIndex(({ kind }, index) => index > start && kind === 'header')
  return { lines, start, end: next === -1 || start === -1 ? lines.length : next }
}

function findKey(
  lines: readonly Line[],
  { key, start, end, name }: { key: string; start: number; end: number; name: string },
): number {
  const found = lines.flatMap((line, index) =>
    index > start && index < end && line.kind === 'pair' && line.name === key ? [index] : [],
  )
  const [at = -1, second] = found
  if (second !== undefined) throw iniError(name, second, `has ${key} a second time`)
  if (at !== -1 && lines[at + 1]?.kind === 'continuation')
    throw iniError(name, at + 1, `goes on with ${key}, which holds one line`)
  return at
}

function readLines(text: string, name: string): Line[] {
  const lines: Line[] = []
  let previous: Line['kind'] | 'start' = 'start'
  for (const [index, raw] of (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).entries()) {
    const line = readLine(raw, previous)
    if (line === undefined) throw iniError(name, index, 'is no section, no key = value, no comment')
    lines.push(line)
    if (line.kind !== 'blank') previous = line.kind
  }
  return lines
}

/** Returns undefined for a line that cannot follow one of that kind. */
function readLine(raw: string, previous: Line['kind'] | 'start'): Line | undefined {
  const body = raw.replace(/\r?\n$/, '')
  if (/^\s*([#;].*)?$/.test(body)) return { raw, kind: 'blank', name: '' }
  if (/[\r\0]/.test(body)) return undefined
  if (/^\s/.test(body))
    return previous === 'pair' || previous === 'continuation'
      ? { raw, kind: 'continuation', name: '' }
      : undefined
  const [, header] = /^\[([^[\]]+)\]\s*([#;].*)?$/.exec(body) ?? []
  if (header !== undefined) return { raw, kind: 'header', name: header.trim() }
  const [, key] = /^([^=:[\]]+?)\s*[=:]/.exec(body) ?? []
  return key === undefined || previous === 'start'
    ? undefined
    : { raw, kind: 'pair', name: key.toLowerCase() }
}

function splitPair(raw: string): { before: string; value: string; ending: string } {
  const [, before = '', value = '', ending = ''] =
    /^([^=:]+[=:][ \t]*)(.*?)([ \t]*(?:\r?\n)?)$/.exec(raw) ?? []
  return { before, value, ending: ending.replace(/^[ \t]+/, '') }
}

/** Makes the error; it names the line's number and never its text, which may be a secret. */
function iniError(name: string, index: number, what: string): StsCliError {
  return new StsCliError('aws-file-invalid', `line ${index + 1} of ${name} ${what}`, {
    stage: 'config',
  })
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
