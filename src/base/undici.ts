/** The door to undici: the server's long-lived connections to the services it asks, and tunnels through proxies. */
import { rootCertificates } from 'node:tls'
import { parseJson } from './parse.ts'

export interface JsonClientOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca?: readonly string[] | undefined
  /** Sent to the letter in every request's header of that name. */
  readonly authorization?: string | undefined
  /** A Unix socket to speak to instead of the URL's own host. */
  readonly socketPath?: string | undefined
}

/** Gets a JSON document; rejects for anything but HTTP 200 with JSON, in time and in size, with the address and what happened. */
export type FetchJson = (url: string) => Promise<unknown>

/** Posts a JSON document and gives the one that answers it; rejects as `FetchJson`, without the address: callers show it to theirs. */
export type PostJson = (url: string, document: unknown) => Promise<unknown>

/**
 * Posts nothing to an address that says it all, and gives what answers, of whatever status; `json` is undefined for what is not JSON.
 * The address may hold a secret: it is in no message.
 */
export type PostForAnswer = (
  url: URL,
) => Promise<{ readonly status: number; readonly json: unknown }>

export interface JsonClient {
  readonly fetchJson: FetchJson
  readonly postJson: PostJson
  readonly postForAnswer: PostForAnswer
  close(): Promise<void>
}

/**
 * A client for JSON with a connection pool of its own. Redirects are not followed: a service that moved is a decision of the operator.
 */
export function createJsonClient(options: JsonClientOptions): JsonClient {
  let transport: ReturnType<typeof openTransport> | undefined
  const authorization =
    options.authorization === undefined ? {} : { authorization: options.authorization }
  const send = async (url: string, call: object): Promise<unknown> => {
    transport ??= openTransport(options)
    const { agent, request } = await transport
    const answer = await request(url, { dispatcher: agent, ...call })
    if (answer.statusCode !== 200) {
      await answer.body.dump({ limit: 1024 })
      throw new Error(describeStatus(answer.statusCode))
    }
    return (await answer.body.json()) as unknown
  }
  return {
    async fetchJson(url) {
      const signal = AbortSignal.timeout(options.timeoutMs)
      const headers = { accept: 'application/json', ...authorization }
      try {
        return await send(url, { headers, signal })
      } catch (error) {
        const { origin, pathname } = new URL(url)
        throw new Error(`${origin}${pathname} ${describe(error, options)}`, { cause: error })
      }
    },
    async postJson(url, document) {
      const call = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(document),
        // One limit for both tries.
        signal: AbortSignal.timeout(options.timeoutMs),
      }
      try {
        return await send(url, call).catch((error: unknown) => {
          // The other side closed an idle connection as we wrote to it: nothing was decided, so asking again is safe.
          if (!isBrokenConnection(error)) throw error
          return send(url, call)
        })
      } catch (error) {
        throw new Error(describe(error, options), { cause: error })
      }
    },
    async postForAnswer(url) {
      const signal = AbortSignal.timeout(options.timeoutMs)
      try {
        transport ??= openTransport(options)
        const { agent, request } = await transport
        const headers = { accept: 'application/json', ...authorization }
        const answer = await request(url, { dispatcher: agent, method: 'POST', headers, signal })
        return { status: answer.statusCode, json: parseJson(await answer.body.text()) }
      } catch (error) {
        throw new Error(describe(error, options), { cause: error })
      }
    },
    close: async () => (await transport)?.agent.close(),
  }
}

function readCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

function isBrokenConnection(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(readCode(error) ?? '')
}

function describeStatus(status: number): string {
  const isRedirect = status >= 300 && status < 400
  return `answered HTTP ${status}${isRedirect ? ', a redirect that is not followed' : ''}`
}

/** What happened, as the end of a sentence that begins with the service's name; nothing of the answer is in it. */
function describe(error: unknown, { timeoutMs, maxBytes }: JsonClientOptions): string {
  const code = readCode(error)
  const isLate =
    (error instanceof Error && error.name === 'TimeoutError') || code?.endsWith('_TIMEOUT') === true
  if (isLate) return `gave no answer within ${timeoutMs} ms`
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `answered more than ${maxBytes} bytes`
  if (error instanceof SyntaxError) return 'answered what is not JSON'
  if (isBrokenConnection(error)) return 'closed the connection without an answer'
  if (code !== undefined) return `cannot be reached (${code})`
  return error instanceof Error ? error.message : String(error)
}

/** Loaded when it is first used: a server whose every part is embedded would spend a tenth of its start on it. */
function loadUndici(): Promise<typeof import('undici')> {
  return import('undici')
}

async function openTransport({ timeoutMs, maxBytes, ca, socketPath }: JsonClientOptions) {
  const { Agent, request } = await loadUndici()
  const agent = new Agent({
    connect: {
      timeout: timeoutMs,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(ca === undefined ? {} : { ca: [...ca, ...rootCertificates] }),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxBytes,
    keepAliveTimeout: 10_000,
  })
  return { agent, request }
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
