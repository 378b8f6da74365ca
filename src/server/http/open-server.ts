/** Creates a Node server with limits on the cost of connections, for every address that anybody can reach. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { createExchanges, type Exchange } from './exchanges.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { findFramingFault } from './framing.ts'

export interface OpenServerOptions {
  /** Undefined for http. */
  readonly tls?: TlsServerOptions | undefined
  readonly maxHeaderBytes: number
  /** The most connections. Beyond it a new connection is closed at once, and idle connections are closed to make room. */
  readonly maxConnections: number
  readonly onRequest: (exchange: Exchange) => void
  /** Returns the text of a further fault of a request's headers, which is then refused with 400. */
  readonly findFault?: ((message: IncomingMessage) => string | undefined) | undefined
  /** Writes the XML document of a request that no handler gets (default: plain text, and an empty body where there is no request yet). */
  readonly writeRefusal?: ((error: AwsError) => string) | undefined
  /** Calls a function repeatedly and returns a function that stops it (default: a timer). */
  readonly every?: ((intervalMs: number, run: () => void) => () => void) | undefined
}

const headersTimeoutMs = 20_000
/** The interval at which Node checks the timeout of headers; its default is 30 s. */
const headersCheckMs = 5000
/** A connection without traffic in either direction is closed after this time. */
const idleTimeoutMs = 120_000
const keepAliveMs = 65_000
/** The minimum time between two closings of all idle connections. */
const idleClosingMs = 100
/** The time that a client has to close its side after a request that is not HTTP. */
const lingerMs = 2000

/** Returns a server that is not bound yet. */
export function openServer(options: OpenServerOptions): Server {
  const nodeOptions = {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: headersCheckMs,
    // No limit for bodies here: their limits depend on what they are for, see `exchanges.ts`.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
  }
  const server =
    options.tls === undefined
      ? createServer(nodeOptions)
      : createTlsServer({ ...nodeOptions, handshakeTimeout: headersTimeoutMs, ...options.tls })
  server.maxConnections = options.maxConnections
  // By default Node drops the headers after the 2,000th without a word. Their bytes are limited.
  server.maxHeadersCount = 0
  server.on('drop', createIdleClosing(server))
  server.setTimeout(idleTimeoutMs)
  const exchanges = createExchanges(options.every)
  server.on('close', () => exchanges.stop())
  const toHandler =
    (isWaiting: boolean) =>
    (message: IncomingMessage, response: ServerResponse): void => {
      const text = findFramingFault(message) ?? options.findFault?.(message)
      if (text === undefined) options.onRequest(exchanges.begin(message, response, isWaiting))
      else sendFault({ message, response }, { status: 400, text }, options)
    }
  server.on('request', toHandler(false))
  server.on('checkContinue', toHandler(true))
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    // An empty header is ignored. An unknown expectation is rejected (RFC 9110 §10.1.1), as in MinIO.
    if (message.headers.expect?.trim() === '') toHandler(false)(message, response)
    else
      sendFault(
        { message, response },
        { status: 417, text: 'the header Expect may be 100-continue only' },
        options,
      )
  })
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    // In the middle of a response, the client would read an error reply as its content.
    if (!socket.writable || exchanges.isAnswering(socket)) {
      socket.destroy()
      return
    }
    socket.end(toClientErrorResponse(error.code, options))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  })
  return server
}

/**
 * Returns a function that closes idle connections, at most once per `idleClosingMs`: a search through thousands of connections takes time.
 */
function createIdleClosing(server: Server): () => void {
  let closedAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - closedAtMs < idleClosingMs) return
    closedAtMs = now
    server.closeIdleConnections()
  }
}

/** Rejects a request before any handler receives it. */
function sendFault(
  { message, response }: Pick<Exchange, 'message' | 'response'>,
  { status, text }: { status: number; text: string },
  { writeRefusal }: Pick<OpenServerOptions, 'writeRefusal'>,
): void {
  const type = writeRefusal === undefined ? 'text/plain' : 'application/xml'
  response.writeHead(status, { connection: 'close', 'content-type': type, server: 'sts-cli' })
  response.end(writeRefusal?.(new AwsError('BadRequest', text, { status })) ?? `${text}\n`)
  message.resume()
}

/**
 * Returns the response to a request that Node's parser rejected or did not receive in time. S3 answers headers that are too large with its
 * own code and status (AWS, "Error responses").
 */
function toClientErrorResponse(
  code: string | undefined,
  { maxHeaderBytes, writeRefusal }: Pick<OpenServerOptions, 'maxHeaderBytes' | 'writeRefusal'>,
): string {
  const isTooLarge = code === 'HPE_HEADER_OVERFLOW'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return toResponse('408 Request Timeout', '')
  if (writeRefusal === undefined)
    return toResponse(isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request', '')
  const error = isTooLarge
    ? new AwsError(
        'RequestHeaderSectionTooLarge',
        `the request line and the headers have more than ${maxHeaderBytes} bytes`,
        { details: { MaxSizeAllowed: String(maxHeaderBytes) } },
      )
    : new AwsError('BadRequest', 'the request is not HTTP/1.1')
  return toResponse('400 Bad Request', writeRefusal(error))
}

function toResponse(status: string, body: string): string {
  const type = body === '' ? '' : 'Content-Type: application/xml\r\n'
  const head = `Connection: close\r\n${type}Content-Length: ${Buffer.byteLength(body)}`
  return `HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`
}
