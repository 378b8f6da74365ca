/**
 * Policy variables, such as `${aws:username}` and `${jwt:sub}`.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { AuthorizationRequest } from './authorizer.ts'
import { canBeUnknown, findConditionValues, isKnownConditionKey } from './condition-keys.ts'
import { toPattern, type Pattern } from './wildcard.ts'

/** Matches one variable. An unclosed `${` matches up to the end, so that the regular expression reads each character once; it is text. */
const variable = /\$\{([^}]*)(\}?)/g
/** The characters that `${*}`, `${?}` and `${$}` represent. */
const literalCharacters = new Set(['*', '?', '$'])

/** Matches a variable's name with a default value: IAM's form is a single-quoted text after a comma. */
const nameWithDefault = /^([^,]+), ?'([^'*?$]+)'$/

/**
 * The most characters that are filled into one pattern. A longer pattern cannot match, because no longer value is compared, so it is not
 * built: a pattern with a hundred variables and a header of 14 KB would become more than a megabyte.
 */
const maxFilledChars = 8192

interface Variable {
  readonly key: string
  readonly defaultValue: string | undefined
}

/**
 * Returns the first `${…}` of a text that is not a supported variable; undefined when there is none. A document with such a variable is
 * rejected, because the statement could never match. A default value (`${aws:username, 'nobody'}`) must not contain `*`, `?` or `$`: a
 * reader could take them for a wildcard or for the character itself.
 */
export function findUnknownVariable(text: string): string | undefined {
  return findVariables(text).find(([, name = '']) => readVariable(name) === undefined)?.[0]
}

function findVariables(text: string): RegExpExecArray[] {
  return [...text.matchAll(variable)].filter(([, , end]) => end !== '')
}

/** Returns undefined for an unknown variable. A claim's name cannot contain a comma: `jwt:a, 'b'` is the claim `a` with a default value. */
function readVariable(name: string): Variable | undefined {
  const [, key = name, defaultValue] = nameWithDefault.exec(name) ?? []
  if (literalCharacters.has(name)) return { key, defaultValue: undefined }
  const isSupported = isKnownConditionKey(key) && !canBeUnknown(key) && !key.includes(',')
  return isSupported ? { key, defaultValue } : undefined
}

/**
 * Replaces each variable by the request's first value for its key, or else by the variable's default value. `${*}`, `${?}` and `${$}` are
 * replaced by the character. A replaced variable is plain text: a `*` in its value is not a wildcard.
 *
 * @returns The pattern; undefined when a variable has no value or the values are too long together. Such a pattern matches nothing.
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
  if (literalCharacters.has(name)) return name
  const parsed = readVariable(name)
  if (parsed === undefined) return undefined
  const [value = ''] = findConditionValues(parsed.key, request) ?? []
  return value === '' ? parsed.defaultValue : value
}
