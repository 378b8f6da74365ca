/** The third adapter of undici: for a service that is called continuously with JSON, and whose answers are endless streams of lines. */
import { rootCertificates } from 'node:tls'
import { Pool } from 'undici'
import { parseJson } from '../parse.ts'
import { dispatchWhole } from './whole-answer.ts'

export interface ServiceTls {
  /** PEM certificates to trust in addition to the built-in roots. */
  readonly ca?: readonly string[] | undefined
  /** The client certificate for the service. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface ServiceCall {
  readonly path: string
  readonly document: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Ends the call; the caller's promise rejects with its reason. */
  readonly signal: AbortSignal
  /** Limits the whole answer, or one line of an endless one. */
  readonly maxBytes: number
}

export interface ServiceAnswer {
  readonly status: number
  /** Undefined if the answer was not JSON. */
  readonly body: unknown
}

export interface Service {
  /** Rejects when there is no answer: refused, cut, too long, or ended by the signal. */
  post(call: ServiceCall): Promise<ServiceAnswer>
  /** Yields the status with the first line, then each line; ends when the service ends it. */
  postForLines(call: ServiceCall): AsyncGenerator<ServiceAnswer>
  close(): Promise<void>
}

/** Enough for the simultaneous calls of one server; more would only queue on the other side. */
const maxConnections = 32

/** Opens a pool of connections to one origin. Redirects are not followed: the operator must decide about a service that moved. */
export function createService(origin: string, tls: ServiceTls): Service {
  const pool = new Pool(origin, {
    connections: maxConnections,
    // The caller's signal is the limit: the pool's own would end an endless answer.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: 2000,
      ...(tls.ca === undefined ? {} : { ca: [...tls.ca, ...rootCertificates] }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
    },
  })
  return {
    async post(call) {
      const request = { ...toRequest(call), origin, maxBytes: call.maxBytes }
      const { status, body } = await dispatchWhole(pool, request)
      return { status, body: parseJson(body.toString('utf8')) }
    },

    async *postForLines(call) {
      const { statusCode, body } = await pool.request(toRequest(call))
      let pending: Buffer[] = []
      let length = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        let start = 0
        for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
          const line = Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8')
          start = end + 1
          pending = []
          length = 0
          yield { status: statusCode, body: parseJson(line) }
        }
        pending.push(chunk.subarray(start))
        length += chunk.length - start
        if (length > call.maxBytes) throw tooLong(call)
      }
      const rest = Buffer.concat(pending).toString('utf8')
      if (rest !== '') yield { status: statusCode, body: parseJson(rest) }
    },

    close: () => pool.destroy(),
  }
}

function toRequest({ path, document, headers, signal }: ServiceCall) {
  return {
    path,
    method: 'POST' as const,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(document),
    signal,
  }
}

function tooLong({ path, maxBytes }: ServiceCall): Error {
  return new Error(`the answer to ${path} has more than ${maxBytes} bytes`)
}
