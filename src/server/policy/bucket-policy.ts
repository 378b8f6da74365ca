/** Parses bucket policies as S3 does: what AWS refuses is refused, in its words where they are known (Amazon S3 User Guide, "Bucket policies"). */
import { isObject, parseJson, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { isObjectAction } from './bucket-actions.ts'
import { findDuplicateMember } from './find-duplicate-member.ts'
import { coversKnownAction, listKnownActions } from './known-actions.ts'
import {
  describeStatements,
  parseStatement,
  type PolicyDocument,
  type Statement,
} from './policy-document.ts'
import { readPolicyPrincipal, type PolicyPrincipal } from './policy-principal.ts'
import { findCostlySearch } from './session-policy.ts'
import { compileWildcard, matchesWildcard, toCodePoints } from './wildcard.ts'

/** A statement, and whom it is about. */
export interface BucketStatement extends Statement {
  readonly principal: PolicyPrincipal
}

/** A parsed bucket policy. */
export interface BucketPolicy {
  readonly statements: readonly BucketStatement[]
  /** What is to be known of the statements, or of some of them, to evaluate them. */
  readonly facts: Omit<PolicyDocument, 'statements'>
}

/** The most bytes of a bucket policy (Amazon S3 User Guide, "Bucket policies": 20 KB). */
export const maxBucketPolicyBytes = 20 * 1024

const newVersion = '2012-10-17'
const oldVersion = '2008-10-17'
const members = new Set(['Version', 'Id', 'Statement'])
const arnPrefix = 'arn:aws:s3:::'

/**
 * Parses the policy of a bucket.
 *
 * @throws {AwsError} `MalformedPolicy`. Its sentence is AWS's where that is known; the message says more.
 */
export function parseBucketPolicy(text: string, bucket: string): BucketPolicy {
  const json = readDocument(text)
  const raw = json['Statement']
  if (raw === undefined) throw malformed('Missing required field Statement')
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  if (list.length === 0) throw malformed('Could not parse the policy: Statement is empty!')
  const statements = list.map((value, index) => readStatement(value, { bucket, index }))
  const sids = list.flatMap((value) => (isObject(value) && value['Sid'] ? [value['Sid']] : []))
  if (new Set(sids).size !== sids.length)
    throw malformed('Statement IDs (SID) in a single policy must be unique')
  if ((json['Version'] ?? oldVersion) === oldVersion && usesVariables(statements))
    throw malformed(`a policy with a variable must have the Version ${newVersion}`)
  const facts = { hasVersion: true, isOfBucket: true, ...describeStatements(statements) }
  const costly = findCostlySearch(facts)
  if (costly !== undefined) throw malformed(`the policy has ${costly}`)
  return { statements, facts }
}

/** Returns the error of a policy that is not accepted. @param reason Says more than AWS's sentence. */
function malformed(sentence: string, reason = sentence): AwsError {
  return new AwsError('MalformedPolicy', reason, { sentence })
}

function readDocument(text: string): JsonObject {
  if (!text.startsWith('{'))
    throw malformed("Policies must be valid JSON and the first byte must be '{'")
  const json = parseJson(text)
  if (!isObject(json)) throw malformed('This policy contains invalid Json')
  const duplicate = findDuplicateMember(text)
  if (duplicate !== undefined)
    throw malformed(
      'This policy contains invalid Json',
      `the policy has the member ${duplicate} twice in one object`,
    )
  const unknown = Object.keys(json).find((name) => !members.has(name))
  if (unknown !== undefined) throw malformed(`Unknown field ${unknown.slice(0, 100)}`)
  const version = json['Version'] ?? oldVersion
  if (version !== newVersion && version !== oldVersion)
    throw malformed('The policy must contain a valid version string')
  if (json['Id'] !== undefined && typeof json['Id'] !== 'string')
    throw malformed('Could not parse the policy: Id must be a string')
  return json
}

/** In the older version a variable is plain text, which nobody means (IAM User Guide, "IAM JSON policy elements: Version"). */
function usesVariables(statements: readonly Statement[]): boolean {
  return statements.some(({ resources, conditions }) => {
    const texts = [...resources, ...conditions.flatMap(({ values }) => values)]
    return texts.some((text) => text.includes('${'))
  })
}

interface StatementPlace {
  readonly bucket: string
  readonly index: number
}

function readStatement(value: unknown, { bucket, index }: StatementPlace): BucketStatement {
  if (!isObject(value)) throw malformed('This policy contains invalid Json')
  const { Principal, NotPrincipal, ...rest } = value
  const effect = rest['Effect']
  if (effect === undefined) throw malformed('Missing required field Effect')
  if (effect !== 'Allow' && effect !== 'Deny')
    throw malformed(`Invalid effect: ${String(effect).slice(0, 100)}`)
  if (Principal === undefined && NotPrincipal === undefined)
    throw malformed('Missing required field Principal')
  if (effect === 'Allow' && NotPrincipal !== undefined)
    throw malformed('Allow with NotPrincipal is not allowed')
  const isNegated = NotPrincipal !== undefined
  const principal = readPolicyPrincipal(Principal ?? NotPrincipal, { isNegated })
  if (principal === undefined || (isNegated && Principal !== undefined))
    throw malformed('Invalid principal in policy')
  for (const name of ['Action', 'Resource'])
    if (rest[name] === undefined && rest[`Not${name}`] === undefined)
      throw malformed(`Missing required field ${name}`)
  checkActions(rest)
  checkResources(rest, bucket)
  const statement = parseRest(rest, index)
  checkApplies(statement)
  return { ...statement, principal }
}

/** @throws {AwsError} `MalformedPolicy` with the reason of the parser that all policies share. */
function parseRest(rest: JsonObject, index: number): Statement {
  try {
    const statement = parseStatement(rest, `statement ${index}`, `#${index}`)
    if (statement !== undefined) return statement
  } catch (error) {
    if (error instanceof AwsError) throw malformed('Invalid policy syntax.', error.message)
    throw error
  }
  throw malformed('Policy has invalid action')
}

function readTexts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((item): item is string => typeof item === 'string')
}

