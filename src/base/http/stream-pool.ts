/**
 * The second door to undici: requests and answers whose bodies are streams, by `dispatch`, at a third of what `request` costs.
 * Nothing is held but what is on its way: a slow reader slows the sender.
 */
import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent, type Dispatcher } from 'undici'
import { isLoopbackHost } from './loopback.ts'

export interface StreamPoolOptions {
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca?: readonly string[] | undefined
  readonly connectTimeoutMs: number
  /** Longest wait for the head of an answer, counted from the last byte of the request. */
  readonly headTimeoutMs: number
  /** Longest pause between two pieces of an answer that somebody is waiting for. */
  readonly idleTimeoutMs: number
  /** Connections to one origin. */
  readonly maxConnections: number
  /** Answers up to this size come as a whole, longer ones as streams. */
  readonly maxWholeBytes: number
}

export interface PooledRequest {
  readonly origin: string
  readonly method: string
  /** With the query; sent to the letter. */
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** A stream is read as the other side takes it, and not at all before there is a connection. */
  readonly body?: Uint8Array | Readable | undefined
  /** Instead of the pool's own. */
  readonly headTimeoutMs?: number | undefined
}

export interface PooledAnswer {
  readonly status: number
  /** Lower-case name → value as bytes in Latin-1, as node:http gives and takes it; repeated ones joined by `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer | Readable
}

export interface StreamPool {
  /** Resolves with the head of the answer (with a small body, whole); rejects with undici's or Node's error, which has a `code`. */
  send(request: PooledRequest): Promise<PooledAnswer>
  /** Takes nothing new and waits for what runs. */
  close(): Promise<void>
}

/** Connections are kept and used again; redirects are not followed. */
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

/** One answer as it comes in. */
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

/** Asks for more as it is read; taken no longer, it cuts the connection. */
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

/** Names under `localhost` are this machine, whatever the resolver knows of them (RFC 6761 §6.3). */
function lookUpHost(host: string, options: LookupOptions, found: FoundAddress): void {
  const isName = host !== 'localhost' && host.endsWith('.localhost') && isLoopbackHost(host)
  if (!isName) lookup(host, options, found)
  else if (options.all) found(null, [{ address: '127.0.0.1', family: 4 }])
  else found(null, '127.0.0.1', 4)
}
