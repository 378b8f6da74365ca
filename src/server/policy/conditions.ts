/** The condition block of a statement: operators, keys and values (IAM User Guide, "IAM JSON policy elements: Condition operators"). */
import { isObject } from '../../base/parse.ts'
import { findConditionValues, isKnownConditionKey, isOtherServiceKey } from './condition-keys.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { invalidDocument } from './invalid-document.ts'
import { findOperator, type Operator } from './operators.ts'
import { fillPattern, findUnknownVariable } from './variables.ts'

/** Limits of a condition block. The cost of one request is the sum of its conditions. */
const maxConditions = 64
const maxValues = 1024
const maxValueChars = 2048
/**
 * The longest value of a request that is compared. A claim cannot be longer, because a session token has at most 8 KiB; a header can. A
 * longer value is never compared and fails closed: with any operator, the condition of a Deny holds and the condition of an Allow doesn't.
 */
const maxActualChars = 8192

/** One condition of a statement: an operator, a key and the values to compare with. */
export interface Condition {
  /** The operator as written, such as `ForAnyValue:StringNotEquals`. */
  readonly name: string
  readonly key: string
  readonly values: readonly string[]
  readonly operator: Operator
  /** True when the condition holds only if `operator` holds for none of the values (`StringNotEquals`). */
  readonly isNegated: boolean
  /** True for the operator `Null`, which only checks whether the key is present. */
  readonly isNull: boolean
  readonly isIfExists: boolean
  readonly quantifier: 'any' | 'all' | undefined
}

/** The statement that a condition block belongs to. */
interface ConditionPlace {
  /** The statement's place, for error messages. */
  readonly where: string
  /** True if the statement may also be for other services, whose keys no request to this server has. */
  readonly hasOtherServices: boolean
}

/**
 * Parses the `Condition` member of a statement; a missing one is an empty list.
 *
 * @throws {AwsError} `InvalidParameterValue`, which names an unsupported operator, key or value, or a limit that is exceeded.
 */
export function parseConditions(value: unknown, place: ConditionPlace): Condition[] {
  const { where } = place
  if (value === undefined) return []
  if (!isObject(value)) throw invalidDocument(`${where}: Condition must be an object`)
  const conditions = Object.entries(value).flatMap(([name, block]) => {
    if (!isObject(block)) throw invalidDocument(`${where}: condition ${name} must be an object`)
    return Object.entries(block).map(([key, values]) =>
      parseCondition({ name, key }, values, place),
    )
  })
  if (conditions.length > maxConditions)
    throw invalidDocument(
      `${where} has ${conditions.length} conditions; at most ${maxConditions} are accepted`,
    )
  return conditions
}

function parseCondition(
  { name, key }: { readonly name: string; readonly key: string },
  raw: unknown,
  { where, hasOtherServices }: ConditionPlace,
): Condition {
  const [, quantifier, bareName = '', ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(name) ?? []
  const found = findOperator(bareName)
  const isNull = bareName === 'Null'
  // AWS has neither `NullIfExists` nor a quantifier on `Null`: a key is either present or absent.
  if (found === undefined || (isNull && name !== 'Null'))
    throw invalidDocument(`${where}: the condition operator ${name} is not supported`)
  if (!isKnownConditionKey(key) && !(hasOtherServices && isOtherServiceKey(key)))
    throw invalidDocument(`${where}: the condition key ${key} is not supported`)
  const values = (Array.isArray(raw) ? raw : [raw]).map((value: unknown) => {
    if (typeof value === 'string') return value
    if (typeof value === 'boolean' || typeof value === 'number') return String(value)
    throw invalidDocument(
      `${where}: the values of ${name} ${key} must be strings, numbers or booleans`,
    )
  })
  if (values.length === 0) throw invalidDocument(`${where}: ${name} ${key} has no value`)
  if (values.length > maxValues)
    throw invalidDocument(
      `${where}: ${name} ${key} has ${values.length} values; at most ${maxValues} are accepted`,
    )
  for (const value of values) {
    if (value.length > maxValueChars)
      throw invalidDocument(
        `${where}: a value of ${name} ${key} has ${value.length} characters; at most ${maxValueChars} are accepted`,
      )
    const unknown = findUnknownVariable(value)
    if (unknown !== undefined)
      throw invalidDocument(`${where}: the variable ${unknown} is not supported`)
    if (!value.includes('${') && !found.operator.isValue(value))
      throw invalidDocument(
        `${where}: ${name} ${key} takes ${found.operator.valueFormat}, not ${value}`,
      )
  }
  return {
    ...found,
    name,
    key,
    values,
    isNull,
    isIfExists: ifExists !== undefined,
    quantifier: quantifier === undefined ? undefined : quantifier === 'ForAnyValue' ? 'any' : 'all',
  }
}

/**
 * Returns true when every condition holds for the request.
 *
 * @param effect The effect of the statement that the conditions belong to. A value that is not known or cannot be compared fails an Allow's
 *   condition and satisfies a Deny's, whatever the operator.
 */
export function doConditionsHold(
  conditions: readonly Condition[],
  request: AuthorizationRequest,
  effect: 'Allow' | 'Deny',
): boolean {
  return conditions.every((condition) => doesHold(condition, request, effect))
}

/** Returns whether one condition holds. @param effect As of `doConditionsHold`. */
export function doesHold(
  condition: Condition,
  request: AuthorizationRequest,
  effect: 'Allow' | 'Deny',
): boolean {
  const { isNegated, quantifier } = condition
  const actual = findConditionValues(condition.key, request)
  // About no key in particular the answer must be the contrary: nothing is refused that may be allowed for one key.
  if (actual === undefined)
    return request.isAboutAnyObject === true ? effect === 'Allow' : effect === 'Deny'
  if (condition.isNull)
    return condition.values.some(
      (value) => (value.toLowerCase() === 'true') === (actual.length === 0),
    )
  if (actual.length === 0) return doesHoldWithoutKey(condition)
  if (actual.some((value) => value.length > maxActualChars)) return effect === 'Deny'
  const expected = condition.values.map((value) => fillPattern(value, request))
  // A negated condition whose variable has no value would exclude nothing, so the Allow would apply to everything.
  if (isNegated && effect === 'Allow' && expected.includes(undefined)) return false
  const tests = expected.flatMap((pattern) =>
    pattern ? [condition.operator.prepare(pattern)] : [],
  )
  const matches = (value: string): boolean => {
    return tests.some((isMatch) => isMatch(value)) !== isNegated
  }
  const isEveryRequired = quantifier === 'all' || (quantifier === undefined && isNegated)
  return isEveryRequired ? actual.every(matches) : actual.some(matches)
}

/**
 * Returns whether a condition holds for a request without its key. A negated operator (`StringNotEquals`) holds for a missing key, the
 * others don't. `ForAllValues` and `IfExists` hold for a missing key, `ForAnyValue` doesn't.
 */
function doesHoldWithoutKey({ isIfExists, isNegated, quantifier }: Condition): boolean {
  if (isIfExists || quantifier === 'all') return true
  return quantifier === undefined && isNegated
}
