/**
 * The name of a directory's user as the directory has it. What a person types is compared without case, with spaces folded and more (RFC
 * 4518), and several names may lead to one entry: a policy that names a user must meet that user however they sign in.
 */
import type { LdapEntry } from './connection.ts'
import { foldCase, readFirstName } from './distinguished-name.ts'

/** An attribute that the user filter compares with the typed name. */
export interface NameAttribute {
  readonly type: string
  /** What stands around the name in the filter, `@example.com` for instance; empty where a `*` is there. */
  readonly before: string
  readonly after: string
}

const maxNameLength = 256

/**
 * The attributes that a filter compares with `%s`, in its order, each once: `uid` and `mail` of `(|(uid=%s)(mail=%s))`. What stands in a
 * negation leads to nobody's name.
 */
export function findNameAttributes(filter: string): NameAttribute[] {
  const found = new Map<string, NameAttribute>()
  const item = /(!\s*)?\(\s*([A-Za-z0-9][A-Za-z0-9.-]*)[^()=]*=([^()]*?)%s([^()]*)\)/g
  for (const [, negation, type = '', before = '', after = ''] of filter.matchAll(item)) {
    const key = type.toLowerCase()
    if (negation !== undefined || found.has(key)) continue
    const isPattern = before.includes('*') || after.includes('*')
    const attribute = isPattern
      ? { type, before: '', after: '' }
      : { type, before: unescapeFilter(before.trimStart()), after: unescapeFilter(after.trimEnd()) }
    found.set(key, attribute)
  }
  return [...found.values()]
}

/**
 * The one name of an entry, whichever of its names was typed: the attribute in its distinguished name if the filter asks for that, else the
 * filter's first that the entry has; of several values that in the distinguished name, else the first in the order of their code units.
 *
 * @param typed Where the directory shows none of the attributes: that, in one spelling.
 */
export function chooseUserName(
  entry: LdapEntry,
  attributes: readonly NameAttribute[],
  typed: string,
): string {
  const inDn = new Map(readFirstName(entry.dn).map(({ type, value }) => [type, value]))
  const isInDn = ({ type }: NameAttribute): boolean => inDn.has(type.toLowerCase())
  const ordered = [
    ...attributes.filter(isInDn),
    ...attributes.filter((attribute) => !isInDn(attribute)),
  ]
  for (const attribute of ordered) {
    const named = inDn.get(attribute.type.toLowerCase())
    const values = listValues(entry, attribute.type)
    const value =
      values.find((each) => named !== undefined && foldCase(each) === foldCase(named)) ??
      named ??
      values[0]
    if (value !== undefined) return stripAround(value, attribute)
  }
  // Asked for by an alias or a number, an attribute comes under its own name.
  const others = Object.keys(entry.attributes).toSorted()
  const [value] = others.flatMap((type) => listValues(entry, type))
  return value ?? foldTyped(typed)
}

/** What cannot be seen is dropped as well, as directories do when they compare (RFC 4518 §2.2). */
function foldTyped(text: string): string {
  const spaced = text.replaceAll(/[\t-\r\u0085]/g, ' ')
  return foldCase(spaced.replaceAll(/[\p{Cc}\p{Cf}\p{Variation_Selector}\u034f\ufffc]/gu, ''))
}

function listValues({ attributes }: LdapEntry, type: string): string[] {
  return Object.entries(attributes)
    .filter(([name]) => name.toLowerCase() === type.toLowerCase())
    .flatMap(([, values]) => values)
    .filter((value) => value.trim() !== '' && value.length <= maxNameLength)
    .toSorted()
}

/** `alice` of `alice@example.com` where the filter is `(mail=%s@example.com)`. */
function stripAround(value: string, { before, after }: NameAttribute): string {
  const isAround =
    value.length > before.length + after.length &&
    value.slice(0, before.length).toLowerCase() === before.toLowerCase() &&
    value.slice(value.length - after.length).toLowerCase() === after.toLowerCase()
  return isAround ? value.slice(before.length, value.length - after.length) : value
}

/** `\5c` is a backslash (RFC 4515 §3). */
function unescapeFilter(text: string): string {
  return text.replaceAll(/(?:\\[0-9a-fA-F]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8'),
  )
}
