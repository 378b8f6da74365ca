/**
 * Parses IAM policy documents strictly: an unknown member, action or key is an error. Only what is for another AWS service is passed over,
 * because data catalogs write one document for S3, KMS and others.
 */
import { isObject, parseJson, type JsonObject } from '../../base/parse.ts'
import { canBeUnknown } from './condition-keys.ts'
import { parseConditions, type Condition } from './conditions.ts'
import { findDuplicateMember } from './find-duplicate-member.ts'
import { checkMembers, invalidDocument } from './invalid-document.ts'
import { coversKnownAction, isOtherServiceAction, isWithoutResource } from './known-actions.ts'
import { findUnknownVariable } from './variables.ts'
import { compileWildcard, type Wildcard } from './wildcard.ts'

/** One statement of a policy document, ready to be evaluated. */
export interface Statement {
  /** The `Sid`, or the position when there is none: `#0`, `#1`… */
  readonly label: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  /** In lower case: AWS compares actions without case (IAM User Guide, "IAM JSON policy elements: Action"). */
  readonly actionWildcards: readonly Wildcard[]
  /** True when the statement applies to every action except those listed (NotAction). */
  readonly isNotAction: boolean
  /** The resources as written; `stripResource` returns the part that is compared. */
  readonly resources: readonly string[]
  /** In the order of `resources`; undefined for a resource with a variable, because each request fills in its own values. */
  readonly resourceWildcards: readonly (Wildcard | undefined)[]
  /** The resources that may name a role, as written: actions of the STS are about roles. */
  readonly roleResources: readonly string[]
  /** True when the statement applies to every resource except those listed (NotResource). */
  readonly isNotResource: boolean
  readonly conditions: readonly Condition[]
}

/** A parsed policy document. Without statements it grants nothing. */
export interface PolicyDocument {
  /** False if the document leaves its version out. */
  readonly hasVersion: boolean
  /** True if a condition asks for the tags of objects. */
  readonly usesObjectTags: boolean
  /** True if a condition asks for what the server may not know. */
  readonly usesUncertainKeys: boolean
  /** True in a bucket policy, where `bucket/*` does not include the bucket itself, as at AWS. */
  readonly isOfBucket?: boolean | undefined
  readonly statements: readonly Statement[]
}

/**
 * The only policy version that MinIO accepts. A missing one counts as this one, as at MinIO; in AWS's version 2008-10-17 variables would be
 * plain text.
 */
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
  if ((json['Version'] || version) !== version)
    throw invalidDocument(`${name}: Version must be ${version}`)
  const raw = json['Statement']
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (raw === undefined || list.length > maxStatements)
    throw invalidDocument(`${name}: Statement must be a list of at most ${maxStatements}`)
  const statements = list.flatMap(
    (statement, index) =>
      parseStatement(statement, `${name} statement ${index}`, `#${index}`) ?? [],
  )
  return { hasVersion: json['Version'] === version, ...describeStatements(statements) }
}

