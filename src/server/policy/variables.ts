import type { AuthorizationRequest } from './authorizer.ts'
import { findConditionValues, isKnownConditionKey } from './condition-keys.ts'
import { toPattern, type Pattern } from './wildcard.ts'

const variable = /\$\{([^}]*)\}/g
/** `${*}`, `${?}` and `${$}` stand for the character itself. */
const characters = new Set(['*', '?', '$'])

/** The first `${…}` that is nothing we can fill in: a document that holds one would never do what it seems to. */
export function findUnknownVariable(text: string): string | undefined {
  return [...text.matchAll(variable)].find(
    ([, name = '']) => !characters.has(name) && !isKnownConditionKey(name),
  )?.[0]
}

/**
 * Replaces `${aws:username}`, `${jwt:sub}` and the like by the request's first value, and `${*}` `${?}` `${$}` by the characters they
 * stand for. What was filled in is text: a `*` in it is no wildcard.
 *
 * @returns Undefined when a variable has no value: nothing equals it, nothing matches it.
 */
export function fillPattern(text: string, request: AuthorizationRequest): Pattern | undefined {
  if (!text.includes('${')) return toPattern(text)
  const literals = new Set<number>()
  let filled = ''
  let end = 0
  for (const match of text.matchAll(variable)) {
    const value = findValue(match[1] ?? '', request)
    if (value === undefined) return undefined
    filled += text.slice(end, match.index)
    for (let at = 0; at < value.length; at += 1)
      if (value[at] === '*' || value[at] === '?') literals.add(filled.length + at)
    filled += value
    end = match.index + match[0].length
  }
  return { text: filled + text.slice(end), literals }
}

function findValue(name: string, request: AuthorizationRequest): string | undefined {
  if (characters.has(name)) return name
  const value = isKnownConditionKey(name) ? findConditionValues(name, request)[0] : undefined
  return value === '' ? undefined : value
}
