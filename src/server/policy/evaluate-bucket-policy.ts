/** Evaluates the policy of a bucket for one principal. */
import { listPrincipalNames } from '../identity/principal-names.ts'
import type { Principal } from '../sessions/principal.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { isGivenByBucketPolicy, isGivenToAnonymous, isKeptByRoot } from './bucket-actions.ts'
import type { BucketPolicy, BucketStatement } from './bucket-policy.ts'
import type { Verdict } from './evaluate-document.ts'
import type { PolicyDocument } from './policy-document.ts'
import { findGrant, isDenied, type Grant } from './policy-principal.ts'

/** The statements of a bucket policy that are about one principal, by what they do. */
export interface SelectedStatements {
  readonly denials: PolicyDocument
  /** What is allowed to the session itself. */
  readonly forSession: PolicyDocument
  /** What is allowed to its role, its user or everybody. */
  readonly forIdentity: PolicyDocument
  /** The three of them. */
  readonly documents: readonly PolicyDocument[]
  /** False if the policy cannot be read. */
  readonly isReadable: boolean
}

/** The bucket policy's verdict. An Allow says to whom it is given. */
export interface BucketVerdict {
  readonly effect: 'Allow' | 'Deny' | 'none'
  readonly grant: Grant
  readonly reason: string
}

const none: BucketVerdict = { effect: 'none', grant: undefined, reason: '' }

/** Returns the statements that are about a principal. @param isRestricted True if nothing may be given to a caller who did not sign. */
export function selectStatements(
  { policy, isRestricted }: { policy: BucketPolicy | undefined; isRestricted: boolean },
  principal: Principal,
): SelectedStatements {
  if (policy === undefined) return unreadable
  const isClosed = isRestricted && principal.kind === 'anonymous'
  if (isClosed) return select(policy, principal, { isClosed })
  let ofPolicy = selections.get(policy)
  if (ofPolicy === undefined) selections.set(policy, (ofPolicy = new WeakMap()))
  let selected = ofPolicy.get(principal)
  if (selected === undefined)
    ofPolicy.set(principal, (selected = select(policy, principal, { isClosed })))
  return selected
}

/** What was selected for the principals that are in use: root, nobody, and sessions while they are known. */
const selections = new WeakMap<BucketPolicy, WeakMap<Principal, SelectedStatements>>()

const nothing: PolicyDocument = {
  hasVersion: true,
  usesObjectTags: false,
  usesUncertainKeys: false,
  statements: [],
}
const unreadable: SelectedStatements = {
  denials: nothing,
  forSession: nothing,
  forIdentity: nothing,
  documents: [],
  isReadable: false,
}

function select(
  { statements, facts }: BucketPolicy,
  principal: Principal,
  { isClosed }: { readonly isClosed: boolean },
): SelectedStatements {
  const names = listPrincipalNames(principal)
  const pick = (isWanted: (statement: BucketStatement) => boolean): PolicyDocument => {
    const picked = statements.filter(isWanted)
    return picked.length === 0 ? nothing : { ...facts, statements: picked }
  }
  const pickGrants = (grant: Grant): PolicyDocument =>
    pick(({ effect, principal: named }) => {
      return effect === 'Allow' && !isClosed && findGrant(named, names) === grant
    })
  const denials = pick(({ effect, principal: named }) => {
    return effect === 'Deny' && isDenied(named, principal.kind, names)
  })
  const forSession = pickGrants('session')
  const forIdentity = pickGrants('identity')
  const documents = [denials, forSession, forIdentity]
  return { denials, forSession, forIdentity, documents, isReadable: true }
}

/** Returns whether a policy gives something to callers who did not sign, under some condition at least. */
export function isOpenPolicy({
  policy,
  isRestricted,
}: {
  policy: BucketPolicy | undefined
  isRestricted: boolean
}): boolean {
  const statements = isRestricted ? [] : (policy?.statements ?? [])
  return statements.some(({ effect, principal: { isAnyone, isNegated } }) => {
    return effect === 'Allow' && isAnyone && !isNegated
  })
}

/**
 * Returns the verdict of a bucket's policy. Root's credentials always keep the operations on the policy itself; every other Deny binds root too, as at AWS.
 *
 * @param selected Undefined if the bucket has no policy.
 */
export function evaluateBucketPolicy(
  selected: SelectedStatements | undefined,
  request: AuthorizationRequest,
  evaluate: (document: PolicyDocument, request: AuthorizationRequest) => Verdict,
): BucketVerdict {
  if (selected === undefined) return none
  const { kind } = request.principal
  const actions = [request.action, ...(request.otherAction ? [request.otherAction] : [])]
  if (kind === 'root' && actions.some(isKeptByRoot)) return none
  if (!selected.isReadable)
    return { effect: 'Deny', grant: undefined, reason: 'the bucket policy cannot be read' }
  const judge = (document: PolicyDocument, action: string): Verdict => {
    return document.statements.length === 0
      ? { effect: 'none' }
      : evaluate(document, { ...request, action })
  }
  for (const action of actions) {
    const verdict = judge(selected.denials, action)
    if (verdict.effect === 'Deny')
      return {
        effect: 'Deny',
        grant: undefined,
        reason: `denied by the bucket policy ${verdict.label}`,
      }
  }
  const mayGive = kind === 'anonymous' ? isGivenToAnonymous : isGivenByBucketPolicy
  for (const [grant, document] of [
    ['session', selected.forSession],
    ['identity', selected.forIdentity],
  ] as const)
    for (const action of actions.filter(mayGive)) {
      const verdict = judge(document, action)
      if (verdict.effect === 'Allow')
        return { effect: 'Allow', grant, reason: `allowed by the bucket policy ${verdict.label}` }
    }
  return none
}
