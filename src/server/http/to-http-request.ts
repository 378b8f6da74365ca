/** Turns a message of Node's parser into the request value that handlers get. */
import { randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { parseQuery } from '../../protocol/query.ts'
import type { Exchange } from './exchanges.ts'
import type { Connection, ReadClient } from './forwarded.ts'
import { readAuthority } from './framing.ts'
import type { HttpRequest } from './http-message.ts'
import { readClientCertificate } from './read-client-certificate.ts'

export interface RequestContext {
  readonly makeId: () => string
  readonly readClient: ReadClient
  readonly options: {
    readonly tls?: { readonly clientCa?: string | undefined } | undefined
    readonly nowMs: () => number
  }
}

/** Returns the request of an exchange. Its client is the one behind trusted proxies; their faults were refused before. */
export function toHttpRequest(
  exchange: Exchange,
  { makeId, readClient, options }: RequestContext,
): HttpRequest {
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
  const connection = toConnection(message, options)
  const client = readClient(connection)
  const { address, isTls, host } = typeof client === 'string' ? connection : client
  if (typeof client !== 'string' && host !== undefined) headers.set('host', host)
  const rawQuery = at === -1 ? '' : target.slice(at + 1)
  return {
    method: message.method ?? 'GET',
    rawPath: at === -1 ? target : target.slice(0, at),
    rawQuery,
    query: parseQuery(rawQuery),
    headers,
    body: isWaiting ? continueOnRead(exchange) : message,
    remoteAddress: address,
    isTls,
    readClientCertificate:
      options.tls?.clientCa === undefined ? undefined : () => readClientCertificate(message.socket),
    requestId: makeId(),
    receivedAtMs: options.nowMs(),
  }
}

/** Returns what the reader of forwarded headers needs of a message. */
export function toConnection(
  message: IncomingMessage,
  { tls }: Pick<RequestContext['options'], 'tls'>,
): Connection {
  return {
    address: message.socket.remoteAddress ?? '',
    isTls: tls !== undefined,
    host: readAuthority(message.url ?? '') ?? message.headers.host ?? '',
    readHeader: (name) => message.headers[name]?.toString(),
  }
}

/** Removes the origin of a target in absolute form, which proxies send (RFC 9112 §3.2.2). */
function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * Returns the body, which sends `100 Continue` when it is first read. So a client does not upload the body of a rejected request (RFC 9110
 * §10.1.1).
 */
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

/**
 * Returns a function that generates request ids: the time in nanoseconds in upper-case hex, as in MinIO. A counter and a random offset per
 * process make them unique.
 */
export function createRequestIds(nowMs: () => number): () => string {
  const offset = BigInt(randomInt(1_000_000))
  let last = 0n
  return () => {
    const now = BigInt(nowMs()) * 1_000_000n + offset
    last = now > last ? now : last + 1n
    return last.toString(16).toUpperCase()
  }
}
