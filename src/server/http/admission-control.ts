/**
 * Admits requests under overload. A request is counted while the server works on it, not while its client sends or reads, so a long upload or
 * download takes no slot that another request needs.
 */
import {
  createConcurrencyLimiter,
  type ConcurrencyLimiter,
  type ConcurrencyLimits,
} from './concurrency-limiter.ts'
import type { HttpOutcome, HttpRequest } from './http-message.ts'
import type { Exchange, Pace } from './open-server.ts'

/**
 * `free`: never counted (health, metrics). `form`: small, and read whole by its handler, which then takes a slot. `document`: an XML document.
 * `data`: content of an object. `upload-form`: content of an object in a form, some of which is held in memory.
 */
export type RequestKind = 'free' | 'form' | 'document' | 'data' | 'upload-form'

export interface Overload {
  readonly limits: ConcurrencyLimits
  readonly classify: (request: HttpRequest) => RequestKind
  /** Returns the outcome of a request that is not handled: `busy`, or `slow` where its body did not come in time. */
  readonly toRefusal: (request: HttpRequest, why: 'busy' | 'slow') => HttpOutcome
}

export interface Admitted {
  readonly request: HttpRequest
  /** Gives up the slot, if one is taken. Safe to call twice. */
  readonly release: () => void
}

export interface AdmissionControl {
  /** Resolves to undefined where the request must be refused. */
  admit(request: HttpRequest, exchange: Exchange): Promise<Admitted | undefined>
}

/** The gateway holds up to 256 KiB of each upload form in memory: 64 MiB in all. Anybody can send one. */
const maxUploadForms = 256
/**
 * The slowest pace allowed for a body. A form is a few kilobytes, a document a few megabytes. Content may be as slow as a modem on average,
 * after a minute in which nothing has to arrive.
 */
const paces: Readonly<Record<RequestKind, Pace>> = {
  free: { graceMs: 30_000, bytesPerSecond: undefined },
  form: { graceMs: 30_000, bytesPerSecond: undefined },
  document: { graceMs: 30_000, bytesPerSecond: 8192 },
  data: { graceMs: 60_000, bytesPerSecond: 1024 },
  'upload-form': { graceMs: 60_000, bytesPerSecond: 1024 },
}

/** Makes the admission control of one listener. */
export function createAdmissionControl({ limits, classify }: Overload): AdmissionControl {
  const all = createConcurrencyLimiter(limits)
  const forms = createConcurrencyLimiter({ ...limits, maxRunning: maxUploadForms })
  return {
    async admit(request, exchange) {
      const kind = classify(request)
      exchange.bodyPace = paces[kind]
      if (kind === 'free') return { request, release: () => {} }
      if (kind === 'form') return admitForm(request, all)
      const releaseForm = kind === 'upload-form' ? await acquire(forms) : () => {}
      if (releaseForm === undefined) return undefined
      const release = await acquire(all)
      if (release === undefined) {
        releaseForm()
        return undefined
      }
      releaseOnRead(exchange, release)
      return {
        request,
        release: () => {
          release()
          releaseForm()
        },
      }
    },
  }
}

/** The handler of a form takes the slot once it has read the form: slow clients must not take the slots of others. */
function admitForm(request: HttpRequest, all: ConcurrencyLimiter): Admitted {
  let release: (() => void) | undefined
  const slot = {
    acquire: async () => {
      release ??= await acquire(all)
      return release !== undefined
    },
    release: () => release?.(),
  }
  return { request: { ...request, slot }, release: slot.release }
}

/** Takes a slot. Returns what gives it up, once; undefined where there is none. */
async function acquire(limiter: ConcurrencyLimiter): Promise<(() => void) | undefined> {
  if (!limiter.tryAcquire() && !(await limiter.acquire())) return undefined
  let isHeld = true
  return () => {
    if (isHeld) limiter.release()
    isHeld = false
  }
}

/** Gives the slot up when the handler first reads a body that is still on its way: from then on the client sets the pace. */
function releaseOnRead({ message }: Exchange, release: () => void): void {
  message.on('newListener', (name) => {
    if ((name === 'data' || name === 'readable') && !message.complete) release()
  })
}
