/** Evaluates one policy document for one request. */
import type { AuthorizationRequest } from './authorizer.ts'
import { createDecisionMemo, type StatementView } from './decision-memo.ts'
import { toLocalArn } from '../identity/principal-names.ts'
import { createStatementView, findStatements } from './find-statements.ts'
import { isWithoutResource } from './known-actions.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'
import { fillPattern } from './variables.ts'
import { couldMatchPrefix, matchesWholePrefix, matchesWildcard, toCodePoints } from './wildcard.ts'

/** The result of one document. `label` names the statement that decided; `none` means that no statement applies. */
export type Verdict =
  | { readonly effect: 'Allow' | 'Deny'; readonly label: string }
  | { readonly effect: 'none' }

/**
 * Returns a document's verdict on one request. An explicit deny overrides any allow (IAM User Guide, "Policy evaluation logic").
 */
export function evaluateDocument(document: PolicyDocument, request: AuthorizationRequest): Verdict {
  const names = toResourceNames(request, document)
  return findVerdict(document, request, (view) => matchesResource(view, request, names))
}

/**
 * Returns a document's verdict on an action for all resources: all keys of the request's bucket, or with an empty bucket everything. `Allow`
 * means that some resource might be allowed, `Deny` and `none` that none is. A `Deny` counts only when it certainly applies to all of them. So
 * `Deny` and `none` are certain, and `Allow` is not.
 *
 * @param request The request; its `object` is ignored.
 */
export function evaluateAnyResource(
  document: PolicyDocument,
  request: AuthorizationRequest,
): Verdict {
  const prefix = request.bucket === '' ? '' : `${request.bucket}/`
  // What is not known counts for an allow here, and against it in the decision: the result is not for the shared memo.
  const question = { ...request, isAboutAnyObject: true }
  const asked = document.usesUncertainKeys ? { ...question, memo: undefined } : question
  return findVerdict(document, asked, (view) => {
    if (!request.action.startsWith('s3:')) return matchesWithoutResource(view)
    const { statement, patterns } = view
    if (statement.effect === 'Allow') {
      // NotResource excludes some resources; others may remain.
      if (statement.isNotResource) return !patterns().includes(undefined)
      return patterns().some((pattern) => pattern && couldMatchPrefix(pattern, prefix))
    }
    if (statement.isNotResource) return false
    return patterns().some((pattern) => pattern && matchesWholePrefix(pattern, prefix))
  })
}

function findVerdict(
  document: PolicyDocument,
  request: AuthorizationRequest,
  matches: (view: StatementView) => boolean,
): Verdict {
  let allowedBy: string | undefined
  for (const view of findStatements(document, request, request.memo ?? createDecisionMemo())) {
    const { effect, label } = view.statement
    if (effect === 'Allow' && allowedBy !== undefined) continue
    if (!matches(view) || !view.doConditionsHold()) continue
    if (effect === 'Deny') return { effect, label }
    allowedBy = label
  }
  return allowedBy === undefined ? { effect: 'none' } : { effect: 'Allow', label: allowedBy }
}

/** Returns whether a statement's resources are those of a request, whatever its actions and conditions are. */
export function isResourceNamed(
  document: PolicyDocument,
  statement: Statement,
  request: AuthorizationRequest,
): boolean {
  const view = createStatementView(statement, request)
  return matchesResource(view, request, toResourceNames(request, document))
}

/** Returns the names, as code points, that a statement's resource patterns are compared with. */
function toResourceNames(
  { bucket, object }: AuthorizationRequest,
  { isOfBucket = false }: PolicyDocument,
): readonly Int32Array[] {
  if (isOfBucket && object === '') return [toCodePoints(bucket)]
  // In MinIO `bucket/*` also matches the bucket itself, because the bucket's own resource ends with a slash (docs/wire.md §9.2).
  const names = object === '' ? [bucket, `${bucket}/`] : [`${bucket}/${object}`]
  return names.map(toCodePoints)
}

function matchesResource(
  view: StatementView,
  request: AuthorizationRequest,
  names: readonly Int32Array[],
): boolean {
  const { statement, patterns } = view
  if (!request.action.startsWith('s3:'))
    return request.roleArn === undefined
      ? matchesWithoutResource(view)
      : matchesRole(view.statement, { ...request, roleArn: request.roleArn })
  // A NotResource whose variable has no value would exclude nothing, so the Allow would apply to everything.
  if (statement.isNotResource && statement.effect === 'Allow' && patterns().includes(undefined))
    return false
  const isNamed = patterns().some(
    (pattern) => pattern && names.some((name) => matchesWildcard(pattern, name)),
  )
  return isNamed !== statement.isNotResource
}

/**
 * Returns whether a statement is about the role that a request names. Any twelve digits are this server's account there, as in the ARNs by which callers
 * name roles. A variable without a value matches no role, and excludes none: such an Allow with `NotResource` applies to nothing.
 */
function matchesRole(
  { effect, roleResources, isNotResource }: Statement,
  request: AuthorizationRequest & { readonly roleArn: string },
): boolean {
  const patterns = roleResources.map((resource) => fillPattern(toLocalArn(resource), request))
  if (isNotResource && effect === 'Allow' && patterns.includes(undefined)) return false
  const isNamed = patterns.some((pattern) => pattern && matchesWildcard(pattern, request.roleArn))
  return isNamed !== isNotResource
}

const noName = toCodePoints('')

/**
 * Returns whether a statement is for an action of the administration or of the STS, which is about no bucket. One whose actions are all of
 * these is, whatever resources it names. Otherwise its resources must include everything, as at MinIO: who may do `*` in one bucket may not
 * administer the server, and is not denied credentials by what is denied there.
 */
function matchesWithoutResource({ statement, patterns }: StatementView): boolean {
  const { actions, isNotAction, isNotResource } = statement
  if (!isNotAction && actions.every(isWithoutResource)) return true
  const isNamed = patterns().some((pattern) => pattern && matchesWildcard(pattern, noName))
  return isNamed !== isNotResource
}
