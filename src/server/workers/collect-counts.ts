/** Collects the metrics of all workers for the worker that was asked for them. */

const answerTimeoutMs = 1000

export interface Collector {
  /** Asks the workers. Resolves to their counts, without those of workers that died or did not answer within a second. */
  collect(
    workers: readonly number[],
    ask: (worker: number, collection: number) => void,
  ): Promise<object[]>
  answer(worker: number, collection: number, counts: object): void
  /** Stops waiting for a worker that has ended. */
  drop(worker: number): void
}

interface Collection {
  readonly missing: Set<number>
  readonly counts: object[]
  readonly finish: () => void
}

/** Returns a collector, which holds the collections in progress. */
export function createCollector(): Collector {
  const collections = new Map<number, Collection>()
  let last = 0

  const removeMissing = (collection: Collection, worker: number): void => {
    collection.missing.delete(worker)
    if (collection.missing.size === 0) collection.finish()
  }

  return {
    collect(workers, ask) {
      last += 1
      const id = last
      return new Promise((resolve) => {
        const counts: object[] = []
        const finish = (): void => {
          clearTimeout(timer)
          collections.delete(id)
          resolve(counts)
        }
        const timer = setTimeout(finish, answerTimeoutMs)
        collections.set(id, { missing: new Set(workers), counts, finish })
        for (const worker of workers) ask(worker, id)
      })
    },
    answer(worker, id, counts) {
      const collection = collections.get(id)
      if (collection?.missing.has(worker) !== true) return
      collection.counts.push(counts)
      removeMissing(collection, worker)
    },
    drop(worker) {
      for (const collection of collections.values()) removeMissing(collection, worker)
    },
  }
}
