/** Parses IAM policy documents strictly: an unknown member, action or key is an error. */
import { isObject, parseJson, type JsonObject } from '../../base/parse.ts'
import { parseConditions, type Condition } from './conditions.ts'
import { findDuplicateMember } from './find-duplicate-member.ts'
import { checkMembers, invalidDocument } from './invalid-document.ts'
import { coversKnownAction } from './known-actions.ts'
import { findUnknownVariable } from './variables.ts'
import { compileWildcard, type Wildcard } from './wildcard.ts'

/** One statement of a policy document, ready to be evaluated. */
export interface Statement {
  /** The `Sid`, or the position when there is none: `#0`, `#1`… */
  readonly label: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly actionWildcards: readonly Wildcard[]
  /** True when the statement applies to every action except those listed (NotAction). */
  readonly isNotAction: boolean
  /** The resources as written; `stripResource` returns the part that is compared. */
  readonly resources: readonly string[]
  /** In the order of `resources`; undefined for a resource with a variable, because each request fills in its own values. */
  readonly resourceWildcards: readonly (Wildcard | undefined)[]
  /** True when the statement applies to every resource except those listed (NotResource). */
  readonly isNotResource: boolean
  readonly conditions: readonly Condition[]
}

/** A parsed policy document. */
export interface PolicyDocument {
  readonly statements: readonly Statement[]
}

/** The only policy version that MinIO accepts. In version 2008-10-17 variables would be plain text. */
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
 * Parses a policy document.
 *
 * @param name The policy's name or file, for error messages.
 * @throws {AwsError} `InvalidParameterValue`, which names the member, statement or value that is wrong.
 */
export function parsePolicyDocument(text: string, name: string): PolicyDocument {
  if (text.length > maxDocumentChars)
    throw invalidDocument(
      `${name} has ${text.length} characters; at most ${maxDocumentChars} are accepted`,
    )
  const json = parseJson(text)
  if (!isObject(json)) throw invalidDocument(`${name} is not a JSON object`)
  checkMembers(json, documentMembers, name)
  const duplicate = findDuplicateMember(text)
  if (duplicate !== undefined)
    throw invalidDocument(`${name} has the member ${duplicate} twice in one object`)
  if (json['Version'] !== version) throw invalidDocument(`${name}: Version must be ${version}`)
  const raw = json['Statement']
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (raw === undefined || list.length > maxStatements)
    throw invalidDocument(`${name}: Statement must be a list of at most ${maxStatements}`)
  return {
    statements: list.map((statement, index) =>
      parseStatement(statement, `${name} statement ${index}`, `#${index}`),
    ),
  }
}

function parseStatement(value: unknown, where: string, position: string): Statement {
  if (!isObject(value)) throw invalidDocument(`${where} is not an object`)
  checkMembers(value, statementMembers, where)
  const effect = value['Effect']
  if (effect !== 'Allow' && effect !== 'Deny')
    throw invalidDocument(`${where}: Effect must be Allow or Deny`)
  const actions = readOneOf(value, 'Action', 'NotAction', where)
  for (const action of actions.values)
    if (!coversKnownAction(action))
      throw invalidDocument(`${where}: the action ${action} is not known`)
  const resources = readResources(value, actions, where)
  const sid = value['Sid']
  if (sid !== undefined && typeof sid !== 'string')
    throw invalidDocument(`${where}: Sid must be a string`)
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

interface NameList {
  readonly values: readonly string[]
  /** True for a list of exclusions: NotAction or NotResource. */
  readonly isNegated: boolean
}

function readResources(value: JsonObject, actions: NameList, where: string): NameList {
  // `NotAction: admin:*` includes every S3 action, so only a statement with `Action` can omit its resources.
  const isResourceless =
    !actions.isNegated && actions.values.every((action) => /^(admin|sts|kms):/.test(action))
  if (isResourceless && value['Resource'] === undefined && value['NotResource'] === undefined)
    return { values: ['*'], isNegated: false }
  const resources = readOneOf(value, 'Resource', 'NotResource', where)
  for (const resource of resources.values) checkResource(resource, where)
  return resources
}

/** Returns the part of a resource ARN that is compared with `bucket` and `bucket/key`; `*` stays `*`. */
export function stripResource(resource: string): string {
  return resource === '*' ? resource : resource.slice(resourcePrefix.length)
}

function checkResource(resource: string, where: string): void {
  if (resource === '*') return
  if (!resource.startsWith(resourcePrefix))
    throw invalidDocument(`${where}: the resource ${resource} must begin with ${resourcePrefix}`)
  if (/^(\/|$)/.test(resource.slice(resourcePrefix.length)))
    throw invalidDocument(`${where}: the resource ${resource} names no bucket`)
  const unknown = findUnknownVariable(resource)
  if (unknown !== undefined)
    throw invalidDocument(`${where}: the variable ${unknown} is not supported`)
}

function readOneOf(value: JsonObject, name: string, negatedName: string, where: string): NameList {
  const isNegated = value[negatedName] !== undefined
  if (isNegated === (value[name] !== undefined))
    throw invalidDocument(`${where} must have ${name} or ${negatedName}, one of them`)
  const member = isNegated ? negatedName : name
  const raw = value[member]
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (list.length > maxNames)
    throw invalidDocument(
      `${where}: ${member} has ${list.length} values; at most ${maxNames} are accepted`,
    )
  const values = list.filter((item): item is string => typeof item === 'string' && item !== '')
  if (values.length === 0 || values.length !== list.length)
    throw invalidDocument(`${where}: ${member} must be a string or a list of strings`)
  const long = values.find(({ length }) => length > maxNameChars)
  if (long !== undefined)
    throw invalidDocument(
      `${where}: a value of ${member} has ${long.length} characters; at most ${maxNameChars} are accepted`,
    )
  return { values, isNegated }
}
