/** Makes a policy of what was allowed, and holds it to the record: `policy --from-traffic`. */
import { AwsError } from '../../protocol/aws-error.ts'
import { isObject, readStrings } from '../../base/parse.ts'
import { isWanted, type DecisionFilter } from '../decisions/decision-filter.ts'
import { listDecisions, viewRequest, type KeptRequest } from '../decisions/decision-record.ts'
import type { DecisionRing } from '../decisions/decision-ring.ts'
import { anonymousPrincipal } from '../identity/anonymous.ts'
import type { AuthorizationRequest } from '../policy/authorizer.ts'
import { evaluateAnyResource, evaluateDocument } from '../policy/evaluate-document.ts'
import { isList, type PolicySources } from '../policy/explain-decision.ts'
import { findKnownAction, listKnownActions } from '../policy/known-actions.ts'
import { loadObjectTags } from '../policy/object-tags.ts'
import { parsePolicyDocument } from '../policy/policy-document.ts'
import { makeTrafficPolicy, type TrafficPolicy, type Use } from '../policy/traffic-policy.ts'

/** What one process knows of the wanted requests. */
export interface TrafficPart {
  readonly uses: readonly Use[]
  readonly requests: number
  /** Decisions that were not kept, of requests about many keys. */
  readonly missing: number
  /** The policies that allowed something. */
  readonly policyNames: readonly string[]
}

/** The result of asking the decisions of a record again, under another policy. */
export interface ReplayPart {
  readonly checked: number
  /** Ids of requests that were allowed, and would be denied. */
  readonly failed: readonly string[]
  /** Ids of requests that were denied, and would be allowed. */
  readonly widened: readonly string[]
}

export interface Traffic {
  readonly policy: TrafficPolicy
  readonly requests: number
  readonly checked: number
  readonly failed: readonly string[]
  readonly widened: readonly string[]
  readonly missing: number
  /** What the present policies allow somewhere, and nobody used: by the name of the policy. */
  readonly unused: Readonly<Record<string, readonly string[]>>
}

/** The most different uses that a policy is made of: of more, folders and buckets are folded by hand. */
const maxUses = 20_000
/** The most requests that are named. */
const maxNamed = 100

/** Returns the uses of this process. */
export function listUses(ring: DecisionRing, filter: DecisionFilter): TrafficPart {
  const uses = new Map<string, Use>()
  const names = new Set<string>()
  let requests = 0
  let missing = 0
  for (const kept of listWanted(ring, filter)) {
    const decisions = listDecisions(kept)
    requests += 1
    missing += Math.max(0, kept.facts.decisions.total - decisions.length)
    for (const { action, bucket, key, isAllowed, question, conditions } of decisions) {
      if (!isAllowed || uses.size >= maxUses) continue
      const prefix = isList(action) ? conditions.get('prefix')?.[0] : undefined
      uses.set(JSON.stringify([action, bucket, key, prefix]), { action, bucket, key, prefix })
      for (const name of (question as AuthorizationRequest).principal.policyNames) names.add(name)
    }
  }
  return { uses: [...uses.values()], requests, missing, policyNames: [...names] }
}

/** Asks each decision of this process again, of the policy alone. */
export async function replay(
  ring: DecisionRing,
  filter: DecisionFilter,
  text: string,
): Promise<ReplayPart> {
  const document = parsePolicyDocument(text, 'the policy of the traffic')
  const failed = new Set<string>()
  const widened = new Set<string>()
  let checked = 0
  for (const kept of listWanted(ring, filter))
    for (const { isAllowed, question } of listDecisions(kept)) {
      const asked = { ...(question as AuthorizationRequest), memo: undefined }
      const request = await loadObjectTags(asked, [document])
      checked += 1
      const isNow = evaluateDocument(document, request).effect === 'Allow'
      if (isNow !== isAllowed) (isNow ? widened : failed).add(kept.id)
    }
  const firstOf = {
    failed: [...failed].slice(0, maxNamed),
    widened: [...widened].slice(0, maxNamed),
  }
  return { checked, ...firstOf }
}

function* listWanted(ring: DecisionRing, filter: DecisionFilter): Generator<KeptRequest> {
  for (const kept of ring.list())
    if (kept.receivedAtMs >= filter.sinceMs && isWanted(viewRequest(kept), filter)) yield kept
}

/**
 * Returns the policy of what all processes have seen, checked by all of them.
 *
 * @param ask Asks all processes.
 * @throws {AwsError} `NoSuchKey` if nothing was allowed.
 */
export async function describeTraffic(
  filter: DecisionFilter,
  ask: (question: object) => Promise<object[]>,
  { policies }: Pick<PolicySources, 'policies'>,
): Promise<Traffic> {
  const parts = (await ask({ uses: filter })).map(readPart)
  const uses = parts.flatMap((part) => part.uses)
  if (uses.length === 0)
    throw new AwsError('NoSuchKey', 'the record has no allowed request of this kind')
  const policy = makeTrafficPolicy(uses)
  const replays = (await ask({ replay: JSON.stringify(policy), filter })).filter(isObject)
  const used = new Set(uses.map(({ action }) => action))
  const names = new Set(parts.flatMap((part) => part.policyNames))
  const unused: Record<string, string[]> = {}
  for (const name of names) {
    const document = policies.get(name)
    if (document === undefined) continue
    unused[name] = listKnownActions('s3:*')
      .map((action) => findKnownAction(action) ?? action)
      .filter((action) => {
        const { effect } = evaluateAnyResource(document, toQuestion(action))
        return !used.has(action) && effect === 'Allow'
      })
  }
  return {
    policy,
    requests: sum(parts.map(({ requests }) => requests)),
    checked: sum(replays.map(({ checked }) => checked)),
    failed: replays.flatMap((part) => readStrings(part, 'failed')),
    widened: replays.flatMap((part) => readStrings(part, 'widened')),
    missing: sum(parts.map(({ missing }) => missing)),
    unused,
  }
}

function sum(values: readonly unknown[]): number {
  return values.reduce<number>((total, value) => total + (typeof value === 'number' ? value : 0), 0)
}

function readPart(part: object): TrafficPart {
  return part as TrafficPart
}

/** Returns the question whether an action could be allowed on anything. */
function toQuestion(action: string): AuthorizationRequest {
  const nobody = { ...anonymousPrincipal, kind: 'session' } as const
  return { principal: nobody, action, bucket: '', object: '', conditions: new Map() }
}
