/** Keeps the decided requests of this process, and answers questions about those of the whole server. */
import {
  createRequestsHandler,
  type RequestLibrary,
  type RequestsHandler,
} from './admin/handle-requests.ts'
import { keepRequest } from './decisions/decision-record.ts'
import { createDecisionRing, defaultKeptDecisions } from './decisions/decision-ring.ts'
import type { ListenOptions } from './http/listener.ts'
import type { ServerOptions } from './options/server-options.ts'

export interface KeptDecisions extends Pick<ListenOptions, 'onAnswered'> {
  /** Returns what answers the questions; called once. */
  openHandler(sources: RequestLibrary['sources']): RequestsHandler
}

/** Returns the record of a server's requests; it keeps none if the options say so. */
export function keepDecisions({
  keptDecisions = defaultKeptDecisions,
  nowMs,
  peers,
}: Pick<ServerOptions, 'keptDecisions' | 'nowMs' | 'peers'>): KeptDecisions {
  const ring = keptDecisions === 0 ? undefined : createDecisionRing(keptDecisions)
  return {
    onAnswered:
      ring &&
      ((request, outcome, sentBytes) =>
        ring.add(keepRequest(request, outcome, { sentBytes, nowMs: nowMs() }))),
    openHandler: (sources) => createRequestsHandler({ ring, sources, peers }),
  }
}
