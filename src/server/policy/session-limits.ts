import type { Principal } from '../sessions/principal.ts'
import type { PolicyDocument } from './policy-document.ts'
import { createSessionPolicyReader } from './session-policy-reader.ts'

/** What limits a session to less than its identity has: it may do only what one of the documents allows and none denies. */
export interface SessionLimit {
  /** For messages. */
  readonly name: string
  readonly documents: readonly PolicyDocument[]
  /** True if a document is missing or cannot be read. */
  readonly isUnreadable: boolean
}

const none: readonly SessionLimit[] = []

/**
 * Returns a function that finds the limits of a session: its session policy (Policy), and the policies that it names (PolicyArns). Each of the two must
 * allow what the session does.
 */
export function createSessionLimits(
  policies: ReadonlyMap<string, PolicyDocument>,
): (principal: Principal) => readonly SessionLimit[] {
  const readSessionPolicy = createSessionPolicyReader()
  return ({ sessionPolicy, sessionPolicyNames }) => {
    // Most principals have neither, and each request asks.
    if (sessionPolicy === undefined && sessionPolicyNames === undefined) return none
    const limits: SessionLimit[] = []
    if (sessionPolicy !== undefined)
      limits.push(toLimit('session policy', [readSessionPolicy(sessionPolicy)]))
    if (sessionPolicyNames !== undefined) {
      const name = `session policies ${sessionPolicyNames.join(', ')}`
      limits.push(
        toLimit(
          name,
          sessionPolicyNames.map((policy) => policies.get(policy)),
        ),
      )
    }
    return limits
  }
}

function toLimit(name: string, found: readonly (PolicyDocument | undefined)[]): SessionLimit {
  const documents = found.filter((document) => document !== undefined)
  return { name, documents, isUnreadable: documents.length < found.length }
}
