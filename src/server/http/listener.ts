/**
 * Listens on an address. Turns a socket's requests into values and replies into bytes, and handles everything that a client can do to a
 * connection: slow bodies, unread bodies, uploads that wait for `100 Continue`, clients that disconnect.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { ServerOptions as TlsServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Log } from '../../base/log.ts'
import { encodeS3Error } from '../../protocol/s3-wire.ts'
import {
  createAdmissionControl,
  type AdmissionControl,
  type Overload,
} from './admission-control.ts'
import type { Exchange } from './exchanges.ts'
import { createClientReader, type ReadClient } from './forwarded.ts'
import { toLogFields } from './access-log.ts'
import {
  isByteSource,
  type HttpHandler,
  type HttpOutcome,
  type HttpReply,
  type HttpRequest,
} from './http-message.ts'
import { openServer, type OpenServerOptions } from './open-server.ts'
import { serverOperations } from './request-facts.ts'
import { describeOperation } from './request-recorder.ts'
import { sendReply } from './send-reply.ts'
import { createRequestIds, toConnection, toHttpRequest } from './to-http-request.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 selects a free port. */
  readonly port: number
  readonly tls?: ListenTls | undefined
  readonly log: Log
  /** True to write one log line per request. */
  readonly isAccessLogged: boolean
  readonly nowMs: () => number
  /** Called after each reply, with the number of bytes of its body that were sent. */
  readonly onAnswered?:
    | ((request: HttpRequest, outcome: HttpOutcome, sentBytes: number) => void)
    | undefined
  /** The limits, and the replies to requests beyond them (default: no limits). */
  readonly overload?: Overload | undefined
  /** The default is 4096. */
  readonly maxConnections?: number | undefined
  readonly every?: OpenServerOptions['every']
  /** The networks of the proxies whose word for their client counts, each an address or in CIDR notation (default: none). */
  readonly trustedProxies?: readonly string[] | undefined
}

export interface ListenTls {
  readonly cert: string
  readonly key: string
  /** The CA for client certificates (PEM). With it, the server requests a certificate, which a client need not have. */
  readonly clientCa?: string | undefined
}

export interface Listener {
  readonly url: URL
  readonly port: number
  /** Stops accepting connections, waits at most `graceMs` for running requests, and then closes all connections. */
  close(graceMs: number): Promise<void>
}

/**
 * The request line and the headers. MinIO takes 8 KiB of headers for S3, AWS as much, with 2 KiB of user metadata among them; a presigned URL
 * has them percent-encoded, with a session token of at most 8 KiB and a key of at most 1 KiB.
 */
const maxHeaderBytes = 32 * 1024
/** A connection with TLS needs about 30 KiB of memory. */
const defaultMaxConnections = 4096
/** The connections that the kernel holds until Node accepts them. With the default of 511, connections of a burst are reset. */
const backlog = 4096
/** The interval at which idle connections are closed while the listener closes. */
const idleSweepMs = 50

/**
 * Binds an address and serves its requests with a handler.
 *
 * @throws {Error} Node's error (`EADDRINUSE`, `EACCES`, …) when the address cannot be bound.
 */
