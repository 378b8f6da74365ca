/** The condition block of a statement: operators and the keys they may ask (IAM User Guide, «condition operators»). */
import { BlockList, isIP } from 'node:net'
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject } from '../../base/parse.ts'
import { findConditionValues, isKnownConditionKey } from './condition-keys.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { substitute } from './variables.ts'
import { matchesWildcard } from './wildcard.ts'

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
  readonly isIfExists: boolean
  readonly quantifier: 'any' | 'all' | undefined
}

type Compare = (actual: string, expected: string) => boolean

const positive: Readonly<Record<string, Compare>> = {
  StringEquals: (actual, expected) => actual === expected,
  StringEqualsIgnoreCase: (actual, expected) => actual.toLowerCase() === expected.toLowerCase(),
  StringLike: (actual, expected) => matchesWildcard(expected, actual),
  ArnEquals: (actual, expected) => matchesWildcard(expected, actual),
  ArnLike: (actual, expected) => matchesWildcard(expected, actual),
  BinaryEquals: (actual, expected) => actual === expected,
  Bool: (actual, expected) => actual.toLowerCase() === expected.toLowerCase(),
  NumericEquals: compareNumbers((a, b) => a === b),
  NumericLessThan: compareNumbers((a, b) => a < b),
  NumericLessThanEquals: compareNumbers((a, b) => a <= b),
  NumericGreaterThan: compareNumbers((a, b) => a > b),
  NumericGreaterThanEquals: compareNumbers((a, b) => a >= b),
  DateEquals: compareDates((a, b) => a === b),
  DateLessThan: compareDates((a, b) => a < b),
  DateLessThanEquals: compareDates((a, b) => a <= b),
  DateGreaterThan: compareDates((a, b) => a > b),
  DateGreaterThanEquals: compareDates((a, b) => a >= b),
  IpAddress: isInNetwork,
}

/** A negated operator is true when its positive form is true for none of the values. */
const negated: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
}

/** @throws {AwsError} `InvalidParameterValue` naming an operator, key or value that is not understood. */
export function parseConditions(value: unknown, where: string): Condition[] {
  if (value === undefined) return []
  if (!isObject(value)) throw refuse(`${where}: Condition must be an object`)
  return Object.entries(value).flatMap(([name, block]) => {
    if (!isObject(block)) throw refuse(`${where}: condition ${name} must be an object`)
    return Object.entries(block).map(([key, values]) => parseCondition(name, key, values, where))
  })
}

function parseCondition(name: string, key: string, raw: unknown, where: string): Condition {
  const [, quantifierText, operator = '', ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(name) ?? []
  const isKnown =
    operator === 'Null' || Object.hasOwn(positive, operator) || Object.hasOwn(negated, operator)
  if (!isKnown) throw refuse(`${where}: the condition operator ${name} is not supported`)
  if (!isKnownConditionKey(key)) throw refuse(`${where}: the condition key ${key} is not supported`)
  const values = (Array.isArray(raw) ? raw : [raw]).map((value: unknown) => {
    if (typeof value === 'string') return value
    if (typeof value === 'boolean' || typeof value === 'number') return String(value)
    throw refuse(`${where}: the values of ${name} ${key} must be strings, numbers or booleans`)
  })
  if (values.length === 0) throw refuse(`${where}: ${name} ${key} has no value`)
  if (operator.includes('IpAddress'))
    for (const value of values)
      if (toBlockList(value) === undefined)
        throw refuse(`${where}: ${value} is not an IP address or network`)
  const quantifier =
    quantifierText === undefined ? undefined : quantifierText === 'ForAnyValue' ? 'any' : 'all'
  return { operator, key, values, isIfExists: ifExists !== undefined, quantifier }
}

/** True when every condition holds for the request. */
export function doConditionsHold(
  conditions: readonly Condition[],
  request: AuthorizationRequest,
): boolean {
  return conditions.every((condition) => doesHold(condition, request))
}

function doesHold(condition: Condition, request: AuthorizationRequest): boolean {
  const actual = findConditionValues(condition.key, request)
  if (condition.operator === 'Null')
    return condition.values.some(
      (value) => (value.toLowerCase() === 'true') === (actual.length === 0),
    )
  if (actual.length === 0) {
    // AWS: a missing key fails a positive operator and satisfies a negated one; ForAllValues of nothing is true.
    return (
      condition.isIfExists ||
      condition.quantifier === 'all' ||
      Object.hasOwn(negated, condition.operator)
    )
  }
  const positiveName = negated[condition.operator]
  const compare = positive[positiveName ?? condition.operator]
  if (compare === undefined) return false
  const isPattern =
    (positiveName ?? condition.operator).endsWith('Like') ||
    (positiveName ?? condition.operator).startsWith('Arn')
  const expected = condition.values.flatMap(
    (value) => substitute(value, request, { isPattern }) ?? [],
  )
  const matches = (value: string): boolean => {
    const isMatch = expected.some((candidate) => compare(value, candidate))
    return positiveName === undefined ? isMatch : !isMatch
  }
  if (condition.quantifier === 'all') return actual.every(matches)
  if (condition.quantifier === 'any') return actual.some(matches)
  return positiveName === undefined ? actual.some(matches) : actual.every(matches)
}

function compareNumbers(compare: (a: number, b: number) => boolean): Compare {
  return (actual, expected) =>
    actual.trim() !== '' && expected.trim() !== '' && compare(Number(actual), Number(expected))
}

function compareDates(compare: (a: number, b: number) => boolean): Compare {
  return (actual, expected) => compare(toMs(actual), toMs(expected))
}

/** Epoch seconds or ISO 8601, as IAM. */
function toMs(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
}

function toBlockList(network: string): BlockList | undefined {
  const [address = '', prefix] = network.split('/')
  const family = isIP(address)
  if (family === 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return undefined
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix)
  if (bits > (family === 4 ? 32 : 128)) return undefined
  const list = new BlockList()
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  return list
}

function isInNetwork(actual: string, network: string): boolean {
  const address = actual.replace(/^::ffff:(?=\d+\.)/, '')
  const family = isIP(address)
  return (
    family !== 0 && (toBlockList(network)?.check(address, family === 4 ? 'ipv4' : 'ipv6') ?? false)
  )
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
