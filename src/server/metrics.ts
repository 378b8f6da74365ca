/** Counters for Prometheus. The door to prom-client. */
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client'
import type { HttpHandler } from './http/http-message.ts'
import type { Peers } from './options/peers.ts'

export interface Metrics {
  count(action: string, status: number, seconds: number): void
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>
}

/** Makes a registry of its own, so that two servers in one process do not share counts. With peers, its text is the sum of all. */
export function createMetrics(peers?: Peers): Metrics {
  const registry = new Registry()
  const requests = new Counter({
    name: 'sts_cli_requests_total',
    help: 'Requests answered, by action and status',
    labelNames: ['action', 'status'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'sts_cli_request_seconds',
    help: 'Time to the reply, by action',
    labelNames: ['action'],
    registers: [registry],
  })
  peers?.onCount(() => registry.getMetricsAsJSON())
  const counts = new Map<string, (seconds: number) => void>()
  return {
    count(action, status, seconds) {
      const key = `${action} ${status}`
      let count = counts.get(key)
      if (count === undefined) {
        // Finding a label's series costs more than counting in it; there are as many as actions times statuses.
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
    text: async () => {
      if (peers === undefined) return registry.metrics()
      return AggregatorRegistry.aggregate(await peers.collectCounts()).metrics()
    },
  }
}

/** Counts every request of a handler; the label is the action's own name, never a path. */
export function countRequests(handler: HttpHandler, metrics: Metrics): HttpHandler {
  return async (request) => {
    const startedAtMs = performance.now()
    const reply = await handler(request)
    const seconds = (performance.now() - startedAtMs) / 1000
    metrics.count(String(request.log['action'] ?? 'other'), reply.status, seconds)
    return reply
  }
}
