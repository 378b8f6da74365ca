/** Metrics of all workers for the one that was asked. */

const answerTimeoutMs = 1000

export interface Collector {
  /** Asks the workers; resolves with what they counted, without those that died or gave no answer in a second. */
  collect(
    workers: readonly number[],
    ask: (worker: number, collection: number) => void,
  ): Promise<object[]>
  answer(worker: number, collection: number, counts: object): void
  forget(worker: number): void
}

interface Collection {
  readonly missing: Set<number>
  readonly counts: object[]
  readonly finish: () => void
}

/** Keeps the questions that are under way. */
export function createCollector(): Collector {
  const collections = new Map<number, Collection>()
  let last = 0

  const strike = (collection: Collection, worker: number): void => {
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
      strike(collection, worker)
    },
    forget(worker) {
      for (const collection of collections.values()) strike(collection, worker)
    },
  }
}
