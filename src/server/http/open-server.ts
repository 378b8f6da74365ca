/** A Node server with bounds on what connections may cost, for every address that strangers can reach. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { createExchanges } from './exchanges.ts'
import { findFramingFault } from './framing.ts'

export interface ServerBounds {
  readonly tls?: TlsServerOptions | undefined
  readonly maxHeaderBytes: number
  /** Beyond it new connections are closed at once, and so are idle ones, to make room. */
  readonly maxConnections: number
  readonly onRequest: (exchange: Exchange) => void
  /** Calls a function repeatedly; a timer when left out. */
  readonly every?: ((intervalMs: number, run: () => void) => () => void) | undefined
}

export interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** The client sent `Expect: 100-continue` and holds its body back. */
  readonly isWaiting: boolean
  /** Set once the client has been told to go on. */
  isContinued: boolean
  /** The slowest pace allowed for the body; the listener knows what the body is for. */
  bodyPace: Pace
  /** Tells the client that its body is too slow. Without it, or once the answer has begun, the connection is cut. */
  onSlowBody?: () => void
}

/** The time that the other side may take: `graceMs`, and a second for every `bytesPerSecond` that it has sent or received. */
export interface Pace {
  readonly graceMs: number
  /** Undefined: only the grace time. */
  readonly bytesPerSecond: number | undefined
}

const headersTimeoutMs = 20_000
/** How often Node looks for connections whose headers are late; its own default is 30 s. */
const headersCheckMs = 5000
/** A connection on which nothing moves for this long, in either direction, is cut. */
const idleTimeoutMs = 120_000
const keepAliveMs = 65_000
const idleClosingMs = 100
/** After a refusal of what is not HTTP: until the client has closed too. */
const lingerMs = 2000

/** Makes the server; nothing is bound yet. */
export function openServer(bounds: ServerBounds): Server {
  const options = {
    maxHeaderSize: bounds.maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: headersCheckMs,
    // Bodies have their own deadlines, by what they are for: see `exchanges`.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
  }
  const server =
    bounds.tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, handshakeTimeout: headersTimeoutMs, ...bounds.tls })
  server.maxConnections = bounds.maxConnections
  server.on('drop', createIdleClosing(server))
  server.setTimeout(idleTimeoutMs)
  const exchanges = createExchanges(bounds.every)
  server.on('close', () => exchanges.stop())
  const take =
    (isWaiting: boolean) =>
    (message: IncomingMessage, response: ServerResponse): void => {
      const fault = findFramingFault(message)
      if (fault === undefined) bounds.onRequest(exchanges.begin(message, response, isWaiting))
      else sendFault(message, response, fault)
    }
  server.on('request', take(false))
  server.on('checkContinue', take(true))
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    // An empty header expects nothing. An unknown expectation is refused (RFC 9110 §10.1.1), as at MinIO.
    if (message.headers.expect?.trim() === '') take(false)(message, response)
    else
      sendFault(message, response, {
        status: 417,
        text: 'the header Expect may be 100-continue only',
      })
  })
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    // In the middle of an answer, another one would be taken for its content.
    if (!socket.writable || exchanges.isAnswering(socket)) {
      socket.destroy()
      return
    }
    socket.end(describeClientError(error.code))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  })
  return server
}

/** Closes idle connections at most once per `idleClosingMs`: looking through thousands of them takes a moment. */
function createIdleClosing(server: Server): () => void {
  let closedAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - closedAtMs < idleClosingMs) return
    closedAtMs = now
    server.closeIdleConnections()
  }
}

/** Answers a request that no handler sees, as it cannot be said which one it is for. */
function sendFault(
  message: IncomingMessage,
  response: ServerResponse,
  { status, text }: { status: number; text: string },
): void {
  const headers = { connection: 'close', 'content-type': 'text/plain', server: 'sts-cli' }
  response.writeHead(status, headers)
  response.end(`${text}\n`)
  message.resume()
}

/** Returns the answer to what Node's parser refused, or did not receive in time. */
function describeClientError(code: string | undefined): string {
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}
