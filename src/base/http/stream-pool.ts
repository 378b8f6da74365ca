/**
 * The second adapter of undici: requests and answers with streams as bodies, by `dispatch`, for a third of the cost of `request`.
 * Nothing is buffered except data in transit: a slow reader slows the sender.
 */
import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent, type Dispatcher } from 'undici'
import { isLoopbackHost } from './loopback.ts'

export interface StreamPoolOptions {
  /** PEM certificates to trust in addition to the built-in roots. */
  readonly ca?: readonly string[] | undefined
  readonly connectTimeoutMs: number
  /** The longest wait for the headers of an answer, from the last byte of the request. */
  readonly headTimeoutMs: number
  /** The longest pause between two pieces of an answer while a reader waits. */
  readonly idleTimeoutMs: number
  /** The number of connections to one origin. */
  readonly maxConnections: number
  /** Answers up to this size are read completely, longer ones are streams. */
  readonly maxWholeBytes: number
}

export interface PooledRequest {
  readonly origin: string
  readonly method: string
  /** The path with the query; sent unchanged. */
  readonly path: string
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** A stream is read as fast as the server accepts it, and not before there is a connection. */
  readonly body?: Uint8Array | Readable | undefined
  /** Overrides the pool's own. */
  readonly headTimeoutMs?: number | undefined
}

export interface PooledAnswer {
  readonly status: number
  /** Headers by lower-case name; values are bytes in Latin-1, as in node:http; repeated ones are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer | Readable
}

export interface StreamPool {
  /** Resolves with the headers of the answer (and a small body, complete); rejects with undici's or Node's error, which has a `code`. */
  send(request: PooledRequest): Promise<PooledAnswer>
  /** Accepts no new requests and waits for the running ones. */
  close(): Promise<void>
}

/** Opens a pool that reuses connections; redirects are not followed. */
export function createStreamPool(options: StreamPoolOptions): StreamPool {
  const agent = new Agent({
    connect: {
      timeout: options.connectTimeoutMs,
      lookup: lookUpHost,
      ...(options.ca === undefined ? {} : { ca: [...options.ca, ...rootCertificates] }),
    },
    connections: options.maxConnections,
    bodyTimeout: options.idleTimeoutMs,
    keepAliveTimeout: 4000,
    maxHeaderSize: 64 * 1024,
  })
  return {
    send: (request) => {
      return new Promise((resolve, reject) => {
        const { body, headTimeoutMs, ...head } = request
        const isBodyless = request.method === 'HEAD'
        const limit = options.maxWholeBytes
        const handler = new AnswerReader({ resolve, reject, limit, isBodyless })
        const headersTimeout = headTimeoutMs ?? options.headTimeoutMs
        agent.dispatch({ ...head, body: body ?? null, headersTimeout }, handler)
      })
    },
    close: () => agent.close(),
  }
}

interface Outcome {
  readonly resolve: (answer: PooledAnswer) => void
  readonly reject: (error: Error) => void
  readonly limit: number
  readonly isBodyless: boolean
}

/** One answer while it arrives. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #outcome: Outcome
  #status = 0
  #headers: ReadonlyMap<string, string> = new Map()
  #chunks: Buffer[] = []
  #stream: Readable | undefined

  constructor(outcome: Outcome) {
    this.#outcome = outcome
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return
    this.#status = status
    this.#headers = readHeaders(controller.rawHeaders)
    const length = Number(this.#headers.get('content-length') ?? Number.POSITIVE_INFINITY)
    const isBodyless = this.#outcome.isBodyless || status === 204 || status === 304
    if (isBodyless || length <= this.#outcome.limit) return
    this.#stream = openStream(controller)
    this.#outcome.resolve({ status, headers: this.#headers, body: this.#stream })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream === undefined) this.#chunks.push(chunk)
    else if (!this.#stream.push(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#stream !== undefined) {
      this.#stream.push(null)
      return
    }
    const [first] = this.#chunks
    const body =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    this.#outcome.resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#stream === undefined) this.#outcome.reject(error)
    else this.#stream.destroy(error)
  }
}

/** Returns a stream that requests more data as it is read; destroying it closes the connection. */
function openStream(controller: Dispatcher.DispatchController): Readable {
  return new Readable({
    highWaterMark: 256 * 1024,
    read: () => controller.resume(),
    destroy(error, done) {
      controller.abort(error ?? new Error('the reader went away'))
      done(error)
    },
  })
}

function readHeaders(raw: Dispatcher.DispatchController['rawHeaders']): Map<string, string> {
  const headers = new Map<string, string>()
  if (!Array.isArray(raw)) return headers
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = textOf(raw[i]).toLowerCase()
    const value = textOf(raw[i + 1])
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return headers
}

function textOf(part: Buffer | string | undefined): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : (part ?? '')
}

type FoundAddress = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void

/** Resolves names under `localhost` to loopback, whatever the resolver answers (RFC 6761 §6.3). */
function lookUpHost(host: string, options: LookupOptions, found: FoundAddress): void {
  const isName = host !== 'localhost' && host.endsWith('.localhost') && isLoopbackHost(host)
  if (!isName) lookup(host, options, found)
  else if (options.all) found(null, [{ address: '127.0.0.1', family: 4 }])
  else found(null, '127.0.0.1', 4)
}
