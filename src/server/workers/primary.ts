/** The primary's end of every worker's channel, through which locks, revocations and counts go. */
import type { Worker } from 'node:cluster'
import type { Revocation } from '../sessions/share-revocations.ts'
import { createCollector, type Collector } from './collect-counts.ts'
import { createLockServer } from './locks.ts'
import { createMemoryServer } from './remote-memory.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

export interface Primary {
  /** Serves a worker until it ends; the worker first gets the revocations that were made before it started. */
  connect(worker: Worker): void
  /** Sends a message; does nothing if the worker has ended. */
  tell(worker: Worker, message: ToWorker): void
  /** The workers that have not ended. */
  readonly workers: ReadonlySet<Worker>
}

/** Returns a primary without workers. */
export function createPrimary(): Primary {
  const workers = new Set<Worker>()
  const locks = createLockServer()
  const collector = createCollector()
  const remember = createMemoryServer()
  /** The last revocation of each target, so that repeating one takes no memory. */
  const revocations = new Map<string, Revocation>()

  const handle = (worker: Worker, message: ToPrimary): void => {
    switch (message.kind) {
      case 'lock':
      case 'unlock':
        locks.handle(worker.id, message, () =>
          tell(worker, { kind: 'granted', lock: message.lock }),
        )
        break
      case 'revoked':
        revocations.set(JSON.stringify(message.revocation.target), message.revocation)
        for (const other of workers) if (other !== worker) tell(other, message)
        break
      case 'collect':
        void collect(collector, workers, { requester: worker, ...message })
        break
      case 'counted':
        collector.answer(worker.id, message.collection, message.counts)
        break
      case 'remember':
        void remember(message, (answer) => tell(worker, answer))
        break
      case 'here':
        for (const revocation of revocations.values()) tell(worker, { kind: 'revoked', revocation })
        break
      case 'ready':
      case 'failed':
        break
    }
  }

  return {
    workers,
    tell,
    connect(worker) {
      workers.add(worker)
      worker.on('message', (message: ToPrimary) => handle(worker, message))
      worker.once('exit', () => {
        workers.delete(worker)
        locks.releaseAll(worker.id)
        collector.drop(worker.id)
      })
    },
  }
}

/** Asks all workers, and tells the one that wanted it what they answered. */
async function collect(
  collector: Collector,
  workers: ReadonlySet<Worker>,
  {
    requester,
    question,
    about,
  }: { readonly requester: Worker; readonly question: number; readonly about?: object | undefined },
): Promise<void> {
  const byId = new Map([...workers].map((worker) => [worker.id, worker]))
  const counts = await collector.collect([...byId.keys()], (id, collection) => {
    const worker = byId.get(id)
    if (worker !== undefined) tell(worker, { kind: 'count', collection, about })
  })
  tell(requester, { kind: 'counts', question, counts })
}

function tell(worker: Worker, message: ToWorker): void {
  // A worker that is just ending makes this fail; its `exit` event follows.
  if (worker.isConnected()) worker.send(message, () => {})
}
