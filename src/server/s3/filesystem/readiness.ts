/** Whether the disk takes a write: health checks ask often, the disk is asked now and then. */
import type { Disk } from './disk.ts'
import { tryToWrite } from './prepare-folder.ts'

/** An answer is good for this long. */
const probeEveryMs = 5000

/**
 * Makes the check of one store: false when a small file could not be written. Those that ask meanwhile share an answer; a disk
 * that has not given one by the time of the next probe does not work, and is not asked again while it hangs.
 */
export function createReadiness(disk: Pick<Disk, 'root' | 'fs' | 'nowMs'>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined
  let isPending = false
  let askedAtMs = 0

  async function probe(): Promise<boolean> {
    isPending = true
    try {
      await tryToWrite(disk)
      return true
    } catch {
      return false
    } finally {
      isPending = false
    }
  }

  return async () => {
    const ageMs = disk.nowMs() - askedAtMs
    // a clock that was set back must not keep an old answer
    const isFresh = answer !== undefined && ageMs >= 0 && ageMs < probeEveryMs
    if (!isFresh && isPending) return false
    if (!isFresh || answer === undefined) {
      askedAtMs = disk.nowMs()
      answer = probe()
    }
    return answer
  }
}
