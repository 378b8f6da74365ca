/** The first process's end of every worker's channel: locks, revocations and counts go through here. */
import type { Worker } from 'node:cluster'
import type { Revocation } from '../sessions/share-revocations.ts'
import { createCollector } from './collect-counts.ts'
import { createLockDesk } from './locks.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

export interface Primary {
  /** Serves a worker until it ends; it learns first what was revoked before its time. */
  connect(worker: Worker): void
  /** To one that is gone, nothing is said. */
  tell(worker: Worker, message: ToWorker): void
  /** Those that have not ended. */
  readonly workers: ReadonlySet<Worker>
}

/** Makes one without workers. */
export function createPrimary(): Primary {
  const workers = new Set<Worker>()
  const desk = createLockDesk()
  const collector = createCollector()
  /** The last of each target: revoking it again takes no room. */
  const revocations = new Map<string, Revocation>()

  const collect = async (asker: Worker, question: number): Promise<void> => {
    const byId = new Map([...workers].map((worker) => [worker.id, worker]))
    const counts = await collector.collect([...byId.keys()], (id, collection) => {
      const worker = byId.get(id)
      if (worker !== undefined) tell(worker, { kind: 'count', collection })
    })
    tell(asker, { kind: 'counts', question, counts })
  }

  const hear = (worker: Worker, message: ToPrimary): void => {
    switch (message.kind) {
      case 'lock':
      case 'unlock':
        desk.take(worker.id, message, () => tell(worker, { kind: 'granted', lock: message.lock }))
        break
      case 'revoked':
        revocations.set(JSON.stringify(message.revocation.target), message.revocation)
        for (const other of workers) if (other !== worker) tell(other, message)
        break
      case 'collect':
        void collect(worker, message.question)
        break
      case 'counted':
        collector.answer(worker.id, message.collection, message.counts)
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
      worker.on('message', (message: ToPrimary) => hear(worker, message))
      worker.once('exit', () => {
        workers.delete(worker)
        desk.forget(worker.id)
        collector.forget(worker.id)
      })
    },
  }
}

function tell(worker: Worker, message: ToWorker): void {
  // It may be ending as we speak; its end is heard of by itself.
  if (worker.isConnected()) worker.send(message, () => {})
}
