/** What each condition operator compares, and which values a document may give it (IAM User Guide, «condition operators»). */
import { BlockList, isIP } from 'node:net'
import { compileArn, compileWildcard, matchesWildcard, type Pattern } from './wildcard.ts'

export interface Operator {
  /** Prepares one of the document's values, once, for comparisons with any number of the request's. */
  readonly prepare: (expected: Pattern) => (actual: string) => boolean
  /** What the document's values must be, for the refusal. */
  readonly takes: string
  readonly isValue: (text: string) => boolean
}

const any = { takes: 'a text', isValue: () => true }
const isBoolean = (text: string): boolean => /^(true|false)$/i.test(text)
const equals: Operator = {
  ...any,
  prepare: ({ text }) => {
    return (actual) => actual === text
  },
}
const equalsIgnoreCase: Operator = {
  ...any,
  prepare: ({ text }) => {
    const lower = text.toLowerCase()
    return (actual) => actual.toLowerCase() === lower
  },
}
const like: Operator = {
  ...any,
  prepare: (expected) => {
    const wildcard = compileWildcard(expected)
    return (actual) => matchesWildcard(wildcard, actual)
  },
}
const arn: Operator = { ...any, prepare: compileArn }

/** The operators that ask for a likeness. */
const positive: Readonly<Record<string, Operator>> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: equalsIgnoreCase,
  StringLike: like,
  ArnEquals: arn,
  ArnLike: arn,
  BinaryEquals: equals,
  Bool: { ...equalsIgnoreCase, takes: 'true or false', isValue: isBoolean },
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
    takes: 'an IP address or network',
    isValue: (text) => toBlockList(text) !== undefined,
    prepare: ({ text }) => prepareNetwork(text),
  },
  // Asks whether the key is there at all, so its comparison is never made.
  Null: { takes: 'true or false', isValue: isBoolean, prepare: () => () => false },
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

/** The operator of that name, and whether the name turns it round; undefined when there is none. */
export function findOperator(
  name: string,
): { readonly operator: Operator; readonly isNegated: boolean } | undefined {
  const isNegated = Object.hasOwn(negated, name)
  const positiveName = (isNegated ? negated[name] : undefined) ?? name
  const operator = Object.hasOwn(positive, positiveName) ? positive[positiveName] : undefined
  return operator && { operator, isNegated }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)$/

function ofNumbers(compare: (a: number, b: number) => boolean): Operator {
  return {
    takes: 'a number',
    isValue: (text) => decimal.test(text),
    prepare: ({ text }) => {
      const expected = toNumber(text)
      return (actual) => compare(toNumber(actual), expected)
    },
  }
}

/** NaN, which no comparison holds for, for what is not a plain decimal. */
function toNumber(text: string): number {
  return decimal.test(text) ? Number(text) : Number.NaN
}

function ofDates(compare: (a: number, b: number) => boolean): Operator {
  return {
    takes: 'a date as 2026-11-23T16:00:00Z or epoch seconds',
    isValue: (text) => !Number.isNaN(toMs(text)),
    prepare: ({ text }) => {
      const expected = toMs(text)
      return (actual) => compare(toMs(actual), expected)
    },
  }
}

/** A time without a zone would be one of this machine's. */
const isoDate = /^\d{4}-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?$/

/** Epoch seconds or ISO 8601, as IAM; NaN for anything else. */
function toMs(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  return isoDate.test(text) ? Date.parse(text) : Number.NaN
}

function toBlockList(network: string): BlockList | undefined {
  const [address = '', prefix, ...rest] = network.split('/', 3)
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return undefined
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const width = family === 4 ? 32 : 128
  const bits = prefix === undefined ? width : Number(prefix)
  if (bits > width) return undefined
  const list = new BlockList()
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  return list
}

/** An IPv4 address that arrived on an IPv6 socket is that IPv4 address; besides that the two kinds never meet, `::/0` included. */
function prepareNetwork(network: string): (actual: string) => boolean {
  const list = toBlockList(network)
  const isMapped = /^::ffff:/i.test(network)
  const networkFamily = isIP(network.split('/', 1)[0] ?? '')
  return (actual) => {
    const address = actual.replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(address)
    if (list === undefined || family === 0 || (networkFamily !== family && !isMapped)) return false
    return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}
