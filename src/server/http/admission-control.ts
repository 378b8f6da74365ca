/**
 * Who may come in: requests are counted while we work on them, not while their clients send or read. A long upload or download takes no place
 * that another request needs.
 */
import { createAdmission, type Admission, type AdmissionLimits } from './concurrency-limiter.ts'
import type { HttpOutcome, HttpRequest } from './http-message.ts'
import type { Exchange, Pace } from './open-server.ts'

/**
 * `free`: never counted (health, metrics). `form`: small, and read whole by its handler, which then takes a place. `document`: an XML document. `data`: content of
 * an object. `upload-form`: content of an object in a form, some of which is held in memory.
 */
export type RequestKind = 'free' | 'form' | 'document' | 'data' | 'upload-form'

export interface Overload {
  readonly limits: AdmissionLimits
  readonly classify: (request: HttpRequest) => RequestKind
  /** Returns the outcome of a request that is not handled: `busy`, or `slow` where its body did not come in time. */
  readonly toRefusal: (request: HttpRequest, why: 'busy' | 'slow') => HttpOutcome
}

export interface Admitted {
  readonly request: HttpRequest
  /** Gives up the place, if one is taken. May be called again. */
  readonly leave: () => void
}

export interface Doorkeeper {
  /** Resolves to undefined where the request must be refused. */
  admit(request: HttpRequest, exchange: Exchange): Promise<Admitted | undefined>
}

/** Forms of strangers whose first 256 KiB each the gateway may hold in memory: 64 MiB. */
const maxUploadForms = 256
/**
 * How slowly a body may come. A form is a few kilobytes. A document has up to some megabytes. For content the least average is what a modem
 * has, after a minute in which nothing need come.
 */
const paces: Readonly<Record<RequestKind, Pace>> = {
  free: { graceMs: 30_000, bytesPerSecond: undefined },
  form: { graceMs: 30_000, bytesPerSecond: undefined },
  document: { graceMs: 30_000, bytesPerSecond: 8192 },
  data: { graceMs: 60_000, bytesPerSecond: 1024 },
  'upload-form': { graceMs: 60_000, bytesPerSecond: 1024 },
}

/** Makes the doorkeeper of one listener. */
export function createDoorkeeper({ limits, classify }: Overload): Doorkeeper {
  const all = createAdmission(limits)
  const forms = createAdmission({ ...limits, maxRunning: maxUploadForms })
  return {
    async admit(request, exchange) {
      const kind = classify(request)
      exchange.bodyPace = paces[kind]
      if (kind === 'free') return { request, leave: () => {} }
      if (kind === 'form') return admitForm(request, all)
      const form = kind === 'upload-form' ? await enter(forms) : () => {}
      if (form === undefined) return undefined
      const leave = await enter(all)
      if (leave === undefined) {
        form()
        return undefined
      }
      leaveOnRead(exchange, leave)
      return {
        request,
        leave: () => {
          leave()
          form()
        },
      }
    },
  }
}

/** Whoever handles a form takes the place when the form is there: slow clients must not take those of others. */
function admitForm(request: HttpRequest, all: Admission): Admitted {
  let leave: (() => void) | undefined
  const place = {
    take: async () => {
      leave ??= await enter(all)
      return leave !== undefined
    },
    leave: () => leave?.(),
  }
  return { request: { ...request, place }, leave: place.leave }
}

/** @returns What gives the place up, once; undefined where there is none. */
async function enter(admission: Admission): Promise<(() => void) | undefined> {
  if (!admission.tryEnter() && !(await admission.waitToEnter())) return undefined
  let isInside = true
  return () => {
    if (isInside) admission.leave()
    isInside = false
  }
}

/** From the first look at a body that is still to come, the client sets the pace. */
function leaveOnRead({ message }: Exchange, leave: () => void): void {
  message.on('newListener', (name) => {
    if ((name === 'data' || name === 'readable') && !message.complete) leave()
  })
}
