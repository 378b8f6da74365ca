import type { AuthorizationRequest } from './authorizer.ts'
import { findConditionValues, isKnownConditionKey } from './condition-keys.ts'
import { toPattern, type Pattern } from './wildcard.ts'

/** One that is not closed runs to the end, so that each character is looked at once; it is text. */
const variable = /\$\{([^}]*)(\}?)/g
/** `${*}`, `${?}` and `${$}` stand for the character itself. */
const characters = new Set(['*', '?', '$'])

/** What stands between the braces, with IAM's default value in single quotes after a comma. */
const withDefault = /^([^,]+), ?'([^'*?$]+)'$/

/**
 * All that is filled into one pattern. What is longer than the longest value that is compared can match none: it need not be built, which a
 * pattern of a hundred variables and a header of 14 KB would make megabytes.
 */
const maxFilledChars = 8192

interface Variable {
  readonly key: string
  readonly defaultValue: string | undefined
}

/**
 * The first `${…}` that is nothing we can fill in: a document that holds one would never do what it seems to. A default value
 * (`${aws:username, 'nobody'}`) must be a text without `*`, `?` and `$`, which would be read as a wildcard or as itself.
 */
export function findUnknownVariable(text: string): string | undefined {
  return findVariables(text).find(([, name = '']) => readVariable(name) === undefined)?.[0]
}

function findVariables(text: string): RegExpExecArray[] {
  return [...text.matchAll(variable)].filter(([, , end]) => end !== '')
}

/** Undefined for what is not known. The name of a claim has no comma here: `jwt:a, 'b'` is a claim and a default value. */
function readVariable(name: string): Variable | undefined {
  const [, key = name, defaultValue] = withDefault.exec(name) ?? []
  if (characters.has(name)) return { key, defaultValue: undefined }
  return isKnownConditionKey(key) && !key.includes(',') ? { key, defaultValue } : undefined
}

/**
 * Replaces `${aws:username}`, `${jwt:sub}` and the like by the request's first value, else by the variable's default value, and `${*}`
 * `${?}` `${$}` by the characters they stand for. What was filled in is text: a `*` in it is no wildcard.
 *
 * @returns Undefined when a variable has no value, or all values together are too long: nothing equals it, nothing matches it.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function fillPattern(text: string, request: AuthorizationRequest): Pattern | undefined {
  if (!text.includes('${')) return toPattern(text)
  const literals = new Set<number>()
  let filled = ''
  let end = 0
  let leftChars = maxFilledChars
  for (const match of findVariables(text)) {
    const value = findValue(match[1] ?? '', request)
    leftChars -= value?.length ?? 0
    if (value === undefined || leftChars < 0) return undefined
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
  const wanted = readVariable(name)
  if (wanted === undefined) return undefined
  const [value = ''] = findConditionValues(wanted.key, request)
  return value === '' ? wanted.defaultValue : value
}
