/** IAM policy documents: strict reading. */
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject, parseJson, type JsonObject } from '../../base/parse.ts'
import { parseConditions, type Condition } from './conditions.ts'
import { findDuplicateMember } from './duplicate-member.ts'
import { coversKnownAction } from './known-actions.ts'
import { findUnknownVariable } from './variables.ts'
import { compileWildcard, type Wildcard } from './wildcard.ts'

export interface Statement {
  /** `Sid`, else `#0`, `#1`… */
  readonly label: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly actionWildcards: readonly Wildcard[]
  /** The list says which actions are *not* meant (NotAction). */
  readonly isNotAction: boolean
  /** As written; `findResourcePattern` gives what they are compared as. */
  readonly resources: readonly string[]
  /** In the order of `resources`; undefined for one with a variable, which each request fills in. */
  readonly resourceWildcards: readonly (Wildcard | undefined)[]
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
const maxDocumentChars = 256 * 1024
const maxNames = 1024
const maxNameChars = 2048
const resourcePrefix = 'arn:aws:s3:::'

/**
 * Reads a policy document.
 *
 * @param name For messages: the policy's name or file.
 * @throws {AwsError} `InvalidParameterValue` naming the member, statement or value that is wrong.
 */
export function parsePolicyDocument(text: string, name: string): PolicyDocument {
  if (text.length > maxDocumentChars)
    throw refuse(`${name} has ${text.length} characters; at most ${maxDocumentChars} are accepted`)
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
    actionWildcards: actions.values.map((action) => compileWildcard(action)),
    isNotAction: actions.isNegated,
    resources: resources.values,
    resourceWildcards: resources.values.map((resource) =>
      resource.includes('${') ? undefined : compileWildcard(stripResource(resource)),
    ),
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

/** The part of a resource that buckets and keys are compared with. */
export function stripResource(resource: string): string {
  return resource === '*' ? resource : resource.slice(resourcePrefix.length)
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
  const member = isNegated ? negatedName : name
  const raw = value[member]
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (list.length > maxNames)
    throw refuse(`${where}: ${member} has ${list.length} values; at most ${maxNames} are accepted`)
  const values = list.filter((item): item is string => typeof item === 'string' && item !== '')
  if (values.length === 0 || values.length !== list.length)
    throw refuse(`${where}: ${member} must be a string or a list of strings`)
  const long = values.find(({ length }) => length > maxNameChars)
  if (long !== undefined)
    throw refuse(
      `${where}: a value of ${member} has ${long.length} characters; at most ${maxNameChars} are accepted`,
    )
  return { values, isNegated }
}

function refuseUnknown(object: JsonObject, known: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(object))
    if (!known.has(name)) throw refuse(`${where} has an unknown member ${name}`)
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
