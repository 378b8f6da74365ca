/**
 * Decides by all policies about a request: the identity's, the session's and the bucket's, as AWS does within one account (IAM User Guide, "Policy
 * evaluation logic"). An explicit deny of any of them wins. Otherwise the identity policies or the bucket policy must allow it, and so must the session
 * policy; a bucket policy that names the session itself needs no other.
 */
import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { isGivenByBucketPolicy } from './bucket-actions.ts'
import {
  evaluateBucketPolicy,
  selectStatements,
  type BucketVerdict,
  type SelectedStatements,
} from './evaluate-bucket-policy.ts'
import type { BucketPolicy } from './bucket-policy.ts'
import type { DecisionMemo } from './decision-memo.ts'
import { evaluateAnyResource, evaluateDocument, type Verdict } from './evaluate-document.ts'
import { loadObjectTags } from './object-tags.ts'
import type { PolicyDocument } from './policy-document.ts'
import { createSessionLimits, type SessionLimit } from './session-limits.ts'

/** The policy of a bucket as it applies now. */
export interface AppliedBucketPolicy {
  /** Undefined if it cannot be read any more: then nothing is allowed. */
  readonly policy: BucketPolicy | undefined
  /** True if a public access block withholds what the policy gives to callers who did not sign (`RestrictPublicBuckets`). */
  readonly isRestricted: boolean
}

/** Finds the policy of a bucket; undefined if it has none or does not exist. */
export type FindBucketPolicy = (bucket: string) => AppliedBucketPolicy | undefined

type Evaluate = (document: PolicyDocument, request: AuthorizationRequest) => Verdict

/** What an anonymous caller is told about every denial, so that nothing can be learnt from it. */
const unsigned = 'the request is not signed, and no bucket policy allows it'

/**
 * Makes session policies and bucket policies bind whatever engine decides the rest. MinIO let an external engine's yes override a session policy.
 *
 * @param findBucketPolicy Undefined if buckets have no policies here.
 * @param policies The policies that sessions may be limited to by name. Without them, such a session may do nothing.
 */
export function combinePolicies(
  engine: Authorizer,
  findBucketPolicy?: FindBucketPolicy,
  policies: ReadonlyMap<string, PolicyDocument> = new Map(),
): Authorizer {
  const readLimits = createSessionLimits(policies)
  const select = createSelector(findBucketPolicy)
  return {
    async authorize(request) {
      const selected = select(request)
      const session = readLimits(request.principal)
      const limiting = session.flatMap((limit) => limit.documents)
      const documents = [...limiting, ...(selected?.documents ?? [])]
      const loaded = documents.length === 0 ? request : await loadObjectTags(request, documents)
      const bucket = evaluateBucketPolicy(selected, loaded, evaluateDocument)
      const sessionVerdict = evaluateSession(loaded, session, evaluateDocument)
      return combine(
        loaded,
        { bucket, session: sessionVerdict },
        {
          isFinal: engine.isFinal,
          ask: (question) => engine.authorize(question),
        },
      )
    },
    async couldAllow(request) {
      const selected = select(request)
      const session = evaluateSession(request, readLimits(request.principal), evaluateAnyResource)
      const bucket = evaluateBucketPolicy(selected, request, evaluateAnyResource)
      return combine(
        request,
        { bucket, session },
        {
          isFinal: engine.isFinal,
          async ask(question) {
            // An engine that cannot tell is asked about each resource later.
            const decision = await engine.couldAllow?.(question)
            return (
              decision ?? { isAllowed: true, reason: 'the policy engine decides for each resource' }
            )
          },
        },
      )
    },
  }
}

interface Verdicts {
  readonly bucket: BucketVerdict
  readonly session: Decision
}

interface EngineQuestion extends Pick<Authorizer, 'isFinal'> {
  readonly ask: (request: AuthorizationRequest) => Promise<Decision>
}

async function combine(
  request: AuthorizationRequest,
  { bucket, session }: Verdicts,
  engine: EngineQuestion,
): Promise<Decision> {
  const { reason } = bucket
  if (request.principal.kind === 'anonymous')
    return bucket.effect === 'Allow'
      ? { isAllowed: true, reason }
      : { isAllowed: false, reason: unsigned, isExplicit: bucket.effect === 'Deny' }
  if (bucket.effect === 'Deny') return { isAllowed: false, reason, isExplicit: true }
  const isGiven = bucket.effect === 'Allow' && engine.isFinal !== true
  const isGivenToSession = isGiven && bucket.grant === 'session'
  if (!session.isAllowed && (session.isExplicit || !isGivenToSession)) return session
  const decision = await engine.ask(request)
  if (decision.isAllowed && session.isAllowed) return decision
  return isGiven && !decision.isExplicit ? { isAllowed: true, reason } : decision
}

const allowed: Decision = { isAllowed: true, reason: '' }

/** Returns the decision of a session's limits, of which each must allow the request; a yes if there is none. */
function evaluateSession(
  request: AuthorizationRequest,
  limits: readonly SessionLimit[],
  evaluate: Evaluate,
): Decision {
  if (limits.length === 0) return allowed
  const refusals = limits
    .map((limit) => evaluateLimit(request, limit, evaluate))
    .filter(({ isAllowed }) => !isAllowed)
  return refusals.find(({ isExplicit }) => isExplicit) ?? refusals[0] ?? allowed
}

function evaluateLimit(
  request: AuthorizationRequest,
  { name, documents, isUnreadable }: SessionLimit,
  evaluate: Evaluate,
): Decision {
  // It was readable when it was issued; one that is not any more allows nothing.
  if (isUnreadable) return { isAllowed: false, reason: `${name} cannot be read`, isExplicit: true }
  const actions = [request.action, ...(request.otherAction ? [request.otherAction] : [])]
  const verdicts = documents.flatMap((document) =>
    actions.map((action) => evaluate(document, { ...request, action })),
  )
  const denial = verdicts.find(({ effect }) => effect === 'Deny')
  if (denial?.effect === 'Deny')
    return { isAllowed: false, reason: `denied by ${name} ${denial.label}`, isExplicit: true }
  const isAllowed = verdicts.some(({ effect }) => effect === 'Allow')
  return { isAllowed, reason: isAllowed ? '' : `${name} does not allow it` }
}

type Select = (request: AuthorizationRequest) => SelectedStatements | undefined

/** Returns a function that finds the statements about a request's principal. All decisions about one request share what was found for a bucket. */
function createSelector(find: FindBucketPolicy | undefined): Select {
  if (find === undefined) return () => undefined
  const found = new WeakMap<DecisionMemo, Map<string, ReturnType<Select>>>()
  const read: Select = ({ bucket, principal }) => {
    const applied = find(bucket)
    return applied && selectStatements(applied, principal)
  }
  return (request) => {
    const { bucket, action, memo } = request
    if (bucket === '' || !isGivenByBucketPolicy(action)) return undefined
    if (memo === undefined) return read(request)
    let ofRequest = found.get(memo)
    if (ofRequest === undefined) found.set(memo, (ofRequest = new Map()))
    if (!ofRequest.has(bucket)) ofRequest.set(bucket, read(request))
    return ofRequest.get(bucket)
  }
}
