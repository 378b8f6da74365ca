/** Counters for Prometheus. The adapter to prom-client. */
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client'
import type { HttpHandler } from './http/http-message.ts'
import { serverOperations, type RequestFacts } from './http/request-facts.ts'
import type { Peers } from './options/peers.ts'

export interface Metrics {
  /** @param operation Becomes the label `action`. Beyond a few hundred different ones it becomes `other`. */
  count(operation: string, status: number, seconds: number): void
  /** Counts what a lifecycle pass removed, by its kind. */
  countRemoval(kind: string): void
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>
}

/**
 * Names come from the server's tables, about a hundred. A time series costs Prometheus memory for as long as it is kept, so a name that got in
 * otherwise must not make more of them.
 */
const maxOperations = 256

/** Makes a registry, so that two servers in one process do not share counts. With peers, its text is the sum of all workers. */
export function createMetrics(peers?: Peers): Metrics {
  const registry = new Registry()
  const requests = new Counter({
    name: 'sts_cli_requests_total',
    help: 'Requests answered, by operation and status',
    labelNames: ['action', 'status'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'sts_cli_request_seconds',
    help: 'Time to the reply, by operation',
    labelNames: ['action'],
    registers: [registry],
  })
  const removals = new Counter({
    name: 'sts_cli_lifecycle_removals_total',
    help: 'Objects, versions, delete markers and uploads that lifecycle rules removed',
    labelNames: ['kind'],
    registers: [registry],
  })
  peers?.onCount(() => registry.getMetricsAsJSON())
  const counts = new Map<string, (seconds: number) => void>()
  const operations = new Set<string>()
  const toLabel = (operation: string): string => {
    if (operations.has(operation)) return operation
    if (operations.size >= maxOperations) return serverOperations.other
    operations.add(operation)
    return operation
  }
  return {
    count(operation, status, seconds) {
      const action = toLabel(operation)
      const key = `${action} ${status}`
      let count = counts.get(key)
      if (count === undefined) {
        // Finding a label's series costs more than counting in it; there are as many as operations times statuses.
        const series = requests.labels(action, String(status))
        const times = durations.labels(action)
        count = (spent) => {
          series.inc()
          times.observe(spent)
        }
        counts.set(key, count)
      }
      count(seconds)
    },
    countRemoval: (kind) => removals.labels(kind).inc(),
    text: async () => {
      if (peers === undefined) return registry.metrics()
      return AggregatorRegistry.aggregate(await peers.collectCounts()).metrics()
    },
  }
}

/**
 * Returns a handler that counts every request of the given one by its operation. Work that still runs while its reply is sent is counted at its
 * end; if it failed, by the status of its error, although the reply began with 200.
 */
export function countRequests(handler: HttpHandler, metrics: Metrics): HttpHandler {
  return async (request) => {
    const startedAtMs = performance.now()
    const outcome = await handler(request)
    const count = ({ operation, refusal }: RequestFacts): void => {
      const seconds = (performance.now() - startedAtMs) / 1000
      metrics.count(operation, refusal?.status ?? outcome.reply.status, seconds)
    }
    if (outcome.finalFacts === undefined) count(outcome.facts)
    else void outcome.finalFacts.then(count)
    return outcome
  }
}