function checkActions(rest: JsonObject): void {
  const actions = readTexts(rest['Action'] ?? rest['NotAction'])
  const wrong = actions.find((action) => {
    const isOfS3 = action === '*' || /^s3:./i.test(action)
    return !isOfS3 || !coversKnownAction(action) || /^s3:ListAllMyBuckets$/i.test(action)
  })
  if (wrong !== undefined)
    throw malformed('Policy has invalid action', `the action ${wrong.slice(0, 100)} is not S3's`)
}

/**
 * A policy covers its own bucket and the keys in it, and nothing else. As at MinIO, a wildcard may stand for a part of the bucket's name: the policy
 * is asked about no other bucket.
 */
function checkResources(rest: JsonObject, bucket: string): void {
  const wrong = readTexts(rest['Resource'] ?? rest['NotResource']).find((resource) => {
    if (!resource.startsWith(arnPrefix)) return true
    const [name = ''] = resource.slice(arnPrefix.length).split('/')
    return !matchesWildcard(compileWildcard(name), toCodePoints(bucket))
  })
  if (wrong !== undefined)
    throw malformed(
      'Policy has invalid resource',
      `the resource ${wrong.slice(0, 200)} is not the bucket ${bucket} or keys in it`,
    )
}

/** Each action must be for one of the statement's resources: those on objects for keys, the others for the bucket. */
function checkApplies({ actions, isNotAction, resources, isNotResource }: Statement): void {
  if (isNotAction || isNotResource) return
  const hasKeys = resources.some((resource) => /[/*]/.test(resource.slice(arnPrefix.length)))
  const hasBucket = resources.some((resource) => !resource.slice(arnPrefix.length).includes('/'))
  const idle = actions.find((action) => {
    return !listKnownActions(action)
      .filter((name) => name.startsWith('s3:'))
      .some((name) => (isObjectAction(name) ? hasKeys : hasBucket))
  })
  if (idle !== undefined)
    throw malformed(
      'Action does not apply to any resource(s) in statement',
      `the action ${idle} does not apply to any resource of its statement`,
    )
}
