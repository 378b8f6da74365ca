/** The adapter of undici: the server's long-lived connections to other services, and tunnels through proxies. */
import { rootCertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import { errorCode } from '../error-code.ts'
import { parseJson } from '../parse.ts'
import { dispatchWhole, type WholeAnswer, type WholeRequest } from './whole-answer.ts'

export interface JsonClientOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** PEM certificates to trust in addition to the built-in roots. */
  readonly ca?: readonly string[] | undefined
  /** The value of the header with this name in every request, sent unchanged. */
  readonly authorization?: string | undefined
  /** A Unix socket to connect to instead of the URL's own host. */
  readonly socketPath?: string | undefined
}

/** Gets a JSON document; rejects for anything except HTTP 200 with JSON within the time and size limits, with the URL and the reason. */
export type FetchJson = (url: string) => Promise<unknown>

/** Posts a JSON document and returns the JSON answer; rejects like `FetchJson`, but without the URL: callers show the message to their clients. */
export type PostJson = (url: string, document: unknown) => Promise<unknown>

/**
 * Posts an empty body to a complete URL, and returns the answer with any status; `json` is undefined if it is not JSON.
 * The URL may contain a secret: it is in no message.
 */
export type PostForAnswer = (
  url: URL,
) => Promise<{ readonly status: number; readonly json: unknown }>

/** Posts a form, and returns the answer with any status; `json` is undefined if it is not JSON. Form and headers may have secrets: they are in no message. */
export type PostForm = (
  url: string,
  form: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number; readonly json: unknown }>

export interface JsonClient {
  readonly fetchJson: FetchJson
  readonly postForm: PostForm
  readonly postJson: PostJson
  readonly postForAnswer: PostForAnswer
  close(): Promise<void>
}

/**
 * Creates a client for JSON with its own connection pool. Redirects are not followed: the operator must decide about a service that moved.
 */
export function createJsonClient(options: JsonClientOptions): JsonClient {
  let agent: Promise<Dispatcher> | undefined
  const { timeoutMs, maxBytes } = options
  const authorization =
    options.authorization === undefined ? {} : { authorization: options.authorization }
  const send = async (url: string | URL, call: Call): Promise<WholeAnswer> => {
    agent ??= openAgent(options)
    const { origin, pathname, search } = new URL(url)
    const headers = { ...call.headers, ...authorization }
    const request = { timeoutMs, ...call, headers, origin, path: pathname + search, maxBytes }
    return dispatchWhole(await agent, request)
  }
  return {
    async fetchJson(url) {
      try {
        return readJson(await send(url, { method: 'GET', headers: { accept: 'application/json' } }))
      } catch (error) {
        const { origin, pathname } = new URL(url)
        throw new Error(`${origin}${pathname} ${describe(error, options)}`, { cause: error })
      }
    },
    async postJson(url, document) {
      const headers = { 'content-type': 'application/json' }
      const call = { method: 'POST', headers, body: JSON.stringify(document) } as const
      const startedAtMs = performance.now()
      try {
        const answer = await send(url, call).catch((error: unknown) => {
          // The other side closed an idle connection during the write: it processed nothing, so a retry is safe.
          if (!isBrokenConnection(error)) throw error
          // One time limit for both attempts.
          const leftMs = Math.max(1, timeoutMs - (performance.now() - startedAtMs))
          return send(url, { ...call, timeoutMs: leftMs })
        })
        return readJson(answer)
      } catch (error) {
        throw new Error(describe(error, options), { cause: error })
      }
    },
    async postForAnswer(url) {
      try {
        const headers = { accept: 'application/json' }
        const { status, body } = await send(url, { method: 'POST', headers })
        return { status, json: parseJson(body.toString('utf8')) }
      } catch (error) {
        throw new Error(describe(error, options), { cause: error })
      }
    },
    async postForm(url, form, given) {
      const type = 'application/x-www-form-urlencoded'
      const headers = { accept: 'application/json', 'content-type': type, ...given }
      try {
        const { status, body } = await send(url, { method: 'POST', headers, body: form })
        return { status, json: parseJson(body.toString('utf8')) }
      } catch (error) {
        throw new Error(describe(error, options), { cause: error })
      }
    },
    close: async () => (await agent)?.close(),
  }
}

type Call = Pick<WholeRequest, 'method' | 'headers' | 'body' | 'timeoutMs'>

function readJson({ status, body }: WholeAnswer): unknown {
  if (status !== 200) throw new Error(describeStatus(status))
  return JSON.parse(body.toString('utf8')) as unknown
}

function isBrokenConnection(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '')
}

function describeStatus(status: number): string {
  const isRedirect = status >= 300 && status < 400
  return `answered HTTP ${status}${isRedirect ? ', a redirect that is not followed' : ''}`
}

/** Returns the reason as the end of a sentence that begins with the service's name; it contains nothing of the answer. */
function describe(error: unknown, { timeoutMs, maxBytes }: JsonClientOptions): string {
  const code = errorCode(error)
  const isLate =
    (error instanceof Error && error.name === 'TimeoutError') || code?.endsWith('_TIMEOUT') === true
  if (isLate) return `gave no answer within ${timeoutMs} ms`
  if (code === 'ERR_TOO_LONG') return `answered more than ${maxBytes} bytes`
  if (error instanceof SyntaxError) return 'answered what is not JSON'
  if (isBrokenConnection(error)) return 'closed the connection without an answer'
  if (code !== undefined) return `cannot be reached (${code})`
  return error instanceof Error ? error.message : String(error)
}

/** Loaded at first use: otherwise a server with only embedded parts would spend a tenth of its start on it. */
function loadUndici(): Promise<typeof import('undici')> {
  return import('undici')
}

async function openAgent({ timeoutMs, ca, socketPath }: JsonClientOptions): Promise<Dispatcher> {
  const { Agent } = await loadUndici()
  return new Agent({
    connect: {
      timeout: timeoutMs,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(ca === undefined ? {} : { ca: [...ca, ...rootCertificates] }),
    },
    // The limit of the request comes first.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 10_000,
  })
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

/** Sends one request through a proxy. The caller must read the body to its end. */
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
