/**
 * Results that all decisions about one request share. DeleteObjects is decided for up to a thousand keys, and the principal, its policies
 * and the conditions are the same for every key.
 */
import type { PolicyDocument, Statement } from './policy-document.ts'
import type { Wildcard } from './wildcard.ts'

/** The shared results of one request. Never share it between requests: a condition may hold for one request and not for another. */
export interface DecisionMemo {
  /** The matching statements, by document and action. */
  readonly statements: Map<PolicyDocument, Map<string, readonly StatementView[]>>
}

/** A statement whose actions match, evaluated for one request. Each function computes its result once, when it is first called. */
export interface StatementView {
  readonly statement: Statement
  /** Returns the resource patterns with their variables filled in; undefined for a pattern whose variable has no value. */
  readonly patterns: () => readonly (Wildcard | undefined)[]
  readonly doConditionsHold: () => boolean
}

/** Returns an empty memo for one request. */
export function createDecisionMemo(): DecisionMemo {
  return { statements: new Map() }
}
