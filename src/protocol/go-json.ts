/** Credentials with the same bytes as the Go program of the quickstart prints them: `json.MarshalIndent(…, "", "\t")`. */
import type { TemporaryCredentials } from './credentials.ts'

/** Returns one object with four members in the sample's order, indented by a tab, without a final newline and empty members (`omitempty`). */
export function encodeGoCredentials(credentials: TemporaryCredentials): string {
  const members = {
    accessKey: credentials.accessKeyId,
    secretKey: credentials.secretAccessKey,
    expiration: formatGoTime(credentials.expirationText),
    sessionToken: credentials.sessionToken,
  }
  const present = Object.entries(members).filter(([, value]) => value !== '')
  const lines = present.map(([name, value]) => `\t"${name}": ${encodeGoString(value)}`)
  return `{\n${lines.join(',\n')}\n}`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

// encoding/json also escapes HTML characters, and the two line separators that JavaScript source once could not contain.
function encodeGoString(text: string): string {
  const escaped = text.toWellFormed().replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
    /["\\<>&\u2028\u2029\u0000-\u001f]/g,
    (character) =>
      shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/** Returns a time as Go formats it (RFC 3339 with nanoseconds): the offset stays, `+00:00` becomes `Z`, trailing zeros are dropped. */
function formatGoTime(text: string): string {
  const match = /^(.*T\d\d:\d\d:\d\d)(?:\.(\d+?)0*)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return text
  const [, seconds = '', fraction = '', offset = ''] = match
  const isWhole = /^0*$/.test(fraction)
  return `${seconds}${isWhole ? '' : `.${fraction}`}${/^[+-]00:00$/.test(offset) ? 'Z' : offset}`
}
