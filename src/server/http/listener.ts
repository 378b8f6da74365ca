/**
 * Turns a socket's requests into values and replies back into bytes. Everything a client can do to a connection is handled here: slow headers,
 * bodies that nobody reads, uploads that wait for `100 Continue`, clients that go away.
 */
import { randomInt } from 'node:crypto'
import type { Server } from 'node:http'
import type { ServerOptions as TlsServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Log } from '../../base/log.ts'
import { parseQuery } from '../../protocol/query.ts'
import {
  createAdmissionControl,
  type AdmissionControl,
  type Overload,
} from './admission-control.ts'
import { readAuthority } from './framing.ts'
import { toLogFields } from './access-log.ts'
import type { HttpHandler, HttpOutcome, HttpRequest } from './http-message.ts'
import { openServer, type Exchange, type ServerBounds } from './open-server.ts'
import { readClientCertificate } from './client-certificate.ts'
import { serverOperations } from './request-facts.ts'
import { describeOperation } from './request-recorder.ts'
import { sendReply } from './send-reply.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly tls?: ListenTls | undefined
  readonly log: Log
  /** Writes one log line per request. */
  readonly isAccessLogged: boolean
  readonly nowMs: () => number
  /** The limits, and how a request beyond them is refused. Left out, every request is taken. */
  readonly overload?: Overload | undefined
  /** 4096 when left out. */
  readonly maxConnections?: number | undefined
  readonly every?: ServerBounds['every']
}

export interface ListenTls {
  readonly cert: string
  readonly key: string
  /** PEM of the CA for client certificates. With it, clients are asked for a certificate and may have none. */
  readonly clientCa?: string | undefined
}

export interface Listener {
  readonly url: URL
  readonly port: number
  /** Stops accepting, waits for running requests at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>
}

/** The session token travels in a header of at most 8 KiB; the rest of a signed request needs little beside it. */
const maxHeaderBytes = 20 * 1024
/** Each takes about 30 KiB with TLS. */
const defaultMaxConnections = 4096
/** Connections that the kernel holds until we accept them: a burst that overflows its 511 is reset, without an answer. */
const backlog = 4096
/** While closing: how often connections whose last request is done are closed. */
const idleSweepMs = 50

/**
 * Binds a handler to an address.
 *
 * @throws Node's own error (`EADDRINUSE`, `EACCES`, …) when the address cannot be bound.
 */
export async function listen(handler: HttpHandler, options: ListenOptions): Promise<Listener> {
  const makeId = createRequestIds(options.nowMs)
  const admission = options.overload && createAdmissionControl(options.overload)
  const server = openServer({
    tls: options.tls && toTlsOptions(options.tls),
    maxHeaderBytes,
    maxConnections: options.maxConnections ?? defaultMaxConnections,
    every: options.every,
    onRequest: (exchange) => void serveOne(exchange, { handler, makeId, options, admission }),
  })
  await bind(server, options)
  const { port } = server.address() as AddressInfo
  const scheme = options.tls === undefined ? 'http' : 'https'
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: new URL(`${scheme}://${host}:${port}`),
    port,
    close: (graceMs) => closeServer(server, graceMs),
  }
}

function toTlsOptions({ cert, key, clientCa }: ListenTls): TlsServerOptions {
  if (clientCa === undefined) return { cert, key }
  // A certificate that does not verify is refused by the STS action: most requests need none.
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false }
}

interface ListenerContext {
  readonly handler: HttpHandler
  readonly makeId: () => string
  readonly options: ListenOptions
  readonly admission: AdmissionControl | undefined
}

async function serveOne(exchange: Exchange, context: ListenerContext): Promise<void> {
  const { makeId, options } = context
  const { message, response } = exchange
  const request = toHttpRequest(exchange, makeId(), options)
  refuseSlowBody(exchange, request, options)
  const { requestId } = request
  // Handlers turn refusals into replies. An error that arrives here is a bug.
  const fail = (error: unknown): HttpOutcome => {
    options.log.error({ requestId, err: error }, 'handler failed')
    return internalError
  }
  let outcome = await handle(request, exchange, context).catch(fail)
  // The client is gone, or its body was too slow and it has been told so.
  if (response.headersSent || response.destroyed) {
    if (outcome.reply.body instanceof Readable) outcome.reply.body.destroy()
    return
  }
  let bytes: number
  try {
    bytes = await sendReply(message, response, outcome.reply, requestId)
  } catch (error) {
    // Node refuses a header before anything of the reply is sent.
    const { reply, facts } = fail(error)
    outcome = { reply, facts: { ...outcome.facts, refusal: facts.refusal } }
    bytes = await sendReply(message, response, reply, requestId)
  }
  logRequest(request, outcome, bytes, options)
}

