/**
 * Returns a distinguished name in a normal form, in which two spellings of the same name are equal (RFC 4514). Attribute types and values
 * are in lower case, spaces are folded, escapes are written in one way, and the parts of a multi-valued RDN are sorted.
 *
 * @returns Undefined for a text that is not a distinguished name, and for the empty name, which does not name an entry.
 */
export function normalizeDn(text: string): string | undefined {
  const rdns = split(text, ',').map((rdn) => split(rdn, '+').map(normalizePair))
  const isValid = rdns.every((pairs) => pairs.every((pair) => pair !== undefined))
  if (!isValid) return undefined
  return rdns.map((pairs) => pairs.toSorted().join('+')).join(',')
}

/**
 * Returns the attributes of the first relative distinguished name (RDN) of a distinguished name, with their values unescaped; an empty list
 * when it cannot be read.
 */
export function readFirstRdn(text: string): RdnAttribute[] {
  const [first = ''] = split(text, ',')
  return split(first, '+').flatMap((pair) => readPair(pair) ?? [])
}

/** One `type=value` pair of an RDN. */
interface RdnAttribute {
  /** The attribute type in lower case. */
  readonly type: string
  /** The value without escapes. */
  readonly value: string
}

function readPair(text: string): RdnAttribute | undefined {
  const [, type, raw = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=(.*)$/s.exec(text) ?? []
  if (type === undefined) return undefined
  const value = unescape(trim(raw))
  return value === undefined || value === '' ? undefined : { type: type.toLowerCase(), value }
}

/** Turns `CN = Ops\, EU` into `cn=ops\2c eu`. */
function normalizePair(text: string): string | undefined {
  const pair = readPair(text)
  if (pair === undefined) return undefined
  return `${pair.type}=${foldCase(pair.value).replaceAll(/[\\,+="<>;#\0]/g, toHex)}`
}

/**
 * Returns a name in the form in which directories compare names (caseIgnoreMatch, RFC 4518): compatible characters are replaced, letters are
 * in lower case, and spaces are folded.
 */
export function foldCase(text: string): string {
  // Normalized before and after: some characters have a lower case only when they are decomposed (ℂ), and lower case can compose others.
  const folded = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  return folded.trim().replaceAll(/\s+/g, ' ')
}

/** Removes the spaces around a value, but not an escaped space at its end. */
function trim(raw: string): string {
  const started = raw.trimStart()
  const trimmed = started.trimEnd()
  const isEscaped = trimmed !== started && /(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed)
  return isEscaped ? `${trimmed} ` : trimmed
}

/** Replaces `\,` by the character and `\2c` by the byte of UTF-8; undefined for a backslash at the end. */
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

/** Splits a text at each separator that is not escaped with a backslash. */
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
