/**
 * A distinguished name in the one form in which two spellings of the same name are equal: attribute types and values in lower case,
 * spaces folded, escapes undone and made anew, the parts of a multi-valued name sorted (RFC 4514).
 *
 * @returns Undefined for text that is no distinguished name, and for the empty one, which is nobody's.
 */
export function normalizeDn(text: string): string | undefined {
  const names = split(text, ',').map((name) => split(name, '+').map(normalizePair))
  const isWhole = names.every((pairs) => pairs.every((pair) => pair !== undefined))
  if (!isWhole) return undefined
  return names.map((pairs) => pairs.toSorted().join('+')).join(',')
}

/** The first name of a distinguished name, with its values as they are written there; empty where that cannot be read. */
export function readFirstName(text: string): NamePair[] {
  const [first = ''] = split(text, ',')
  return split(first, '+').flatMap((pair) => readPair(pair) ?? [])
}

interface NamePair {
  /** In lower case. */
  readonly type: string
  /** Without its escapes. */
  readonly value: string
}

function readPair(text: string): NamePair | undefined {
  const [, type, raw = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=(.*)$/s.exec(text) ?? []
  if (type === undefined) return undefined
  const value = unescape(trim(raw))
  return value === undefined || value === '' ? undefined : { type: type.toLowerCase(), value }
}

/** `CN = Ops\, EU` → `cn=ops\2c eu`. */
function normalizePair(text: string): string | undefined {
  const pair = readPair(text)
  if (pair === undefined) return undefined
  return `${pair.type}=${foldCase(pair.value).replaceAll(/[\\,+="<>;#\0]/g, toHex)}`
}

/** As directories compare names: compatible characters are one, case does not count, spaces are folded (caseIgnoreMatch, RFC 4518). */
export function foldCase(text: string): string {
  // Before and after: some characters have a lower case only once they are decomposed (ℂ), some are composed by it.
  const folded = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  return folded.trim().replaceAll(/\s+/g, ' ')
}

/** Spaces around a value do not count, but for one that is escaped. */
function trim(raw: string): string {
  const started = raw.trimStart()
  const trimmed = started.trimEnd()
  const isEscaped = trimmed !== started && /(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed)
  return isEscaped ? `${trimmed} ` : trimmed
}

/** `\,` is the character, `\2c` a byte of UTF-8. */
function unescape(raw: string): string | undefined {
  const bytes: Buffer[] = []
  for (const [part] of raw.matchAll(/\\[0-9a-fA-F]{2}|\\[^]|[^\\]+|\\$/g)) {
    if (part === '\\') return undefined
    if (!part.startsWith('\\')) bytes.push(Buffer.from(part))
    else if (part.length === 3) bytes.push(Buffer.from(part.slice(1), 'hex'))
    else bytes.push(Buffer.from(part.slice(1)))
  }
  return Buffer.concat(bytes).toString('utf8')
}

function toHex(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** At a character that no backslash stands before. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '\\') {
      part += text.slice(at, at + 2)
      at += 1
    } else if (character === separator) {
      parts.push(part)
      part = ''
    } else part += character
  }
  return [...parts, part]
}