export async function listen(handler: HttpHandler, options: ListenOptions): Promise<Listener> {
  const makeId = createRequestIds(options.nowMs)
  const admission = options.overload && createAdmissionControl(options.overload)
  const trustedProxies = options.trustedProxies ?? []
  const readClient = createClientReader(trustedProxies)
  const findFault = (message: IncomingMessage): string | undefined => {
    const client = readClient(toConnection(message, options))
    return typeof client === 'string' ? client : undefined
  }
  const server = openServer({
    tls: options.tls && toTlsOptions(options.tls),
    maxHeaderBytes,
    maxConnections: options.maxConnections ?? defaultMaxConnections,
    every: options.every,
    writeRefusal: (error) => {
      return encodeS3Error(error, { resource: '/', requestId: makeId(), hostId: 'sts-cli' })
    },
    findFault: trustedProxies.length === 0 ? undefined : findFault,
    onRequest: (exchange) =>
      void serveOne(exchange, { handler, makeId, options, admission, readClient }),
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
  // No client certificate is requested: an empty list spares the start the parsing of all built-in CA certificates.
  if (clientCa === undefined) return { cert, key, ca: [] }
  // The STS action rejects a certificate that is not trusted. The listener accepts it, because most requests need no certificate.
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false }
}

interface ListenerContext {
  readonly handler: HttpHandler
  readonly makeId: () => string
  readonly options: ListenOptions
  readonly admission: AdmissionControl | undefined
  readonly readClient: ReadClient
}

async function serveOne(exchange: Exchange, context: ListenerContext): Promise<void> {
  const { options } = context
  const { message, response } = exchange
  const request = toHttpRequest(exchange, context)
  rejectSlowBody(exchange, request, options)
  const { requestId } = request
  // Handlers turn errors into replies. An error that arrives here is a bug.
  const toInternalError = (error: unknown): HttpOutcome => {
    options.log.error({ requestId, err: error }, 'handler failed')
    return internalError
  }
  let outcome = await handle(request, exchange, context).catch(toInternalError)
  // The client has disconnected, or it has received the reply for a slow body.
  if (response.headersSent || response.destroyed) {
    discardBody(outcome.reply)
    return
  }
  let bytes: number
  try {
    bytes = await sendReply(message, response, outcome.reply, requestId)
  } catch (error) {
    // Node rejects an invalid header before it sends any part of the reply.
    const { reply, facts } = toInternalError(error)
    discardBody(outcome.reply)
    outcome = { reply, facts: { ...outcome.facts, refusal: facts.refusal } }
    bytes = await sendReply(message, response, reply, requestId)
  }
  if (!options.isAccessLogged && options.onAnswered === undefined) return
  const facts = (await outcome.finalFacts) ?? outcome.facts
  const answered = { reply: outcome.reply, facts }
  options.onAnswered?.(request, answered, bytes)
  logRequest(request, answered, bytes, options)
}

/** Releases what a body that is not sent holds open. */
function discardBody({ body }: HttpReply): void {
  if (body instanceof Readable) body.destroy()
  else if (isByteSource(body)) void body.close()
}

const internalError: HttpOutcome = {
  reply: { status: 500, headers: { 'content-type': 'text/plain' }, body: 'internal error\n' },
  facts: describeOperation(serverOperations.other, {
    code: 'InternalError',
    reason: 'internal error',
  }),
}

/** Writes the request's line of the access log. The query and the headers are left out, because they may contain secrets. */
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

/**
 * Handles the request when it is admitted. Its slot is released when the handler returns the reply, before the reply is sent; if the work still
 * runs, when that ends.
 */
async function handle(
  request: HttpRequest,
  exchange: Exchange,
  { handler, options, admission }: ListenerContext,
): Promise<HttpOutcome> {
  if (admission === undefined || options.overload === undefined) return handler(request)
  const admitted = await admission.admit(request, exchange)
  if (admitted === undefined) return options.overload.toRefusal(request, 'busy')
  let finalFacts: HttpOutcome['finalFacts']
  try {
    // The client has disconnected, so nobody reads this reply.
    if (exchange.response.destroyed)
      return { reply: { status: 499 }, facts: describeOperation(serverOperations.refused) }
    const outcome = await handler(admitted.request)
    finalFacts = outcome.finalFacts
    return outcome
  } finally {
    if (finalFacts === undefined) admitted.release()
    else void finalFacts.finally(admitted.release)
  }
}

/** Makes the exchange send the `slow` reply when its body is too slow. */
function rejectSlowBody(exchange: Exchange, request: HttpRequest, options: ListenOptions): void {
  const { overload } = options
  if (overload === undefined) return
  const { message, response } = exchange
  const reject = async (): Promise<void> => {
    const outcome = overload.toRefusal(request, 'slow')
    const { reply } = outcome
    const closing = { ...reply, headers: { ...reply.headers, connection: 'close' } }
    const bytes = await sendReply(message, response, closing, request.requestId)
    logRequest(request, outcome, bytes, options)
  }
  exchange.onSlowBody = () => void reject()
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

/** Closes idle connections at intervals: a kept-alive connection stays open after its last request and would delay the stop by `graceMs`. */
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
