/** Which of the decided requests are wanted: the filter of a question to the admin API. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { Query } from '../../protocol/query.ts'
import type { RequestView } from './decision-record.ts'

export interface DecisionFilter {
  /** Only requests that were received at this time or later; Unix time in milliseconds. */
  readonly sinceMs: number
  readonly isDenied: boolean
  /** True for requests that the policy under observation would have denied. */
  readonly wouldBeDenied: boolean
  /** A subject, a readable name, an access key ID, a role or a role session name. */
  readonly principal: string | undefined
  /** An action or the name of an operation, in any case, with `*` at its end for all that begin so. */
  readonly action: string | undefined
  readonly bucket: string | undefined
  /** The most requests of an answer. */
  readonly limit: number
}

const maxLimit = 10_000
const defaultLimit = 1000
const parameters = new Set([
  'since',
  'denied',
  'would-be-denied',
  'principal',
  'action',
  'bucket',
  'limit',
])

/** Reads a filter. @throws {AwsError} `InvalidArgument`, naming the parameter. */
export function readDecisionFilter(query: Query): DecisionFilter {
  const unknown = query.pairs.find(([name]) => !parameters.has(name))?.[0]
  if (unknown !== undefined) throw invalid(`the parameter ${unknown.slice(0, 100)} is not known`)
  return {
    sinceMs: readNumber(query, 'since', Number.MAX_SAFE_INTEGER) ?? 0,
    isDenied: readFlag(query, 'denied'),
    wouldBeDenied: readFlag(query, 'would-be-denied'),
    principal: query.get('principal'),
    action: query.get('action')?.toLowerCase(),
    bucket: query.get('bucket'),
    limit: readNumber(query, 'limit', maxLimit) ?? defaultLimit,
  }
}

function readFlag(query: Query, name: string): boolean {
  const text = query.get(name) ?? 'false'
  if (text !== 'true' && text !== 'false') throw invalid(`${name} must be true or false`)
  return text === 'true'
}

function readNumber(query: Query, name: string, most: number): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!/^\d{1,16}$/.test(text) || number > most)
    throw invalid(`${name} must be a number from 0 to ${most}`)
  return number
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgument', message)
}

/** Returns whether a request is wanted. */
export function isWanted(view: RequestView, filter: DecisionFilter): boolean {
  const { principal, action, bucket } = filter
  if (filter.isDenied && view.denied === 0 && view.error !== 'AccessDenied') return false
  if (filter.wouldBeDenied && view.decisions.every(({ wouldDeny }) => wouldDeny === undefined))
    return false
  if (principal !== undefined && !listNames(view).includes(principal)) return false
  const isMatch = (wanted: string): boolean =>
    matchesAction(wanted, view.operation.toLowerCase()) ||
    view.decisions.some((decision) => matchesAction(wanted, decision.action.toLowerCase()))
  if (action !== undefined && !isMatch(action)) return false
  return bucket === undefined || view.decisions.some((decision) => decision.bucket === bucket)
}

function listNames(view: RequestView): readonly (string | undefined)[] {
  const { principal, name, accessKeyId, role, roleSessionName } = view
  return [principal, name, accessKeyId, role, roleSessionName]
}

function matchesAction(wanted: string, action: string): boolean {
  return wanted.endsWith('*') ? action.startsWith(wanted.slice(0, -1)) : action === wanted
}
