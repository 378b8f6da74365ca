/**
 * Requests of short-lived commands, by node:http and node:https: undici and fetch compile their parser at first use, which takes six times
 * as long as Node's own start. Redirects are not followed: an IdP or STS that redirects shows a login page or has another URL.
 */
import type { IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { ErrorReason } from '../error-reasons.ts'
import { StsCliError, type ErrorStage } from '../errors.ts'
import { findProxy } from './proxy-tunnel.ts'
import { readTlsOptions } from './tls-options.ts'

export interface HttpCall {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
}

export interface HttpAnswer {
  readonly status: number
  /** Headers by lower-case name, the first value of each. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface HttpOptions {
  readonly stage: ErrorStage
  /** The time limit, retries included. */
  readonly timeoutMs: number
  /** The number of retries, for failures that a retry may cure. */
  readonly retries: number
  /** A PEM file to trust in addition to the built-in roots. */
  readonly caFile?: string | undefined
  /** PEM files of the client certificate and its key, for servers that require one. */
  readonly certFile?: string | undefined
  readonly certKeyFile?: string | undefined
  /** Accepts any certificate. */
  readonly isInsecure?: boolean | undefined
  /** The environment with `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Called for each request with one line without secrets (`-v`). */
  readonly trace?: ((line: string) => void) | undefined
  /** Called with the host for which the command waits; returns a function that ends the wait. */
  readonly progress?: ((what: string) => () => void) | undefined
}

const maxBodyBytes = 1024 * 1024
const retriedStatuses = new Set([429, 502, 503, 504])
const retriedErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN'])

/**
 * Sends a request; retries after a refused or broken connection and after 429, 502, 503, 504.
 *
 * @returns The last answer, with any status.
 * @throws {StsCliError} `ERR_UNAVAILABLE`, `ERR_HOST`, `ERR_TIMEOUT`, `ERR_PROTOCOL` (an answer over 1 MiB), `ERR_INPUT` (the CA file).
 */
export async function sendHttp(call: HttpCall, options: HttpOptions): Promise<HttpAnswer> {
  const end = options.progress?.(call.url.host)
  try {
    return await sendInTime(call, options)
  } finally {
    end?.()
  }
}

async function sendInTime(call: HttpCall, options: HttpOptions): Promise<HttpAnswer> {
  const deadlineMs = performance.now() + options.timeoutMs
  // Without the query: old servers require the token in it.
  const what = `${options.stage}: ${call.method} ${call.url.origin}${call.url.pathname}`
  for (let attempt = 0; ; attempt += 1) {
    const delayMs = Math.min(2000, 100 * 2 ** attempt) * (0.5 + Math.random() / 2)
    // When no time is left for a retry, the last failure is reported: «connection refused» helps more than «no answer in time».
    const isLast = (): boolean =>
      attempt >= options.retries || performance.now() + delayMs >= deadlineMs
    try {
      // Whole milliseconds: AbortSignal.timeout refuses a fraction.
      const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()))
      const answer = await sendOnce(call, options, leftMs)
      options.trace?.(`${what} answered ${answer.status}`)
      if (!retriedStatuses.has(answer.status) || isLast()) return answer
    } catch (error) {
      options.trace?.(`${what} failed (${codeOf(error)})`)
      if (!retriedErrors.has(codeOf(error)) || isLast()) throw toHttpError(error, call.url, options)
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs))
  }
}

async function sendOnce(
  call: HttpCall,
  options: HttpOptions,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const proxy = findProxy(call.url, options.env ?? {})
  if (proxy !== undefined) return sendThroughProxy(call, options, { timeoutMs, proxy })
  const isTls = call.url.protocol === 'https:'
  const { request: open } = isTls ? await import('node:https') : await import('node:http')
  const requestOptions: RequestOptions = {
    method: call.method,
    headers: { ...call.headers },
    agent: false,
  }
  if (call.body !== undefined) {
    const bytes =
      typeof call.body === 'string' ? Buffer.byteLength(call.body) : call.body.byteLength
    requestOptions.headers = { ...call.headers, 'content-length': String(bytes) }
  }
  if (isTls) Object.assign(requestOptions, await readTlsOptions(call.url, options))
  return await new Promise((resolve, reject) => {
    const request = open(
      call.url,
      requestOptions,
      (response) => void readAnswer(response).then(resolve, reject),
    )
    const timer = setTimeout(() => request.destroy(timeoutError()), timeoutMs)
    request.on('close', () => clearTimeout(timer))
    request.on('error', reject)
    request.end(call.body)
  })
}

