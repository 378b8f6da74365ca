/** The door to undici: the server's long-lived connections to the services it asks. */
import { Agent, request } from 'undici'

export interface FetchJsonOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca?: readonly string[] | undefined
}

/** Gets a JSON document; rejects for anything but HTTP 200 with JSON, in time and in size. */
export type FetchJson = (url: string) => Promise<unknown>

/**
 * Makes a `FetchJson` with a connection pool of its own. Redirects are not followed: a key set that moved is a decision of the operator.
 */
export function createFetchJson(options: FetchJsonOptions): {
  fetchJson: FetchJson
  close: () => Promise<void>
} {
  const agent = new Agent({
    connect: {
      timeout: options.timeoutMs,
      ...(options.ca === undefined ? {} : { ca: [...options.ca] }),
    },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    maxResponseSize: options.maxBytes,
    keepAliveTimeout: 10_000,
  })
  return {
    async fetchJson(url) {
      const answer = await request(url, {
        dispatcher: agent,
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(options.timeoutMs),
      })
      if (answer.statusCode !== 200) {
        await answer.body.dump({ limit: 1024 })
        throw new Error(`${url} answered HTTP ${answer.statusCode}`)
      }
      return (await answer.body.json()) as unknown
    },
    close: () => agent.close(),
  }
}
