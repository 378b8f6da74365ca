/** Explains a decision: every policy that was asked, what each statement lacks, and the smallest statement that would change a no. */
import type { AuthorizationRequest, Decision } from './authorizer.ts'
import type { FindBucketPolicy } from './combine-policies.ts'
import { findConditionValues } from './condition-keys.ts'
import { doesHold, type Condition } from './conditions.ts'
import { evaluateDocument, isResourceNamed } from './evaluate-document.ts'
import { selectStatements } from './evaluate-bucket-policy.ts'
import { isActionNamed } from './find-statements.ts'
import { loadObjectTags } from './object-tags.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'
import { refusedByTrust } from './role-principals.ts'
import { createSessionLimits } from './session-limits.ts'
import { fillPattern } from './variables.ts'
import { toCodePoints } from './wildcard.ts'

/** One condition of a statement, with the values of both sides. */
export interface ConditionExplanation {
  /** As written: `StringEquals`, `ForAnyValue:StringLike`. */
  readonly operator: string
  readonly key: string
  /** The statement's values, with their variables filled in. */
  readonly wanted: readonly string[]
  /** The request's values; empty if it has none, null if the server does not know them. */
  readonly actual: readonly string[] | null
  readonly holds: boolean
}

/** What a statement says about the request. It applies if the action, the resource and all conditions are right. */
export interface StatementExplanation {
  /** The `Sid`, or the position: `#0`. */
  readonly label: string
  readonly effect: 'Allow' | 'Deny'
  readonly isActionNamed: boolean
  readonly isResourceNamed: boolean
  readonly conditions: readonly ConditionExplanation[]
  readonly applies: boolean
}

/** One policy that was asked. */
export interface PolicyExplanation {
  readonly kind: 'identity' | 'session' | 'bucket'
  readonly name: string
  readonly effect: 'Allow' | 'Deny' | 'none'
  /** Why the policy could not be asked; undefined if it was. */
  readonly problem?: string | undefined
  /** Only statements about the action, and of those that deny only the ones about the resource. */
  readonly statements: readonly StatementExplanation[]
}

export interface Explanation {
  readonly action: string
  readonly bucket: string
  readonly key: string
  readonly isAllowed: boolean
  /** The rule that decided, as in the log. */
  readonly reason: string
  readonly policies: readonly PolicyExplanation[]
  /** What to do about a no; undefined for a yes. */
  readonly remedy?: Remedy | undefined
}

export interface Remedy {
  /** A sentence for people. */
  readonly advice: string
  /** The smallest statement that allows this request; undefined if no further statement can. */
  readonly statement?: object | undefined
}

/** Where the policies of a server are. */
export interface PolicySources {
  /** The documents by name. */
  readonly policies: ReadonlyMap<string, PolicyDocument>
  /** True where another engine (OPA) decides in place of the identities' documents. */
  readonly isEngineExternal?: boolean | undefined
  readonly findBucketPolicy?: FindBucketPolicy | undefined
}

/** The most statements of one policy that are explained. */
const maxStatements = 100

/**
 * Explains a decision that was made about a question. The policies are read as they are now.
 *
 * @param decision What was decided then.
 */
export async function explainDecision(
  given: AuthorizationRequest,
  decision: Pick<Decision, 'isAllowed' | 'reason'>,
  sources: PolicySources,
): Promise<Explanation> {
  const asked = findPolicies(given, sources)
  const documents = asked.flatMap(({ document }) => (document ? [document] : []))
  const request = await loadObjectTags(given, documents)
  const policies = asked.map((policy) => explainPolicy(policy, request))
  const { action, bucket, object: key } = request
  const { isAllowed, reason } = decision
  const remedy = isAllowed
    ? undefined
    : reason.startsWith(refusedByTrust)
      ? { advice: 'change the trust of the role, or call as whom it names: no policy overrides it' }
      : findRemedy(request, policies, sources)
  return { action, bucket, key, isAllowed, reason, policies, remedy }
}

interface AskedPolicy extends Pick<PolicyExplanation, 'kind' | 'name' | 'problem'> {
  readonly document: PolicyDocument | undefined
}

function findPolicies(
  { principal, bucket }: AuthorizationRequest,
  { policies, isEngineExternal = false, findBucketPolicy }: PolicySources,
): AskedPolicy[] {
  const asked: AskedPolicy[] = []
  if (!isEngineExternal && principal.kind === 'session')
    for (const name of new Set(principal.policyNames)) {
      const document = policies.get(name)
      const problem = document ? undefined : 'this server has no policy of this name'
      asked.push({ kind: 'identity', name, document, problem })
    }
  for (const { name, documents, isUnreadable } of createSessionLimits(policies)(principal)) {
    const problem = 'it, or one of them, is missing or cannot be read'
    if (isUnreadable) asked.push({ kind: 'session', name, document: undefined, problem })
    for (const document of documents) asked.push({ kind: 'session', name, document })
  }
  const applied = bucket === '' ? undefined : findBucketPolicy?.(bucket)
  if (applied !== undefined)
    asked.push(
      ...selectStatements(applied, principal).documents.map((document) => {
        return { kind: 'bucket', name: 'bucket policy', document } as const
      }),
    )
  return asked.filter(({ document }) => document === undefined || document.statements.length > 0)
}

