import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold } from './conditions.ts'
import type { DecisionMemo, StatementView } from './decision-memo.ts'
import { stripResource, type PolicyDocument, type Statement } from './policy-document.ts'
import { fillPattern } from './variables.ts'
import { compileWildcard, matchesWildcard, toCodePoints } from './wildcard.ts'

/** Returns the statements of a document whose actions match the request's action, in order, from the memo where it has them. */
export function findStatements(
  document: PolicyDocument,
  request: AuthorizationRequest,
  memo: DecisionMemo,
): readonly StatementView[] {
  let byAction = memo.statements.get(document)
  if (byAction === undefined) memo.statements.set(document, (byAction = new Map()))
  let views = byAction.get(request.action)
  if (views === undefined) {
    const action = toCodePoints(request.action.toLowerCase())
    views = document.statements
      .filter((statement) => isActionNamed(statement, action))
      .map((statement) => createStatementView(statement, request))
    byAction.set(request.action, views)
  }
  return views
}

/** Returns whether a statement is for an action. @param action In lower case, as code points. */
export function isActionNamed(
  { actionWildcards, isNotAction }: Statement,
  action: Int32Array,
): boolean {
  const isNamed = actionWildcards.some((wildcard) => matchesWildcard(wildcard, action))
  return isNamed !== isNotAction
}

/** Returns a statement as it is evaluated for one request. */
export function createStatementView(
  statement: Statement,
  request: AuthorizationRequest,
): StatementView {
  return {
    statement,
    patterns: memoize(() =>
      statement.resources.map((resource, index) => {
        const compiled = statement.resourceWildcards[index]
        if (compiled !== undefined) return compiled
        const filled = fillPattern(stripResource(resource), request)
        return filled && compileWildcard(filled)
      }),
    ),
    doConditionsHold: memoize(() =>
      doConditionsHold(statement.conditions, request, statement.effect),
    ),
  }
}

function memoize<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined
  return () => (result ??= { value: compute() }).value
}
