/** How many requests the provider works on at once, and how slowly their forms may come. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createConcurrencyLimiter } from '../http/concurrency-limiter.ts'
import type { Exchange } from '../http/open-server.ts'

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** A token takes a signature of one to two milliseconds, a page much less; those that wait are answered within seconds. */
const limits = { maxRunning: 64, maxQueued: 256, maxWaitMs: 5000 }
/** A form is a few hundred bytes. */
const formPace = { graceMs: 30_000, bytesPerSecond: undefined }

const places = new WeakMap<IncomingMessage, () => void>()

/** Gives up a request's place before it is held after failed attempts: it must not cost others theirs. */
export function leavePlace(request: IncomingMessage): void {
  places.get(request)?.()
}

/** Hands requests on while there are places; refuses the rest with 503 and `Retry-After`. */
export function admitRequests(handle: Handle): (exchange: Exchange) => void {
  const limiter = createConcurrencyLimiter(limits)
  return (exchange) => {
    exchange.bodyPace = formPace
    void admit(exchange)
  }

  async function admit({ message, response }: Exchange): Promise<void> {
    if (!limiter.tryAcquire() && !(await limiter.acquire())) {
      refuse(response)
      return
    }
    let isInside = true
    const leave = (): void => {
      if (isInside) limiter.release()
      isInside = false
    }
    places.set(message, leave)
    // Also where the client goes away before its answer.
    response.once('close', leave)
    if (response.destroyed) leave()
    else handle(message, response)
  }
}

function refuse(response: ServerResponse): void {
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
