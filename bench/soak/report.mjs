/** What happened: counted, timed, and every error that was not asked for. */
import { median } from '../measure.mjs'

/** More than this of one run say nothing new. */
const maxFaults = 50

export function createReport() {
  const kinds = new Map()
  const faults = []
  return {
    faults,
    /** Counts an operation that ended as it should. */
    note(kind, elapsedMs) {
      const times = kinds.get(kind) ?? []
      times.push(elapsedMs)
      kinds.set(kind, times)
    },
    fault(kind, text) {
      if (faults.length < maxFaults) faults.push(`${kind}: ${text}`)
      process.stderr.write(`FAULT ${kind}: ${text}\n`)
    },
    count: () => [...kinds.values()].reduce((sum, times) => sum + times.length, 0),
    kinds: () => new Set(kinds.keys()),
    /** The table of kinds: how many, and how long half of them and all but a hundredth took. */
    table() {
      const rows = [...kinds].toSorted(([a], [b]) => a.localeCompare(b))
      return rows.map(([kind, times]) => {
        const sorted = times.toSorted((a, b) => a - b)
        const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
        return `${kind.padEnd(34)}${String(times.length).padStart(8)}${at(0.5).toFixed(1).padStart(10)}${at(0.99).toFixed(1).padStart(10)}`
      })
    },
  }
}

/**
 * Whether a life's memory is flat. Its first third is warm-up (code, caches, the heap's growth to its working size); of the rest, the later
 * half's median may be above the earlier half's by a tenth and 16 MiB, which is what the garbage collector leaves lying for a while.
 */
export function judgeMemory(samples) {
  const steady = samples.slice(Math.ceil(samples.length / 3))
  if (steady.length < 8) return undefined
  const half = steady.length >> 1
  const [earlier, later] = [median(steady.slice(0, half)), median(steady.slice(half))]
  return { earlier, later, isFlat: later <= earlier * 1.1 + 16 }
}
