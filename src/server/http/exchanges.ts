/**
 * Tracks running requests and how long the server waits for their clients. Time counts only while the server waits for the client: a slow
 * disk or a slow decision does not count. A slow connection is allowed as long as it keeps the minimum pace.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** One request and its response. */
export interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** True when the client sent `Expect: 100-continue` and waits before it sends the body. */
  readonly isWaiting: boolean
  /** True after `100 Continue` has been sent. */
  isContinued: boolean
  /** The minimum pace of the body. The listener sets it, because it knows what the body is for. */
  bodyPace: Pace
  /** Tells the client that its body is too slow. Without this function, or when the response has begun, the connection is closed. */
  onSlowBody?: () => void
}

/** A minimum pace. The time limit is `graceMs`, plus one second for every `bytesPerSecond` bytes that were sent or received. */
export interface Pace {
  readonly graceMs: number
  /** Undefined: the time limit is only `graceMs`. */
  readonly bytesPerSecond: number | undefined
}

export interface Exchanges {
  /** Begins to track a request and returns its exchange. */
  begin(message: IncomingMessage, response: ServerResponse, isWaiting: boolean): Exchange
  /** Returns true when a response on this connection has begun and is not finished. */
  isAnswering(socket: Duplex): boolean
  /** Stops the sweeps. */
  stop(): void
}

interface TrackedExchange extends Exchange {
  readonly bytesReadBefore: number
  /** Undefined until the first sweep. */
  bytesWrittenBefore: number | undefined
  waitedForBodyMs: number
  waitedForReaderMs: number
  /** True after the client has been told that its body is too slow. */
  isNotified: boolean
}

const sweepMs = 5000
/** The minimum pace of a body until the listener sets another: that of small documents. */
const defaultBodyPace: Pace = { graceMs: 30_000, bytesPerSecond: 8192 }
/** The minimum pace of a client that reads a response. A client that reads nothing is disconnected by the idle timeout. */
const readerPace: Pace = { graceMs: 120_000, bytesPerSecond: 1024 }

/** Starts a tracker of exchanges, with a sweep every 5 s. @param every Calls a function repeatedly (default: a timer). */
export function createExchanges(
  every: (intervalMs: number, run: () => void) => () => void = runEvery,
): Exchanges {
  const running = new Set<TrackedExchange>()
  /**
   * The bytes that each connection had received at the end of its last request. The next request is counted from there, because bytes that
   * arrive together with its headers are counted before Node passes it on.
   */
  const readBefore = new WeakMap<Duplex, number>()
  const stop = every(sweepMs, () => {
    for (const exchange of running) sweep(exchange)
  })
  return {
    stop,
    begin(message, response, isWaiting) {
      const exchange: TrackedExchange = {
        message,
        response,
        isWaiting,
        isContinued: false,
        bodyPace: defaultBodyPace,
        bytesReadBefore: readBefore.get(message.socket) ?? 0,
        bytesWrittenBefore: undefined,
        waitedForBodyMs: 0,
        waitedForReaderMs: 0,
        isNotified: false,
      }
      running.add(exchange)
      response.once('close', () => {
        readBefore.set(message.socket, message.socket.bytesRead)
        // The rest of a rejected body may still arrive. The time limit for it stays the same.
        if (message.complete || message.destroyed) running.delete(exchange)
        else message.once('close', () => running.delete(exchange))
      })
      return exchange
    },
    isAnswering(socket) {
      for (const { message, response } of running)
        if (message.socket === socket && response.headersSent && !response.writableFinished)
          return true
      return false
    },
  }
}

function sweep(exchange: TrackedExchange): void {
  const { message, response, bodyPace } = exchange
  const { socket } = message
  if (isWaitingForBody(exchange)) {
    exchange.waitedForBodyMs += sweepMs
    const received = socket.bytesRead - exchange.bytesReadBefore
    if (exchange.waitedForBodyMs >= toLimitMs(bodyPace, received)) endSlowBody(exchange)
  }
  if (!response.writableFinished && socket.writableLength > 0) {
    exchange.waitedForReaderMs += sweepMs
    const written = socket.bytesWritten - socket.writableLength
    exchange.bytesWrittenBefore ??= written
    const read = written - exchange.bytesWrittenBefore
    if (exchange.waitedForReaderMs >= toLimitMs(readerPace, read)) socket.destroy()
  }
}

/** Returns false while received bytes are unread, and while the client waits for `100 Continue`: then the server is not waiting for it. */
function isWaitingForBody({ message, response, isWaiting, isContinued }: TrackedExchange): boolean {
  if (message.complete || message.destroyed || message.readableLength > 0) return false
  return !isWaiting || isContinued || response.writableEnded
}

function toLimitMs({ graceMs, bytesPerSecond }: Pace, bytes: number): number {
  return bytesPerSecond === undefined ? graceMs : graceMs + (bytes / bytesPerSecond) * 1000
}

/** Sends the client an error when that is still possible, and closes the connection at the next sweep. */
function endSlowBody(exchange: TrackedExchange): void {
  const { message, response, onSlowBody } = exchange
  if (exchange.isNotified || response.headersSent || onSlowBody === undefined) {
    message.socket.destroy()
    return
  }
  exchange.isNotified = true
  onSlowBody()
}

function runEvery(intervalMs: number, run: () => void): () => void {
  const timer = setInterval(run, intervalMs).unref()
  return () => clearInterval(timer)
}