function explainPolicy(
  { kind, name, document, problem }: AskedPolicy,
  request: AuthorizationRequest,
): PolicyExplanation {
  if (document === undefined) return { kind, name, effect: 'none', problem, statements: [] }
  const { effect } = evaluateDocument(document, { ...request, memo: undefined })
  const statements = document.statements
    .map((statement) => explainStatement(document, statement, request))
    .filter((each) => each.isActionNamed && (each.isResourceNamed || each.effect === 'Allow'))
    .slice(0, maxStatements)
  return { kind, name, effect, problem, statements }
}

function explainStatement(
  document: PolicyDocument,
  statement: Statement,
  request: AuthorizationRequest,
): StatementExplanation {
  const { label, effect } = statement
  const isOfAction = isActionNamed(statement, toCodePoints(request.action.toLowerCase()))
  const isOfResource = isResourceNamed(document, statement, request)
  const conditions = statement.conditions.map((condition) => {
    return explainCondition(condition, request, effect)
  })
  return {
    label,
    effect,
    isActionNamed: isOfAction,
    isResourceNamed: isOfResource,
    conditions,
    applies: isOfAction && isOfResource && conditions.every(({ holds }) => holds),
  }
}

function explainCondition(
  condition: Condition,
  request: AuthorizationRequest,
  effect: 'Allow' | 'Deny',
): ConditionExplanation {
  return {
    operator: condition.name,
    key: condition.key,
    wanted: condition.values.map((value) => fillPattern(value, request)?.text ?? value),
    actual: findConditionValues(condition.key, request) ?? null,
    holds: doesHold(condition, request, effect),
  }
}

function findRemedy(
  request: AuthorizationRequest,
  policies: readonly PolicyExplanation[],
  { policies: documents, isEngineExternal = false }: PolicySources,
): Remedy {
  const denial = policies
    .flatMap(({ name, statements }) => statements.map((statement) => ({ name, statement })))
    .find(({ statement }) => statement.effect === 'Deny' && statement.applies)
  if (denial) {
    const at = `the Deny ${denial.statement.label} of ${denial.name}`
    return { advice: `change ${at}: no other statement overrides it` }
  }
  const statement = toStatement(request)
  if (isLimited(policies)) {
    const advice =
      'get credentials with a session policy that has this statement; no other policy widens a session policy'
    return { advice, statement }
  }
  if (request.principal.kind === 'anonymous')
    return {
      advice: 'sign the request, or add this statement to the policy of the bucket',
      statement: { ...statement, Principal: '*' },
    }
  if (isEngineExternal)
    return { advice: 'the external policy engine decides: let its policy allow this action' }
  const names = request.principal.policyNames.filter((name) => documents.has(name))
  return {
    advice:
      names.length === 0
        ? 'the caller has no policy that this server knows: give it one with this statement'
        : `add this statement to one of the caller’s policies (${names.join(', ')})`,
    statement,
  }
}

/** Returns whether a limit of the session does not allow the request: of several documents of one limit, one has to. */
function isLimited(policies: readonly PolicyExplanation[]): boolean {
  const limits = policies.filter(({ kind }) => kind === 'session')
  return limits.some(
    ({ name }) => !limits.some((each) => each.name === name && each.effect === 'Allow'),
  )
}

/** Returns the smallest statement that allows the request. */
function toStatement(request: AuthorizationRequest): Record<string, unknown> {
  const { action, bucket, object, roleArn, conditions } = request
  const resource = object === '' ? bucket : `${bucket}/${escapePattern(object)}`
  const statement = { Effect: 'Allow', Action: [action] }
  if (roleArn !== undefined) return { ...statement, Resource: [roleArn] }
  if (!action.startsWith('s3:')) return statement
  const named = { ...statement, Resource: [`arn:aws:s3:::${bucket === '' ? '*' : resource}`] }
  const prefix = isList(action) ? conditions.get('prefix') : undefined
  return prefix === undefined
    ? named
    : { ...named, Condition: { StringEquals: { 's3:prefix': prefix.map(escapePattern) } } }
}

/** Returns whether an action lists keys, of which its condition `s3:prefix` says which. */
export function isList(action: string): boolean {
  return /^s3:ListBucket(?:Versions|MultipartUploads)?$/.test(action)
}

/** Writes what would be a wildcard or a variable in a resource as itself (IAM User Guide, "Policy variables", special characters). */
export function escapePattern(text: string): string {
  return text.replaceAll(/[*?$]/g, (character) => `\${${character}}`)
}
