/** Tracks whether the upstream answers. Probes it on demand, and logs changes. */
import type { Log } from '../../../base/log.ts'

export interface Health {
  /** Notes that the upstream answered. An error is an answer too. */
  noteAnswer(): void
  noteFailure(error: unknown): void
  /** Runs the probe, one at a time and at most one a second. */
  check(probe: () => Promise<void>): Promise<boolean>
}

const restMs = 1000

export function createHealth(options: {
  readonly log: Log
  readonly nowMs: () => number
  /** For the log. */
  readonly upstream: string
}): Health {
  const { log, nowMs, upstream } = options
  // The first result is not logged: it is reported at startup.
  let isUp: boolean | undefined
  let running: Promise<boolean> | undefined
  let endedAtMs = Number.NEGATIVE_INFINITY

  const noteAnswer = (): void => {
    if (isUp === false) log.info({ upstream }, 'the upstream S3 answers again')
    isUp = true
  }
  const noteFailure = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    if (isUp === true) log.error({ upstream, reason }, 'the upstream S3 does not serve the gateway')
    isUp = false
  }
  const run = async (probe: () => Promise<void>): Promise<boolean> => {
    try {
      await probe()
      noteAnswer()
      return true
    } catch (error) {
      noteFailure(error)
      return false
    } finally {
      endedAtMs = nowMs()
    }
  }

  return {
    noteAnswer,
    noteFailure,
    check(probe) {
      if (running === undefined || nowMs() - endedAtMs >= restMs) {
        endedAtMs = Number.POSITIVE_INFINITY
        running = run(probe)
      }
      return running
    },
  }
}
