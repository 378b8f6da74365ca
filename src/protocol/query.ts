/**
 * The one reader of query strings and form bodies. Two readers that differ in a byte are a hole: one decides what a signature covers or a
 * policy is asked, the other what is done.
 */

export type QueryPair = readonly [name: string, value: string]

/** A parsed query. */
export interface Query {
  /** Every parameter, decoded, in the order sent; a name that was sent twice is there twice. */
  readonly pairs: readonly QueryPair[]
  /** Whether every escape was percent-encoded UTF-8. One that was not stays as it was sent. */
  readonly isWellFormed: boolean
  /** Returns the first value of a name. */
  get(name: string): string | undefined
  has(name: string): boolean
}

/** Returns the parameters of a query as sent, without its `?`. */
export function parseQuery(rawQuery: string): Query {
  if (rawQuery === '') return emptyQuery
  const pairs: QueryPair[] = []
  let isWellFormed = true
  const onMalformed = (): void => {
    isWellFormed = false
  }
  for (const part of rawQuery.split('&')) {
    if (part !== '') pairs.push(readPair(part, onMalformed))
  }
  return createQuery(pairs, isWellFormed)
}

/** Returns a query of parsed parameters, such as some of another query. */
export function createQuery(pairs: readonly QueryPair[], isWellFormed = true): Query {
  const first = new Map<string, string>()
  for (const [name, value] of pairs) if (!first.has(name)) first.set(name, value)
  return { pairs, isWellFormed, get: (name) => first.get(name), has: (name) => first.has(name) }
}

/** A query without parameters. */
export const emptyQuery: Query = createQuery([])

/**
 * Reads parameters one by one, for a reader that stops at a limit: `a=b&c`, percent-encoded, `+` for a space (WHATWG URL Standard,
 * application/x-www-form-urlencoded). Unlike `URLSearchParams` it leaves a leading `?` in the first name and a malformed escape as it is, as
 * the canonical query of a signature does.
 */
export function* readPairs(text: string, onMalformed?: () => void): Generator<QueryPair> {
  for (const part of text.split('&')) if (part !== '') yield readPair(part, onMalformed)
}

function readPair(part: string, onMalformed?: () => void): QueryPair {
  const at = part.indexOf('=')
  if (at === -1) return [decodeFormText(part, onMalformed), '']
  return [
    decodeFormText(part.slice(0, at), onMalformed),
    decodeFormText(part.slice(at + 1), onMalformed),
  ]
}

/** Percent-decodes a name or value as an HTTP form does (`+` is a space). A text with a malformed escape stays as it is. */
export function decodeFormText(text: string, onMalformed?: () => void): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    onMalformed?.()
    return spaced
  }
}
