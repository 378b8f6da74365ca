/**
 * The user name of a directory's user, as the directory spells it. Directories compare names without regard to case and with folded spaces
 * (RFC 4518), and several names may find one entry. A policy that names a user must apply to that user with each of these names.
 */
import type { LdapEntry } from './ldap-connection.ts'
import { foldCase, readFirstRdn } from './distinguished-name.ts'

/** An attribute that the user filter compares with the typed name. */
export interface NameAttribute {
  readonly type: string
  /** The text before and after the name in the filter, such as `@example.com`. Both are empty when one of them contains a `*`. */
  readonly prefix: string
  readonly suffix: string
}

const maxNameLength = 256

/**
 * Returns the attributes that a filter compares with `%s`, in the filter's order, each once: `uid` and `mail` for `(|(uid=%s)(mail=%s))`.
 * Negated comparisons are left out, because such an attribute does not contain the user's name.
 */
export function findNameAttributes(filter: string): NameAttribute[] {
  const found = new Map<string, NameAttribute>()
  const item = /(!\s*)?\(\s*([A-Za-z0-9][A-Za-z0-9.-]*)[^()=]*=([^()]*?)%s([^()]*)\)/g
  for (const [, negation, type = '', before = '', after = ''] of filter.matchAll(item)) {
    const key = type.toLowerCase()
    if (negation !== undefined || found.has(key)) continue
    const isPattern = before.includes('*') || after.includes('*')
    const prefix = isPattern ? '' : unescapeFilter(before.trimStart())
    const suffix = isPattern ? '' : unescapeFilter(after.trimEnd())
    found.set(key, { type, prefix, suffix })
  }
  return [...found.values()]
}

/**
 * Returns the user name of an entry; it is the same for each name that finds the entry. The attribute is the one in the entry's RDN, if the
 * filter compares it, or else the filter's first attribute that the entry has. Of several values it is the one in the RDN, or else the first
 * in the order of their code units.
 *
 * @param typed The typed name. It is returned, in a normal form, when the directory does not return any of the attributes.
 */
export function chooseUserName(
  entry: LdapEntry,
  attributes: readonly NameAttribute[],
  typed: string,
): string {
  const inRdn = new Map(readFirstRdn(entry.dn).map(({ type, value }) => [type, value]))
  const isInRdn = ({ type }: NameAttribute): boolean => inRdn.has(type.toLowerCase())
  const ordered = [
    ...attributes.filter(isInRdn),
    ...attributes.filter((attribute) => !isInRdn(attribute)),
  ]
  for (const attribute of ordered) {
    const rdnValue = inRdn.get(attribute.type.toLowerCase())
    const values = listValues(entry, attribute.type)
    const value =
      values.find((each) => rdnValue !== undefined && foldCase(each) === foldCase(rdnValue)) ??
      rdnValue ??
      values[0]
    if (value !== undefined) return stripAffixes(value, attribute)
  }
  // The filter may name an attribute by an alias or an OID; the directory returns it under its own name.
  const others = Object.keys(entry.attributes).toSorted()
  const [value] = others.flatMap((type) => listValues(entry, type))
  return value ?? foldTyped(typed)
}

/** Folds a typed name. Invisible characters are removed too, as directories do when they compare names (RFC 4518 §2.2). */
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

/** Removes the filter's text around the name: `alice@example.com` becomes `alice` with the filter `(mail=%s@example.com)`. */
function stripAffixes(value: string, { prefix, suffix }: NameAttribute): string {
  const hasAffixes =
    value.length > prefix.length + suffix.length &&
    value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase() &&
    value.slice(value.length - suffix.length).toLowerCase() === suffix.toLowerCase()
  return hasAffixes ? value.slice(prefix.length, value.length - suffix.length) : value
}

/** Replaces escapes such as `\5c`, a backslash, by the character (RFC 4515 §3). */
function unescapeFilter(text: string): string {
  return text.replaceAll(/(?:\\[0-9a-fA-F]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8'),
  )
}
