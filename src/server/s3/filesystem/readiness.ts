/** Checks whether the disk accepts a write. Health checks are frequent, so the result is cached for a while. */
import type { Disk } from './disk.ts'
import { checkWritable } from './prepare-folder.ts'

/** How long a result is valid. */
const probeEveryMs = 5000

/**
 * Creates the check of one store: false if a small file could not be written. Concurrent callers share a result. A disk that has not
 * answered by the next probe counts as failed, and is not probed again while it hangs.
 */
export function createReadiness(disk: Pick<Disk, 'root' | 'fs' | 'nowMs'>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined
  let isPending = false
  let askedAtMs = 0

  async function probe(): Promise<boolean> {
    isPending = true
    try {
      await checkWritable(disk)
      return true
    } catch {
      return false
    } finally {
      isPending = false
    }
  }

  return async () => {
    const ageMs = disk.nowMs() - askedAtMs
    // A clock that was set back must not keep an old result valid.
    const isFresh = answer !== undefined && ageMs >= 0 && ageMs < probeEveryMs
    if (!isFresh && isPending) return false
    if (!isFresh || answer === undefined) {
      askedAtMs = disk.nowMs()
      answer = probe()
    }
    return answer
  }
}
