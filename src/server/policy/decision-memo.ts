/**
 * What is found out once for all the decisions of one request: DeleteObjects asks about a thousand keys, and who is asking, from where and
 * with which policies is the same for each of them.
 */
import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold } from './conditions.ts'
import { stripResource, type PolicyDocument, type Statement } from './policy-document.ts'
import { fillPattern } from './variables.ts'
import { compileWildcard, matchesWildcard, toCodePoints, type Wildcard } from './wildcard.ts'

/** One request's answers so far. It must not be shared between requests: a statement's conditions may hold for one and not for the other. */
export interface DecisionMemo {
  readonly statements: Map<PolicyDocument, Map<string, readonly StatementView[]>>
}

/** A statement that means the action, as this request sees it: each member is computed once, when it is first needed. */
export interface StatementView {
  readonly statement: Statement
  /** Resource patterns with their variables filled in; undefined for one that cannot be. */
  readonly patterns: () => readonly (Wildcard | undefined)[]
  readonly doConditionsHold: () => boolean
}

export function createDecisionMemo(): DecisionMemo {
  return { statements: new Map() }
}

/** The statements of a document that mean the request's action, in order. */
export function findStatements(
  document: PolicyDocument,
  request: AuthorizationRequest,
  memo: DecisionMemo,
): readonly StatementView[] {
  let byAction = memo.statements.get(document)
  if (byAction === undefined) memo.statements.set(document, (byAction = new Map()))
  let views = byAction.get(request.action)
  if (views === undefined) {
    const action = toCodePoints(request.action)
    views = document.statements
      .filter(({ actionWildcards, isNotAction }) => {
        const isNamed = actionWildcards.some((wildcard) => matchesWildcard(wildcard, action))
        return isNamed !== isNotAction
      })
      .map((statement) => viewStatement(statement, request))
    byAction.set(request.action, views)
  }
  return views
}

function viewStatement(statement: Statement, request: AuthorizationRequest): StatementView {
  return {
    statement,
    patterns: once(() =>
      statement.resources.map((resource, index) => {
        const ready = statement.resourceWildcards[index]
        if (ready !== undefined) return ready
        const filled = fillPattern(stripResource(resource), request)
        return filled && compileWildcard(filled)
      }),
    ),
    doConditionsHold: once(() => doConditionsHold(statement.conditions, request, statement.effect)),
  }
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined
  return () => (known ??= { value: compute() }).value
}
