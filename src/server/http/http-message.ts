/**
 * A request and its outcome as values. The listener makes the request from a socket and sends the reply; everything between is a
 * function from `HttpRequest` to `HttpOutcome` and is tested without a port.
 */
import type { Readable } from 'node:stream'
import type { Query } from '../../protocol/query.ts'
import type { RequestFacts } from './request-facts.ts'

export interface HttpRequest {
  readonly method: string
  /** Path exactly as sent, still percent-encoded, without the query. Begins with `/`. */
  readonly rawPath: string
  /** Query exactly as sent, without the `?`; empty when there is none. Signatures are made over these bytes. */
  readonly rawQuery: string
  /** The same, parsed once. */
  readonly query: Query
  /** Lower-case name → value; repeated headers joined by `,` in the order sent. */
  readonly headers: ReadonlyMap<string, string>
  /** The body, flowing only as it is read. Reading it first sends `100 Continue` when the client waits for that. */
  readonly body: Readable
  readonly remoteAddress: string
  readonly isTls: boolean
  /** The certificate that the client showed in the TLS handshake; absent where none is ever asked for. */
  readonly readClientCertificate?: (() => ClientCertificate | undefined) | undefined
  /** Upper-case hex, made by the server; sent as `x-amz-request-id` and written in every log line. */
  readonly requestId: string
  readonly receivedAtMs: number
  /** A form's slot among the running requests. Absent where the listener limits nothing, or has taken the slot itself. */
  readonly slot?: RequestSlot | undefined
}

export interface RequestSlot {
  /** Waits for a slot once the body is read, before any expensive work. Resolves to false where the request must be refused. */
  acquire(): Promise<boolean>
  /** Gives it up before a long delay in which nothing is done. */
  release(): void
}

/** A certificate whose private key the client has proved to hold. */
export interface ClientCertificate {
  /** The client's own, the first that it sent. */
  readonly der: Uint8Array
  /** Why no trusted authority vouches for it; undefined where one does. */
  readonly refusal: string | undefined
  /** Length of its chain of authorities. */
  readonly authorities: number
}

export interface HttpReply {
  readonly status: number
  /** Lower-case names. `content-length` is added by the listener for a body it knows. */
  readonly headers?: Readonly<Record<string, string>>
  /** A stream is piped with back-pressure and destroyed when the client goes away. */
  readonly body?: string | Uint8Array | Readable
}

/** What a handler returns: the reply, and what is known about the request for the log and the metrics. */
export interface HttpOutcome {
  readonly reply: HttpReply
  readonly facts: RequestFacts
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpOutcome>
