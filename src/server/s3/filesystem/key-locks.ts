/** Locks of buckets and keys within this process: writers share a bucket and hold a key; deleting a bucket waits for all of them. */

interface Waiter {
  readonly isExclusive: boolean
  readonly start: () => void
}

interface LockState {
  sharers: number
  isHeld: boolean
  readonly waiting: Waiter[]
}

export interface KeyLocks {
  /** Runs `work` while nobody holds `name` exclusively. */
  share<T>(name: string, work: () => Promise<T>): Promise<T>
  /**
   * Runs `work` while nobody else shares or holds `name`.
   *
   * @param sharing A name that is shared meanwhile, with one request for both.
   */
  hold<T>(name: string, work: () => Promise<T>, sharing?: string): Promise<T>
}

/** Creates locks by name, first come first served. A name that is not in use takes no memory. */
export function createKeyLocks(): KeyLocks {
  const states = new Map<string, LockState>()

  async function run<T>(name: string, isExclusive: boolean, work: () => Promise<T>): Promise<T> {
    await enter(name, isExclusive)
    try {
      return await work()
    } finally {
      leave(name, isExclusive)
    }
  }

  function enter(name: string, isExclusive: boolean): Promise<void> {
    let state = states.get(name)
    if (!state) {
      state = { sharers: 0, isHeld: false, waiting: [] }
      states.set(name, state)
    }
    const { waiting } = state
    return new Promise((start) => {
      waiting.push({ isExclusive, start })
      startNext(name)
    })
  }

  function leave(name: string, isExclusive: boolean): void {
    const state = states.get(name)
    if (!state) return
    if (isExclusive) state.isHeld = false
    else state.sharers -= 1
    startNext(name)
  }

  function startNext(name: string): void {
    const state = states.get(name)
    if (!state) return
    for (let next = state.waiting[0]; next; next = state.waiting[0]) {
      if (state.isHeld || (next.isExclusive && state.sharers > 0)) return
      state.waiting.shift()
      if (next.isExclusive) state.isHeld = true
      else state.sharers += 1
      next.start()
    }
    if (!state.isHeld && state.sharers === 0) states.delete(name)
  }

  return {
    share: (name, work) => run(name, false, work),
    hold: (name, work, sharing) => {
      const hold = (): ReturnType<typeof work> => run(name, true, work)
      return sharing === undefined ? hold() : run(sharing, false, hold)
    },
  }
}

/**
 * Returns locks among processes whose holders read what the holder before has committed. A process reads the index as it was at the start of its turn, and
 * a lock may be granted within the same turn.
 */
export function withRefresh(locks: KeyLocks, refresh: () => void): KeyLocks {
  const refreshed =
    <T>(work: () => Promise<T>) =>
    (): Promise<T> => {
      refresh()
      return work()
    }
  return {
    share: (name, work) => locks.share(name, refreshed(work)),
    hold: (name, work, sharing) => locks.hold(name, refreshed(work), sharing),
  }
}
