/** IAM policy documents: strict reading, then evaluation of one document against one request. */
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject, parseJson, type JsonObject } from '../../base/parse.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold, parseConditions, type Condition } from './conditions.ts'
import { findDuplicateMember } from './duplicate-member.ts'
import { coversKnownAction } from './known-actions.ts'
import { fillPattern, findUnknownVariable } from './variables.ts'
import { matchesWildcard, toPattern, type Pattern } from './wildcard.ts'

export interface Statement {
  /** `Sid`, else `#0`, `#1`… */
  readonly label: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  /** The list says which actions are *not* meant (NotAction). */
  readonly isNotAction: boolean
  readonly resources: readonly string[]
  readonly isNotResource: boolean
  readonly conditions: readonly Condition[]
}

export interface PolicyDocument {
  readonly statements: readonly Statement[]
}

/** The only one that MinIO takes; in the older one variables would be plain text. */
const version = '2012-10-17'
const documentMembers = new Set(['Version', 'Id', 'ID', 'Statement'])
const statementMembers = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])
const maxStatements = 256
const resourcePrefix = 'arn:aws:s3:::'

/**
 * Reads a policy document.
 *
 * @param name For messages: the policy's name or file.
 * @throws {AwsError} `InvalidParameterValue` naming the member, statement or value that is wrong.
 */
export function parsePolicyDocument(text: string, name: string): PolicyDocument {
  const json = parseJson(text)
  if (!isObject(json)) throw refuse(`${name} is not a JSON object`)
  refuseUnknown(json, documentMembers, name)
  const twice = findDuplicateMember(text)
  if (twice !== undefined) throw refuse(`${name} has the member ${twice} twice in one object`)
  if (json['Version'] !== version) throw refuse(`${name}: Version must be ${version}`)
  const raw = json['Statement']
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (raw === undefined || list.length > maxStatements)
    throw refuse(`${name}: Statement must be a list of at most ${maxStatements}`)
  return {
    statements: list.map((statement, index) =>
      parseStatement(statement, `${name} statement ${index}`, `#${index}`),
    ),
  }
}

function parseStatement(value: unknown, where: string, position: string): Statement {
  if (!isObject(value)) throw refuse(`${where} is not an object`)
  refuseUnknown(value, statementMembers, where)
  const effect = value['Effect']
  if (effect !== 'Allow' && effect !== 'Deny')
    throw refuse(`${where}: Effect must be Allow or Deny`)
  const actions = readOneOf(value, 'Action', 'NotAction', where)
  for (const action of actions.values)
    if (!coversKnownAction(action)) throw refuse(`${where}: the action ${action} is not known`)
  const resources = readResources(value, actions, where)
  const sid = value['Sid']
  if (sid !== undefined && typeof sid !== 'string') throw refuse(`${where}: Sid must be a string`)
  return {
    label: sid === undefined || sid === '' ? position : sid,
    effect,
    actions: actions.values,
    isNotAction: actions.isNegated,
    resources: resources.values,
    isNotResource: resources.isNegated,
    conditions: parseConditions(value['Condition'], where),
  }
}

interface Names {
  readonly values: readonly string[]
  /** The list says what is *not* meant. */
  readonly isNegated: boolean
}

function readResources(value: JsonObject, actions: Names, where: string): Names {
  // «All but admin:*» names every S3 action: only a list of what is meant can go without resources.
  const isResourceless =
    !actions.isNegated && actions.values.every((action) => /^(admin|sts|kms):/.test(action))
  if (isResourceless && value['Resource'] === undefined && value['NotResource'] === undefined)
    return { values: ['*'], isNegated: false }
  const resources = readOneOf(value, 'Resource', 'NotResource', where)
  for (const resource of resources.values) checkResource(resource, where)
  return resources
}

function checkResource(resource: string, where: string): void {
  if (resource === '*') return
  if (!resource.startsWith(resourcePrefix))
    throw refuse(`${where}: the resource ${resource} must begin with ${resourcePrefix}`)
  if (/^(\/|$)/.test(resource.slice(resourcePrefix.length)))
    throw refuse(`${where}: the resource ${resource} names no bucket`)
  const unknown = findUnknownVariable(resource)
  if (unknown !== undefined) throw refuse(`${where}: the variable ${unknown} is not supported`)
}

function readOneOf(value: JsonObject, name: string, negatedName: string, where: string): Names {
  const isNegated = value[negatedName] !== undefined
  if (isNegated === (value[name] !== undefined))
    throw refuse(`${where} must have ${name} or ${negatedName}, one of them`)
  const raw = value[isNegated ? negatedName : name]
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  const values = list.filter((item): item is string => typeof item === 'string' && item !== '')
  if (values.length === 0 || values.length !== list.length)
    throw refuse(
      `${where}: ${isNegated ? negatedName : name} must be a string or a list of strings`,
    )
  return { values, isNegated }
}

function refuseUnknown(object: JsonObject, known: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(object))
    if (!known.has(name)) throw refuse(`${where} has an unknown member ${name}`)
}

export type Verdict =
  | { readonly effect: 'Allow' | 'Deny'; readonly label: string }
  | { readonly effect: 'none' }

/** An explicit deny wins, then an allow (IAM User Guide, «policy evaluation logic»). */
export function evaluateDocument(document: PolicyDocument, request: AuthorizationRequest): Verdict {
  let allowedBy: string | undefined
  for (const statement of document.statements) {
    if (statement.effect === 'Allow' && allowedBy !== undefined) continue
    if (!doesApply(statement, request)) continue
    if (statement.effect === 'Deny') return { effect: 'Deny', label: statement.label }
    allowedBy = statement.label
  }
  return allowedBy === undefined ? { effect: 'none' } : { effect: 'Allow', label: allowedBy }
}

function doesApply(statement: Statement, request: AuthorizationRequest): boolean {
  const isActionNamed = statement.actions.some((pattern) =>
    matchesWildcard(pattern, request.action),
  )
  if (isActionNamed === statement.isNotAction) return false
  if (!isResourceMeant(statement, request)) return false
  return doConditionsHold(statement.conditions, request, statement.effect)
}

function isResourceMeant(statement: Statement, request: AuthorizationRequest): boolean {
  // Admin and STS actions have no resource here.
  if (!request.action.startsWith('s3:')) return true
  const patterns = statement.resources.map((resource) => fillResource(resource, request))
  // «All but what cannot be named» would be everything.
  if (statement.isNotResource && statement.effect === 'Allow' && patterns.includes(undefined))
    return false
  const isNamed = patterns.some((pattern) => pattern !== undefined && doesName(pattern, request))
  return isNamed !== statement.isNotResource
}

function fillResource(resource: string, request: AuthorizationRequest): Pattern | undefined {
  if (resource === '*') return toPattern(resource)
  return fillPattern(resource.slice(resourcePrefix.length), request)
}

function doesName(pattern: Pattern, { bucket, object }: AuthorizationRequest): boolean {
  if (object !== '') return matchesWildcard(pattern, `${bucket}/${object}`)
  // `bucket/*` is MinIO's way to name the bucket as well: there a bucket's own resource ends in a slash (WIRE 9.2).
  return matchesWildcard(pattern, bucket) || matchesWildcard(pattern, `${bucket}/`)
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
