import type { AuthorizationRequest } from './authorizer.ts'
import { findConditionValues, isKnownConditionKey } from './condition-keys.ts'

/**
 * Replaces `${aws:username}`, `${jwt:sub}` and the like, and `${*}` `${?}` `${$}` by the characters they stand for.
 *
 * @returns Undefined when a variable has no value: a statement that cannot be filled in matches nothing. In a pattern, `*` and `?`
 *   inside a value become `?`-free literals by refusing such a value: a claim of `*` must not match everything (WIRE 9.5, injection 3).
 */
export function substitute(
  text: string,
  request: AuthorizationRequest,
  { isPattern }: { readonly isPattern: boolean },
): string | undefined {
  if (!text.includes('${')) return text
  let isFilled = true
  const filled = text.replaceAll(/\$\{([^}]*)\}/g, (whole, name: string) => {
    if (name === '$') return '$'
    if (name === '*' || name === '?') return isPattern ? whole : name
    const value = isKnownConditionKey(name) ? findConditionValues(name, request)[0] : undefined
    if (value === undefined || value === '' || (isPattern && /[*?]/.test(value))) {
      isFilled = false
      return ''
    }
    return value
  })
  return isFilled ? filled : undefined
}