const internalError: HttpOutcome = {
  reply: { status: 500, headers: { 'content-type': 'text/plain' }, body: 'internal error\n' },
  facts: describeOperation(serverOperations.other, {
    code: 'InternalError',
    reason: 'internal error',
  }),
}

/** Writes the request's line of the access log. Its query and headers are left out, as they may hold secrets. */
function logRequest(
  request: HttpRequest,
  { reply, facts }: HttpOutcome,
  bytes: number,
  { isAccessLogged, log, nowMs }: ListenOptions,
): void {
  if (!isAccessLogged) return
  log.info(
    {
      requestId: request.requestId,
      method: request.method,
      path: request.rawPath,
      ...toLogFields(facts),
      status: reply.status,
      bytes,
      ms: nowMs() - request.receivedAtMs,
    },
    'request',
  )
}

/** Handles the request once it is admitted. Its slot is given up when the reply is there, before it is sent. */
async function handle(
  request: HttpRequest,
  exchange: Exchange,
  { handler, options, admission }: ListenerContext,
): Promise<HttpOutcome> {
  if (admission === undefined || options.overload === undefined) return handler(request)
  const admitted = await admission.admit(request, exchange)
  if (admitted === undefined) return options.overload.toRefusal(request, 'busy')
  try {
    // The client stopped waiting: nobody reads this answer.
    if (exchange.response.destroyed)
      return { reply: { status: 499 }, facts: describeOperation(serverOperations.refused) }
    return await handler(admitted.request)
  } finally {
    admitted.release()
  }
}

function refuseSlowBody(exchange: Exchange, request: HttpRequest, options: ListenOptions): void {
  const { overload } = options
  if (overload === undefined) return
  const { message, response } = exchange
  const refuse = async (): Promise<void> => {
    const outcome = overload.toRefusal(request, 'slow')
    const { reply } = outcome
    const closing = { ...reply, headers: { ...reply.headers, connection: 'close' } }
    const bytes = await sendReply(message, response, closing, request.requestId)
    logRequest(request, outcome, bytes, options)
  }
  exchange.onSlowBody = () => void refuse()
}

function toHttpRequest(exchange: Exchange, requestId: string, options: ListenOptions): HttpRequest {
  const { message, isWaiting } = exchange
  const target = toOriginForm(message.url ?? '/')
  const at = target.indexOf('?')
  const headers = new Map<string, string>()
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    const name = (message.rawHeaders[i] ?? '').toLowerCase()
    const value = message.rawHeaders[i + 1] ?? ''
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`)
  }
  // The target's host overrides Host (RFC 9112 §3.2.2).
  const authority = readAuthority(message.url ?? '')
  if (authority !== undefined) headers.set('host', authority)
  const rawQuery = at === -1 ? '' : target.slice(at + 1)
  return {
    method: message.method ?? 'GET',
    rawPath: at === -1 ? target : target.slice(0, at),
    rawQuery,
    query: parseQuery(rawQuery),
    headers,
    body: isWaiting ? continueOnRead(exchange) : message,
    remoteAddress: message.socket.remoteAddress ?? '',
    isTls: options.tls !== undefined,
    readClientCertificate:
      options.tls?.clientCa === undefined ? undefined : () => readClientCertificate(message.socket),
    requestId,
    receivedAtMs: options.nowMs(),
  }
}

/** A target in absolute form, as proxies send it, is the same as without its origin (RFC 9112 §3.2.2). */
function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Sends `100 Continue` when the body is first read, so that a refusal costs the client no upload (RFC 9110 §10.1.1). */
function continueOnRead(exchange: Exchange): Readable {
  const { message, response } = exchange
  return Readable.from(
    (async function* readBody() {
      exchange.isContinued = true
      response.writeContinue()
      yield* message
    })(),
    { objectMode: false },
  )
}

/** Makes request IDs: the time in nanoseconds in upper-case hex, as MinIO's. A counter and an offset per process make them unique. */
function createRequestIds(nowMs: () => number): () => string {
  const offset = BigInt(randomInt(1_000_000))
  let last = 0n
  return () => {
    const now = BigInt(nowMs()) * 1_000_000n + offset
    last = now > last ? now : last + 1n
    return last.toString(16).toUpperCase()
  }
}

function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A kept-alive connection does not close by itself after its last request: without the sweep it would delay the stop for the whole grace time. */
function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
}
