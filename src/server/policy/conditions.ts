/** The condition block of a statement: operators and the keys they may ask (IAM User Guide, «condition operators»). */
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject } from '../../base/parse.ts'
import { findConditionValues, isKnownConditionKey } from './condition-keys.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { findOperator, type Operator } from './operators.ts'
import { fillPattern, findUnknownVariable } from './variables.ts'

/** Bounds of a document's condition block: what one request costs is the sum of its conditions. */
const maxConditions = 64
const maxValues = 1024
const maxValueChars = 2048
/**
 * The longest value of a request that is compared. A session's claims cannot be longer (its token has at most 8 KiB); a header can. A longer
 * one is never compared, and fails closed: a Deny's condition holds for it and an Allow's does not, whatever the operator.
 */
const maxActualChars = 8192

export interface Condition {
  readonly key: string
  readonly values: readonly string[]
  readonly operator: Operator
  /** True when `operator` must hold for none of the values. */
  readonly isNegated: boolean
  /** `Null`: whether the key is there is all that is asked. */
  readonly isNull: boolean
  readonly isIfExists: boolean
  readonly quantifier: 'any' | 'all' | undefined
}

/** @throws {AwsError} `InvalidParameterValue` naming an operator, key or value that is not understood. */
export function parseConditions(value: unknown, where: string): Condition[] {
  if (value === undefined) return []
  if (!isObject(value)) throw refuse(`${where}: Condition must be an object`)
  const conditions = Object.entries(value).flatMap(([name, block]) => {
    if (!isObject(block)) throw refuse(`${where}: condition ${name} must be an object`)
    return Object.entries(block).map(([key, values]) => parseCondition(name, key, values, where))
  })
  if (conditions.length > maxConditions)
    throw refuse(
      `${where} has ${conditions.length} conditions; at most ${maxConditions} are accepted`,
    )
  return conditions
}

function parseCondition(name: string, key: string, raw: unknown, where: string): Condition {
  const [, quantifier, bareName = '', ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(name) ?? []
  const found = findOperator(bareName)
  const isNull = bareName === 'Null'
  // «Null, if it exists» asks nothing, and one key is there or not: AWS has neither.
  if (found === undefined || (isNull && name !== 'Null'))
    throw refuse(`${where}: the condition operator ${name} is not supported`)
  if (!isKnownConditionKey(key)) throw refuse(`${where}: the condition key ${key} is not supported`)
  const values = (Array.isArray(raw) ? raw : [raw]).map((value: unknown) => {
    if (typeof value === 'string') return value
    if (typeof value === 'boolean' || typeof value === 'number') return String(value)
    throw refuse(`${where}: the values of ${name} ${key} must be strings, numbers or booleans`)
  })
  if (values.length === 0) throw refuse(`${where}: ${name} ${key} has no value`)
  if (values.length > maxValues)
    throw refuse(
      `${where}: ${name} ${key} has ${values.length} values; at most ${maxValues} are accepted`,
    )
  for (const value of values) {
    if (value.length > maxValueChars)
      throw refuse(
        `${where}: a value of ${name} ${key} has ${value.length} characters; at most ${maxValueChars} are accepted`,
      )
    const unknown = findUnknownVariable(value)
    if (unknown !== undefined) throw refuse(`${where}: the variable ${unknown} is not supported`)
    if (!value.includes('${') && !found.operator.isValue(value))
      throw refuse(`${where}: ${name} ${key} takes ${found.operator.takes}, not ${value}`)
  }
  return {
    ...found,
    key,
    values,
    isNull,
    isIfExists: ifExists !== undefined,
    quantifier: quantifier === undefined ? undefined : quantifier === 'ForAnyValue' ? 'any' : 'all',
  }
}

/** True when every condition holds for the request. @param effect Of the statement they belong to. */
export function doConditionsHold(
  conditions: readonly Condition[],
  request: AuthorizationRequest,
  effect: 'Allow' | 'Deny',
): boolean {
  return conditions.every((condition) => doesHold(condition, request, effect))
}

function doesHold(
  condition: Condition,
  request: AuthorizationRequest,
  effect: 'Allow' | 'Deny',
): boolean {
  const { isNegated, quantifier } = condition
  const actual = findConditionValues(condition.key, request)
  if (condition.isNull)
    return condition.values.some(
      (value) => (value.toLowerCase() === 'true') === (actual.length === 0),
    )
  if (actual.length === 0) return doesHoldWithoutKey(condition)
  if (actual.some((value) => value.length > maxActualChars)) return effect === 'Deny'
  const expected = condition.values.map((value) => fillPattern(value, request))
  // «All but what cannot be named» would be everything.
  if (isNegated && effect === 'Allow' && expected.includes(undefined)) return false
  const tests = expected.flatMap((pattern) =>
    pattern ? [condition.operator.prepare(pattern)] : [],
  )
  const matches = (value: string): boolean => {
    return tests.some((isMatch) => isMatch(value)) !== isNegated
  }
  const isEveryAsked = quantifier === 'all' || (quantifier === undefined && isNegated)
  return isEveryAsked ? actual.every(matches) : actual.some(matches)
}

/** A missing key fails what asks for a likeness and satisfies what asks for none; of no values all are anything, and none is. */
function doesHoldWithoutKey({ isIfExists, isNegated, quantifier }: Condition): boolean {
  if (isIfExists || quantifier === 'all') return true
  return quantifier === undefined && isNegated
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