/** Returns what a document's evaluation needs to know of its statements. */
export function describeStatements(
  statements: readonly Statement[],
): Omit<PolicyDocument, 'hasVersion'> {
  const keys = statements.flatMap(({ conditions }) => conditions.map(({ key }) => key))
  return {
    usesObjectTags: keys.some((key) => /^s3:existingobjecttag\//i.test(key)),
    usesUncertainKeys: keys.some(canBeUnknown),
    statements,
  }
}

/**
 * Parses one statement.
 *
 * @param where Its place, for error messages. @param position Its label if it has no `Sid`.
 * @returns Undefined for a statement whose actions are all of other services: it grants and denies nothing here.
 * @throws {AwsError} As `parsePolicyDocument`.
 */
export function parseStatement(
  value: unknown,
  where: string,
  position: string,
): Statement | undefined {
  if (!isObject(value)) throw invalidDocument(`${where} is not an object`)
  checkMembers(value, statementMembers, where)
  const effect = value['Effect']
  if (effect !== 'Allow' && effect !== 'Deny')
    throw invalidDocument(`${where}: Effect must be Allow or Deny`)
  const sid = value['Sid']
  if (sid !== undefined && typeof sid !== 'string')
    throw invalidDocument(`${where}: Sid must be a string`)
  const actions = readActions(value, where)
  const resources = readResources(value, actions, where)
  if (actions.values.length === 0 && !actions.isNegated) {
    if (value['Condition'] !== undefined && !isObject(value['Condition']))
      throw invalidDocument(`${where}: Condition must be an object`)
    return undefined
  }
  return {
    label: sid === undefined || sid === '' ? position : sid,
    effect,
    actions: actions.values,
    actionWildcards: actions.values.map((action) => compileWildcard(action.toLowerCase())),
    isNotAction: actions.isNegated,
    resources: resources.values,
    resourceWildcards: resources.values.map((resource) =>
      resource.includes('${') ? undefined : compileWildcard(stripResource(resource)),
    ),
    roleResources: resources.ofRoles,
    isNotResource: resources.isNegated,
    conditions: parseConditions(value['Condition'], { where, ...actions }),
  }
}

interface NameList {
  readonly values: readonly string[]
  /** True for a list of exclusions: NotAction or NotResource. */
  readonly isNegated: boolean
}

interface ResourceList extends NameList {
  readonly ofRoles: readonly string[]
}

interface ActionList extends NameList {
  /** True if some actions of the statement are or may be of another service than S3, so that its resources may be as well. */
  readonly hasOtherServices: boolean
}

/**
 * Reads the actions without those of other services. In an exclusion such an action excludes nothing of this server, so that `Deny` with
 * `NotAction: kms:*` denies all that this server does (IAM User Guide, "NotAction").
 */
function readActions(value: JsonObject, where: string): ActionList {
  const { values, isNegated } = readOneOf(value, 'Action', 'NotAction', where)
  const known = values.filter((action) => !isOtherServiceAction(action))
  for (const action of known)
    if (!coversKnownAction(action))
      throw invalidDocument(`${where}: the action ${action} is not known`)
  const hasOtherServices = isNegated || values.some((action) => !/^(s3|admin):/i.test(action))
  return { values: known, isNegated, hasOtherServices }
}

/**
 * Reads the resources. Those of other services are passed over where the statement has actions of other services. A statement with only such
 * resources then applies to nothing of S3, or with `NotResource` to all of it. In a statement for S3 they are an error, as at MinIO.
 */
function readResources(value: JsonObject, actions: ActionList, where: string): ResourceList {
  // `NotAction: admin:*` includes every S3 action, so only a statement with `Action` can omit its resources.
  const isResourceless = !actions.isNegated && actions.values.every(isWithoutResource)
  if (isResourceless && value['Resource'] === undefined && value['NotResource'] === undefined)
    return { values: ['*'], ofRoles: ['*'], isNegated: false }
  const { values, isNegated } = readOneOf(value, 'Resource', 'NotResource', where)
  const own = values.filter((resource) => {
    return !actions.hasOtherServices || !isOtherServiceResource(resource)
  })
  for (const resource of own) checkResource(resource, where)
  // At MinIO a statement of the STS may have to name some resource: all of S3 is then everything.
  const ofRoles = values.flatMap((resource) => {
    if (resource === '*' || (isResourceless && resource === `${resourcePrefix}*`)) return ['*']
    return iamResource.test(resource) ? [resource] : []
  })
  for (const resource of ofRoles) checkVariables(resource, where)
  return { values: own, ofRoles, isNegated }
}

/** Matches an ARN that can be a role's or a federated user's. */
const iamResource = /^arn:[\w*?-]+:(?:iam|sts):/i

/** Returns true for an ARN of another service. A wildcard in the service's place could mean S3. */
function isOtherServiceResource(resource: string): boolean {
  const [, service = 's3'] = /^arn:[a-z0-9-]+:([a-z0-9-]+):/i.exec(resource) ?? []
  return service.toLowerCase() !== 's3'
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
  checkVariables(resource, where)
}

function checkVariables(resource: string, where: string): void {
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
