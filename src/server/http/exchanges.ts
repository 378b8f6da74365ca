/**
 * Tracks running requests and how long the server waits for their clients. Time counts only while it waits for the client: a slow disk or a
 * slow decision costs the client nothing, and a slow line is not a fault as long as enough comes through.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Exchange, Pace } from './open-server.ts'

export interface Exchanges {
  begin(message: IncomingMessage, response: ServerResponse, isWaiting: boolean): Exchange
  /** Returns whether an answer has begun on this connection and is not finished. */
  isAnswering(socket: Duplex): boolean
  stop(): void
}

interface Tracked extends Exchange {
  readonly bytesReadBefore: number
  /** Undefined until the first sweep. */
  bytesWrittenBefore: number | undefined
  waitedForBodyMs: number
  waitedForReaderMs: number
  isCut: boolean
}

const sweepMs = 5000
/** The pace of small documents, until the listener sets another. */
const defaultBodyPace: Pace = { graceMs: 30_000, bytesPerSecond: 8192 }
/** A reader that takes nothing is cut by the idle timeout, and one that takes a byte a minute by this pace. */
const readerPace: Pace = { graceMs: 120_000, bytesPerSecond: 1024 }

/** Starts to track exchanges, with a sweep every few seconds. */
export function createExchanges(
  every: (intervalMs: number, run: () => void) => () => void = runEvery,
): Exchanges {
  const running = new Set<Tracked>()
  /** Bytes that came with a request's head are counted before Node hands it over, so it begins where the one before it ended. */
  const readBefore = new WeakMap<Duplex, number>()
  const stop = every(sweepMs, () => {
    for (const exchange of running) sweep(exchange)
  })
  return {
    stop,
    begin(message, response, isWaiting) {
      const exchange: Tracked = {
        message,
        response,
        isWaiting,
        isContinued: false,
        bodyPace: defaultBodyPace,
        bytesReadBefore: readBefore.get(message.socket) ?? 0,
        bytesWrittenBefore: undefined,
        waitedForBodyMs: 0,
        waitedForReaderMs: 0,
        isCut: false,
      }
      running.add(exchange)
      response.once('close', () => {
        readBefore.set(message.socket, message.socket.bytesRead)
        // The rest of a refused body may still be on its way and is waited for as before.
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

function sweep(exchange: Tracked): void {
  const { message, response, bodyPace } = exchange
  const { socket } = message
  if (isWaitingForBody(exchange)) {
    exchange.waitedForBodyMs += sweepMs
    const received = socket.bytesRead - exchange.bytesReadBefore
    if (exchange.waitedForBodyMs >= allow(bodyPace, received)) cut(exchange)
  }
  if (!response.writableFinished && socket.writableLength > 0) {
    exchange.waitedForReaderMs += sweepMs
    const written = socket.bytesWritten - socket.writableLength
    exchange.bytesWrittenBefore ??= written
    const taken = written - exchange.bytesWrittenBefore
    if (exchange.waitedForReaderMs >= allow(readerPace, taken)) socket.destroy()
  }
}

/** Returns false while something received is still unread, and while the client waits for `100 Continue`. */
function isWaitingForBody({ message, response, isWaiting, isContinued }: Tracked): boolean {
  if (message.complete || message.destroyed || message.readableLength > 0) return false
  return !isWaiting || isContinued || response.writableEnded
}

function allow({ graceMs, bytesPerSecond }: Pace, bytes: number): number {
  return bytesPerSecond === undefined ? graceMs : graceMs + (bytes / bytesPerSecond) * 1000
}

/** Tells the client why, where that is still possible, and cuts the connection at the next sweep. */
function cut(exchange: Tracked): void {
  const { message, response, onSlowBody } = exchange
  if (exchange.isCut || response.headersSent || onSlowBody === undefined) {
    message.socket.destroy()
    return
  }
  exchange.isCut = true
  onSlowBody()
}

function runEvery(intervalMs: number, run: () => void): () => void {
  const timer = setInterval(run, intervalMs).unref()
  return () => clearInterval(timer)
}
