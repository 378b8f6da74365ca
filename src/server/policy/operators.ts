/** The condition operators: what each compares and which values a document may use (IAM User Guide, "Condition operators"). */
import { isIP } from 'node:net'
import { parseNetwork, unmapAddress } from '../../base/ip-network.ts'
import { compileArn, compileWildcard, matchesWildcard, type Pattern } from './wildcard.ts'

/** One condition operator in its positive form. */
export interface Operator {
  /** Prepares one value of the document for comparisons with any number of the request's values. */
  readonly prepare: (expected: Pattern) => (actual: string) => boolean
  /** The format of the document's values, for the error message. */
  readonly valueFormat: string
  /** Returns whether a value of the document has that format. */
  readonly isValue: (text: string) => boolean
}

const anyText = { valueFormat: 'a text', isValue: () => true }
const isBoolean = (text: string): boolean => /^(true|false)$/i.test(text)
const equals: Operator = {
  ...anyText,
  prepare: ({ text }) => {
    return (actual) => actual === text
  },
}
const equalsIgnoreCase: Operator = {
  ...anyText,
  prepare: ({ text }) => {
    const lower = text.toLowerCase()
    return (actual) => actual.toLowerCase() === lower
  },
}
const like: Operator = {
  ...anyText,
  prepare: (expected) => {
    const wildcard = compileWildcard(expected)
    return (actual) => matchesWildcard(wildcard, actual)
  },
}
const arn: Operator = { ...anyText, prepare: compileArn }

/** The positive operators, by name. */
const positiveOperators: Readonly<Record<string, Operator>> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: equalsIgnoreCase,
  StringLike: like,
  ArnEquals: arn,
  ArnLike: arn,
  BinaryEquals: equals,
  Bool: { ...equalsIgnoreCase, valueFormat: 'true or false', isValue: isBoolean },
  NumericEquals: ofNumbers((a, b) => a === b),
  NumericLessThan: ofNumbers((a, b) => a < b),
  NumericLessThanEquals: ofNumbers((a, b) => a <= b),
  NumericGreaterThan: ofNumbers((a, b) => a > b),
  NumericGreaterThanEquals: ofNumbers((a, b) => a >= b),
  DateEquals: ofDates((a, b) => a === b),
  DateLessThan: ofDates((a, b) => a < b),
  DateLessThanEquals: ofDates((a, b) => a <= b),
  DateGreaterThan: ofDates((a, b) => a > b),
  DateGreaterThanEquals: ofDates((a, b) => a >= b),
  IpAddress: {
    valueFormat: 'an IP address or network',
    isValue: (text) => parseNetwork(text) !== undefined,
    prepare: ({ text }) => prepareNetwork(text),
  },
  // `Null` only checks whether the key is present, so `prepare` is never called.
  Null: { valueFormat: 'true or false', isValue: isBoolean, prepare: () => () => false },
}

/** Each negated operator with its positive form. It holds when the positive form holds for none of the values. */
const negatedOperators: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
}

/** Returns the operator of that name and whether the name negates it; undefined for an unknown name. */
export function findOperator(
  name: string,
): { readonly operator: Operator; readonly isNegated: boolean } | undefined {
  const isNegated = Object.hasOwn(negatedOperators, name)
  const positiveName = (isNegated ? negatedOperators[name] : undefined) ?? name
  const operator = Object.hasOwn(positiveOperators, positiveName)
    ? positiveOperators[positiveName]
    : undefined
  return operator && { operator, isNegated }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)$/

function ofNumbers(compare: (a: number, b: number) => boolean): Operator {
  return {
    valueFormat: 'a number',
    isValue: (text) => decimal.test(text),
    prepare: ({ text }) => {
      const expected = toNumber(text)
      return (actual) => compare(toNumber(actual), expected)
    },
  }
}

/** Returns NaN for anything but a plain decimal; every comparison with NaN is false. */
function toNumber(text: string): number {
  return decimal.test(text) ? Number(text) : Number.NaN
}

function ofDates(compare: (a: number, b: number) => boolean): Operator {
  return {
    valueFormat: 'a date as 2026-11-23T16:00:00Z or epoch seconds',
    isValue: (text) => !Number.isNaN(toMs(text)),
    prepare: ({ text }) => {
      const expected = toMs(text)
      return (actual) => compare(toMs(actual), expected)
    },
  }
}

/** ISO 8601. A time needs a zone: without one it would mean this machine's local time. */
const isoDate = /^\d{4}-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?$/

/** Returns the Unix time in milliseconds of epoch seconds or an ISO 8601 date, as in IAM; NaN for anything else. */
function toMs(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  return isoDate.test(text) ? Date.parse(text) : Number.NaN
}

/**
 * Prepares the comparison with an address or network. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`, from an IPv6 socket) is compared as
 * IPv4. Otherwise a network matches only addresses of its own family: `::/0` does not match IPv4.
 */
function prepareNetwork(network: string): (actual: string) => boolean {
  const list = parseNetwork(network)
  const isMapped = /^::ffff:/i.test(network)
  const networkFamily = isIP(network.split('/', 1)[0] ?? '')
  return (actual) => {
    const address = unmapAddress(actual)
    const family = isIP(address)
    if (list === undefined || family === 0 || (networkFamily !== family && !isMapped)) return false
    return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}
