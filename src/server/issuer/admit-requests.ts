/** Limits the provider's simultaneous requests and the time for sending a form. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createConcurrencyLimiter } from '../http/concurrency-limiter.ts'
import type { Exchange } from '../http/exchanges.ts'

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** The signature of a token takes one to two milliseconds and a page much less, so queued requests are answered within seconds. */
const limits = { maxRunning: 64, maxQueued: 256, maxWaitMs: 5000 }
/** A form has a few hundred bytes, so 30 s are enough for a slow client. */
const formPace = { graceMs: 30_000, bytesPerSecond: undefined }

const releases = new WeakMap<IncomingMessage, () => void>()

/** Releases a request's slot before the request is delayed because of failed attempts, so that other requests can use the slot. */
export function releaseSlot(request: IncomingMessage): void {
  releases.get(request)?.()
}

/**
 * Returns a function that passes a request to `handle` when a slot is free. When the queue is full too, it answers 503 with `Retry-After`.
 */
export function admitRequests(handle: Handle): (exchange: Exchange) => void {
  const limiter = createConcurrencyLimiter(limits)
  return (exchange) => {
    exchange.bodyPace = formPace
    void admit(exchange)
  }

  async function admit({ message, response }: Exchange): Promise<void> {
    if (!limiter.tryAcquire() && !(await limiter.acquire())) {
      sendBusy(response)
      return
    }
    let hasSlot = true
    const release = (): void => {
      if (hasSlot) limiter.release()
      hasSlot = false
    }
    releases.set(message, release)
    // `close` is emitted after the response, and also when the client disconnects before it.
    response.once('close', release)
    if (response.destroyed) release()
    else handle(message, response)
  }
}

function sendBusy(response: ServerResponse): void {
  const body = JSON.stringify({
    error: 'temporarily_unavailable',
    error_description: 'too many requests; try again later',
  })
  response.writeHead(503, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'retry-after': '1',
    connection: 'close',
  })
  response.end(body)
}
