/** Answers about the decided requests: `/minio/admin/v3/sts-cli/requests`, for `watch`, `explain` and `policy --from-traffic`. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { HttpReply, HttpRequest } from '../http/http-message.ts'
import { isWanted, readDecisionFilter, type DecisionFilter } from '../decisions/decision-filter.ts'
import { listDecisions, viewRequest, type RequestView } from '../decisions/decision-record.ts'
import type { DecisionRing } from '../decisions/decision-ring.ts'
import type { AuthorizationRequest } from '../policy/authorizer.ts'
import {
  explainDecision,
  type Explanation,
  type PolicySources,
} from '../policy/explain-decision.ts'
import { describeTraffic, listUses, replay } from './traffic.ts'

/** The path of the list; that of one request has its id after it. */
export const requestsPath = '/minio/admin/v3/sts-cli/requests'

/** The path of the policy that is made of the allowed requests. */
export const trafficPath = '/minio/admin/v3/sts-cli/policy'

/** Whoever may do this sees everybody's requests, as in MinIO's `mc admin trace`. */
export const traceAction = 'admin:ServerTrace'

/** The other processes of the server, with whose requests an answer is whole. */
export interface AskedPeers {
  onQuestion(answer: (question: object) => Promise<object | undefined>): void
  /** Resolves to the answers of all processes, this one's among them. */
  ask(question: object): Promise<object[]>
}

export interface RequestLibrary {
  /** Undefined if the server keeps no requests. */
  readonly ring: DecisionRing | undefined
  readonly sources: PolicySources
  readonly peers: AskedPeers | undefined
}

/** One request with the explanation of each of its decisions. */
interface ExplainedRequest {
  readonly request: RequestView
  /** The values of the request's conditions, by MinIO's names. */
  readonly conditions: Readonly<Record<string, readonly string[]>>
  readonly explanations: readonly Explanation[]
}

/** What one process asks the others: a list, or one request. */
type Question =
  | { readonly list: DecisionFilter }
  | { readonly id: string }
  | { readonly uses: DecisionFilter }
  | { readonly replay: string; readonly filter: DecisionFilter }

export interface RequestsHandler {
  /** Answers a GET whose caller may trace. @throws {AwsError} `InvalidArgument`, `NoSuchKey` for a request that is not kept. */
  answer(request: HttpRequest): Promise<HttpReply>
}

/** Returns the handler; it answers for the requests of all processes of the server. */
export function createRequestsHandler({ ring, sources, peers }: RequestLibrary): RequestsHandler {
  const answerHere = async (question: Question): Promise<object | undefined> => {
    if (ring === undefined) return undefined
    if ('id' in question) return explain(ring, question.id, sources)
    if ('uses' in question) return listUses(ring, question.uses)
    if ('replay' in question) return replay(ring, question.filter, question.replay)
    return { requests: select(ring, question.list) }
  }
  peers?.onQuestion(async (question) => {
    const known = readQuestion(question)
    return known && answerHere(known)
  })
  const ask = async (question: object): Promise<object[]> => {
    if (peers !== undefined) return peers.ask(question)
    const known = readQuestion(question)
    const answer = known && (await answerHere(known))
    return answer === undefined ? [] : [answer]
  }
  return {
    async answer(request) {
      if (ring === undefined) throw new AwsError('NotImplemented', 'this server keeps no requests')
      if (request.rawPath === trafficPath) {
        const filter = readDecisionFilter(request.query)
        return toReply(await describeTraffic(filter, ask, sources))
      }
      const rest = request.rawPath.slice(requestsPath.length)
      if (rest === '') return toReply({ requests: await list(request, ask) })
      const [found] = await ask({ id: rest.slice(1).toUpperCase() })
      if (found !== undefined) return toReply(found)
      throw new AwsError(
        'NoSuchKey',
        'no request of this id is kept: it is of another server, or too long ago',
      )
    },
  }
}

async function list(
  { query }: HttpRequest,
  ask: (question: object) => Promise<object[]>,
): Promise<RequestView[]> {
  const filter = readDecisionFilter(query)
  const answers = (await ask({ list: filter })) as {
    readonly requests: readonly RequestView[]
  }[]
  return answers
    .flatMap(({ requests }) => requests)
    .toSorted((left, right) => (left.time < right.time ? -1 : left.time > right.time ? 1 : 0))
    .slice(-filter.limit)
}

/** Returns a question of this server's own processes, which are the same build. */
function readQuestion(question: object): Question | undefined {
  const isKnown = ['id', 'list', 'uses', 'replay'].some((name) => Object.hasOwn(question, name))
  return isKnown ? (question as Question) : undefined
}

/** Returns the wanted requests, the oldest first; of too many the newest. */
function select(ring: DecisionRing, filter: DecisionFilter): RequestView[] {
  const found: RequestView[] = []
  for (const kept of ring.list()) {
    if (kept.receivedAtMs < filter.sinceMs) continue
    const view = viewRequest(kept)
    if (isWanted(view, filter) && found.push(view) >= filter.limit) break
  }
  return found.toReversed()
}

async function explain(
  ring: DecisionRing,
  id: string,
  sources: PolicySources,
): Promise<ExplainedRequest | undefined> {
  const kept = ring.find(id)
  if (kept === undefined) return undefined
  const decisions = listDecisions(kept)
  const explanations: Explanation[] = []
  for (const { question, isAllowed, rule } of decisions)
    explanations.push(
      await explainDecision(question as AuthorizationRequest, { isAllowed, reason: rule }, sources),
    )
  const conditions = Object.fromEntries(decisions[0]?.conditions ?? [])
  return { request: viewRequest(kept), conditions, explanations }
}

function toReply(body: object): HttpReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(body)}\n`,
  }
}
