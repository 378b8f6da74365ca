/** The door to undici: the server's long-lived connections to the services it asks, and tunnels through proxies. */
import { rootCertificates } from 'node:tls'
import type { Agent } from 'undici'

export interface JsonClientOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca?: readonly string[] | undefined
  /** Sent to the letter in every request's header of that name. */
  readonly authorization?: string | undefined
}

/** Gets a JSON document; rejects for anything but HTTP 200 with JSON, in time and in size. */
export type FetchJson = (url: string) => Promise<unknown>

/** Posts a JSON document and gives the one that answers it; rejects as `FetchJson`. */
export type PostJson = (url: string, document: unknown) => Promise<unknown>

export interface JsonClient {
  readonly fetchJson: FetchJson
  readonly postJson: PostJson
  close(): Promise<void>
}

/**
 * A client for JSON with a connection pool of its own. Redirects are not followed: a service that moved is a decision of the operator.
 */
export function createJsonClient(options: JsonClientOptions): JsonClient {
  let agent: Promise<Agent> | undefined
  const authorization =
    options.authorization === undefined ? {} : { authorization: options.authorization }
  const send = async (url: string, call: object): Promise<unknown> => {
    const { request } = await loadUndici()
    agent ??= openAgent(options)
    const answer = await request(url, {
      dispatcher: await agent,
      signal: AbortSignal.timeout(options.timeoutMs),
      ...call,
    })
    if (answer.statusCode !== 200) {
      await answer.body.dump({ limit: 1024 })
      throw new Error(`${url} answered HTTP ${answer.statusCode}`)
    }
    return (await answer.body.json()) as unknown
  }
  return {
    fetchJson: (url) => send(url, { headers: { accept: 'application/json', ...authorization } }),
    async postJson(url, document) {
      const call = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(document),
      }
      try {
        return await send(url, call)
      } catch (error) {
        // The other side closed an idle connection as we wrote to it: nothing was decided, so asking again is safe.
        if (!isBrokenConnection(error)) throw error
        return send(url, call)
      }
    },
    close: async () => (await agent)?.close(),
  }
}

/** Loaded when it is first used: a server whose every part is embedded would spend a tenth of its start on it. */
function loadUndici(): Promise<typeof import('undici')> {
  return import('undici')
}

async function openAgent({ timeoutMs, maxBytes, ca }: JsonClientOptions): Promise<Agent> {
  const { Agent } = await loadUndici()
  return new Agent({
    connect: {
      timeout: timeoutMs,
      ...(ca === undefined ? {} : { ca: [...ca, ...rootCertificates] }),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxBytes,
    keepAliveTimeout: 10_000,
  })
}

function isBrokenConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

export interface ProxiedCall {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  /** `http://[user:password@]host:port`. */
  readonly proxy: string
  readonly timeoutMs: number
  readonly tls: {
    readonly rejectUnauthorized?: boolean
    readonly ca?: string[]
    readonly cert?: string
    readonly key?: string
  }
}

/** Sends one request through a proxy. The body must be read to its end. */
export async function requestThroughProxy(call: ProxiedCall): Promise<{
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: AsyncIterable<Buffer>
}> {
  const { ProxyAgent, request } = await loadUndici()
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
