/** Answers that are read completely, by undici's `dispatch`: a third of the cost of its `request`, which a server pays for each decision. */
import type { Dispatcher } from 'undici'

export interface WholeRequest {
  readonly origin: string
  readonly method: 'GET' | 'POST'
  /** The path with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly maxBytes: number
  /** The time limit for everything, including the wait for a connection. */
  readonly timeoutMs?: number | undefined
  /** Ends the request; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

export interface WholeAnswer {
  readonly status: number
  readonly body: Buffer
}

/** Rejects with undici's or Node's error, which has a `code`; with `ERR_TOO_LONG`; or with a `TimeoutError`. */
export function dispatchWhole(
  dispatcher: Dispatcher,
  { maxBytes, timeoutMs, signal, ...request }: WholeRequest,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const reader = new WholeReader(maxBytes, { resolve, reject })
    if (timeoutMs !== undefined) reader.limitTime(timeoutMs)
    if (signal !== undefined) reader.obey(signal)
    dispatcher.dispatch({ ...request, body: request.body ?? null }, reader)
  })
}

interface Outcome {
  readonly resolve: (answer: WholeAnswer) => void
  readonly reject: (error: Error) => void
}

/** One answer while it arrives; settled once. */
class WholeReader implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number
  readonly #outcome: Outcome
  #controller: Dispatcher.DispatchController | undefined
  #failure: Error | undefined
  #status = 0
  #length = 0
  #chunks: Buffer[] = []
  #release: (() => void)[] = []

  constructor(maxBytes: number, outcome: Outcome) {
    this.#maxBytes = maxBytes
    this.#outcome = outcome
  }

  limitTime(timeoutMs: number): void {
    const late = (): void => {
      const error = new Error(`no answer within ${timeoutMs} ms`)
      error.name = 'TimeoutError'
      this.#fail(error)
    }
    const timer = setTimeout(late, timeoutMs)
    this.#release.push(() => clearTimeout(timer))
  }

  obey(signal: AbortSignal): void {
    const stop = (): void => this.#fail(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    this.#release.push(() => signal.removeEventListener('abort', stop))
  }

  /** The caller gave up while the request waited for a connection: it must not be sent any more. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    this.#chunks.push(chunk)
    if (this.#length > this.#maxBytes)
      this.#fail(Object.assign(new Error('the answer is too long'), { code: 'ERR_TOO_LONG' }))
  }

  onResponseEnd(): void {
    const [first] = this.#chunks
    const isOne = first !== undefined && this.#chunks.length === 1
    this.#settle()
    this.#outcome.resolve({
      status: this.#status,
      body: isOne ? first : Buffer.concat(this.#chunks),
    })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#settle()
    this.#outcome.reject(error)
  }

  #fail(error: Error): void {
    this.#failure = error
    this.#settle()
    this.#outcome.reject(error)
    this.#controller?.abort(error)
  }

  #settle(): void {
    for (const release of this.#release) release()
    this.#release = []
  }
}
