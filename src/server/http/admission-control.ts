/**
 * Admits requests under overload. A request has a slot while the server works on it, but not while its client sends or reads. So a long
 * upload or download does not use a slot that another request needs.
 */
import {
  createConcurrencyLimiter,
  type ConcurrencyLimiter,
  type ConcurrencyLimits,
} from './concurrency-limiter.ts'
import type { Exchange, Pace } from './exchanges.ts'
import type { HttpOutcome, HttpRequest } from './http-message.ts'

/**
 * `free`: needs no slot (health, metrics). `form`: a small form; its handler reads all of it and then takes a slot. `document`: an XML
 * document. `data`: the content of an object. `upload-form`: the content of an object in a form, a part of which is held in memory.
 */
export type RequestKind = 'free' | 'form' | 'document' | 'data' | 'upload-form'

/** The limits of a listener, and its replies to requests beyond them. */
export interface Overload {
  readonly limits: ConcurrencyLimits
  readonly classify: (request: HttpRequest) => RequestKind
  /** Returns the outcome of a rejected request. `busy`: the server has too many requests. `slow`: the body did not arrive in time. */
  readonly toRefusal: (request: HttpRequest, why: 'busy' | 'slow') => HttpOutcome
}

/** A request that may be handled. */
export interface AdmittedRequest {
  readonly request: HttpRequest
  /** Releases the slot, if the request has one. May be called twice. */
  readonly release: () => void
}

export interface AdmissionControl {
  /** Waits for a slot. Resolves to undefined when the request must be rejected as `busy`. */
  admit(request: HttpRequest, exchange: Exchange): Promise<AdmittedRequest | undefined>
}

/** The most simultaneous upload forms. The gateway holds up to 256 KiB of each in memory, 64 MiB in total, and anybody can send one. */
const maxUploadForms = 256
/**
 * The minimum pace of a body. A form has a few kilobytes, a document a few megabytes. Content may arrive as slowly as over a modem, on
 * average, after a grace time of a minute.
 */
const paces: Readonly<Record<RequestKind, Pace>> = {
  free: { graceMs: 30_000, bytesPerSecond: undefined },
  form: { graceMs: 30_000, bytesPerSecond: undefined },
  document: { graceMs: 30_000, bytesPerSecond: 8192 },
  data: { graceMs: 60_000, bytesPerSecond: 1024 },
  'upload-form': { graceMs: 60_000, bytesPerSecond: 1024 },
}

/** Returns the admission control of one listener. */
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

/** Admits a form without a slot. Its handler takes one when it has read the form, so that slow clients do not use the slots of others. */
function admitForm(request: HttpRequest, all: ConcurrencyLimiter): AdmittedRequest {
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

/** Waits for a slot. Returns a function that releases it, which has an effect only once; undefined when there is no slot. */
async function acquire(limiter: ConcurrencyLimiter): Promise<(() => void) | undefined> {
  if (!limiter.tryAcquire() && !(await limiter.acquire())) return undefined
  let isHeld = true
  return () => {
    if (isHeld) limiter.release()
    isHeld = false
  }
}

/**
 * Releases the slot when the handler begins to read a body that has not arrived completely: from then on the handler waits for the client.
 */
function releaseOnRead({ message }: Exchange, release: () => void): void {
  message.on('newListener', (name) => {
    if ((name === 'data' || name === 'readable') && !message.complete) release()
  })
}
