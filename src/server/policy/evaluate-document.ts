/** The verdict of one policy document on one request. */
import type { AuthorizationRequest } from './authorizer.ts'
import { createDecisionMemo, findStatements, type StatementView } from './decision-memo.ts'
import type { PolicyDocument } from './policy-document.ts'
import { couldMatchBeyond, matchesAllBeyond, matchesWildcard, toCodePoints } from './wildcard.ts'

export type Verdict =
  | { readonly effect: 'Allow' | 'Deny'; readonly label: string }
  | { readonly effect: 'none' }

/** An explicit deny wins, then an allow (IAM User Guide, «policy evaluation logic»). */
export function evaluateDocument(document: PolicyDocument, request: AuthorizationRequest): Verdict {
  const texts = namesOf(request)
  return findVerdict(document, request, (view) => isResourceMeant(view, request, texts))
}

/**
 * The verdict on an action on all keys of a bucket: `Allow` when some key might be allowed, else `Deny` or `none` for each of them. A
 * `Deny` is counted only when it is sure to mean every key, so `Allow` promises nothing; the two others are certain.
 *
 * @param request Its `object` is not looked at.
 */
export function evaluateBucket(document: PolicyDocument, request: AuthorizationRequest): Verdict {
  const beginning = `${request.bucket}/`
  return findVerdict(document, request, ({ statement, patterns }) => {
    if (!request.action.startsWith('s3:')) return true
    if (statement.effect === 'Allow') {
      // What is excluded from the statement leaves other keys in it.
      if (statement.isNotResource) return !patterns().includes(undefined)
      return patterns().some((pattern) => pattern && couldMatchBeyond(pattern, beginning))
    }
    if (statement.isNotResource) return false
    return patterns().some((pattern) => pattern && matchesAllBeyond(pattern, beginning))
  })
}

function findVerdict(
  document: PolicyDocument,
  request: AuthorizationRequest,
  isMeant: (view: StatementView) => boolean,
): Verdict {
  let allowedBy: string | undefined
  for (const view of findStatements(document, request, request.memo ?? createDecisionMemo())) {
    const { effect, label } = view.statement
    if (effect === 'Allow' && allowedBy !== undefined) continue
    if (!isMeant(view) || !view.doConditionsHold()) continue
    if (effect === 'Deny') return { effect, label }
    allowedBy = label
  }
  return allowedBy === undefined ? { effect: 'none' } : { effect: 'Allow', label: allowedBy }
}

/** The names by which a resource may mean what the request is for. */
function namesOf({ bucket, object }: AuthorizationRequest): readonly Int32Array[] {
  // `bucket/*` is MinIO's way to name the bucket as well: there a bucket's own resource ends in a slash (docs/wire.md §9.2).
  const names = object === '' ? [bucket, `${bucket}/`] : [`${bucket}/${object}`]
  return names.map(toCodePoints)
}

function isResourceMeant(
  { statement, patterns }: StatementView,
  request: AuthorizationRequest,
  texts: readonly Int32Array[],
): boolean {
  // Admin and STS actions have no resource here.
  if (!request.action.startsWith('s3:')) return true
  // «All but what cannot be named» would be everything.
  if (statement.isNotResource && statement.effect === 'Allow' && patterns().includes(undefined))
    return false
  const isNamed = patterns().some(
    (pattern) => pattern && texts.some((text) => matchesWildcard(pattern, text)),
  )
  return isNamed !== statement.isNotResource
}
