/** The door to undici: the server's long-lived connections to the services it asks, and tunnels through proxies. */
import { Agent, ProxyAgent, request } from 'undici'

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

export interface ProxiedCall {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  /** `http://[user:password@]host:port`. */
  readonly proxy: string
  readonly timeoutMs: number
  readonly tls: { readonly rejectUnauthorized?: boolean; readonly ca?: string[] }
}

/** Sends one request through a proxy. The body must be read to its end. */
export async function requestThroughProxy(call: ProxiedCall): Promise<{
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: AsyncIterable<Buffer>
}> {
  const agent = new ProxyAgent({ uri: call.proxy, requestTls: call.tls, proxyTls: {} })
  const answer = await request(call.url, {
    dispatcher: agent,
    method: call.method,
    headers: call.headers,
    body: call.body ?? null,
    reset: true,
    signal: AbortSignal.timeout(call.timeoutMs),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body }
}