/** Sends a request like a direct connection does, but by undici, whose proxy agent opens the tunnel. */
async function sendThroughProxy(
  call: HttpCall,
  options: HttpOptions,
  { timeoutMs, proxy }: { timeoutMs: number; proxy: string },
): Promise<HttpAnswer> {
  if (!URL.canParse(proxy) || !/^https?:$/.test(new URL(proxy).protocol))
    throw new StsCliError('proxy-invalid', 'the proxy of the environment is no http or https URL', {
      stage: options.stage,
    })
  const { requestThroughProxy } = await import('./json-client.ts')
  const tls = await readTlsOptions(call.url, options)
  const answer = await requestThroughProxy({ ...call, proxy, timeoutMs, tls })
  return toAnswer(answer.status, answer.headers, await readBody(answer.body))
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  return toAnswer(response.statusCode ?? 0, response.headers, await readBody(response))
}

async function readBody(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBodyBytes)
      throw Object.assign(new Error('answer too long'), { code: 'ERR_TOO_LONG' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function toAnswer(
  status: number,
  all: Readonly<Record<string, string | string[] | undefined>>,
  body: Buffer,
): HttpAnswer {
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(all))
    headers[name] = Array.isArray(value) ? value[0] : value
  return { status, headers, body }
}

function timeoutError(): Error {
  return Object.assign(new Error('time limit reached'), { code: 'ETIMEDOUT' })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

interface Failure {
  readonly reason: ErrorReason
  readonly message: string
}

/** Returns the error for a request without an answer; a `StsCliError` comes back as it is. */
function toHttpError(error: unknown, url: URL, options: HttpOptions): StsCliError {
  if (error instanceof StsCliError) return error
  const proxy = findProxy(url, options.env ?? {})
  const { reason, message } = describeFailure(error, { url, proxy, timeoutMs: options.timeoutMs })
  return new StsCliError(reason, message, {
    stage: options.stage,
    details: { proxy: proxy === undefined ? undefined : new URL(proxy).host },
    cause: error,
  })
}

interface Attempt {
  readonly url: URL
  readonly proxy: string | undefined
  readonly timeoutMs: number
}

function describeFailure(error: unknown, { url, proxy, timeoutMs }: Attempt): Failure {
  const code = codeOf(error)
  // The host that this process resolved and called: behind a proxy, the proxy does that.
  const peer = proxy === undefined ? url : new URL(proxy)
  const at = proxy === undefined ? url.host : `${url.host} through the proxy ${peer.host}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      reason: 'host-unknown',
      message: `the host ${peer.hostname} is not known`,
    }
  if (isTimeout(error, code))
    return {
      reason: 'answer-timeout',
      message: `no answer from ${at} within ${timeoutMs / 1000} s`,
    }
  if (code === 'ERR_TOO_LONG')
    return {
      reason: 'answer-too-long',
      message: `the answer of ${at} is longer than ${maxBodyBytes} bytes`,
    }
  if (code === 'ECONNREFUSED')
    return {
      reason: 'connection-refused',
      message: `nothing listens at ${peer.host}`,
    }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ISSUER/.test(code))
    return {
      reason: 'certificate-untrusted',
      message: `the certificate of ${at} is not trusted (${code})`,
    }
  if (code.startsWith('HPE_'))
    return {
      reason: 'answer-not-http',
      message: `${at} does not speak HTTP (${code})`,
    }
  const message = `the connection to ${at} failed (${code === '' ? 'unknown reason' : code})`
  return { reason: /SSL|EPROTO/.test(code) ? 'tls-handshake-failed' : 'connection-failed', message }
}

function isTimeout(error: unknown, code: string): boolean {
  const isAborted = error instanceof Error && error.name === 'TimeoutError'
  return code === 'ETIMEDOUT' || code.endsWith('_TIMEOUT') || isAborted
}
