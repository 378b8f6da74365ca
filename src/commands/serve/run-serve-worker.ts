/** A process of `serve --workers N`: it gets finished options from the primary, and reads no command line. */
import type { Io } from '../../base/io.ts'
import { openLog } from '../../base/log.ts'
import { createServer } from '../../server/create-server.ts'
import { runWorker } from '../../server/workers/run-worker.ts'
import { toServerOptions } from '../../server/workers/worker-options.ts'

/** Serves until the primary says stop. @returns The exit code. */
export function runServeWorker(io: Io): Promise<number> {
  // Ctrl-C goes to the whole process group: the primary decides, and a second one still ends all.
  io.catchSignals()
  return runWorker((options, peers) => {
    const own = { log: openLog(options.logLevel), nowMs: io.nowMs, peers }
    return createServer(toServerOptions(options, own))
  })
}
