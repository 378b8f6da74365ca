/** A process of `serve --workers N`: what was typed comes to it from the first one. */
import type { Io } from '../../base/io.ts'
import { createServer } from '../../server/create-server.ts'
import { runWorker } from '../../server/workers/run-worker.ts'
import { toWorkerOptions } from '../../server/workers/start-workers.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { readServerOptions } from './server-options.ts'
import { createSettings } from '../options/settings.ts'

/** Serves until the first process says stop. @returns The exit code. */
export function runServeWorker(io: Io): Promise<number> {
  // Ctrl-C comes to the whole group: the first process decides, and a second one still ends all.
  io.catchSignals()
  return runWorker((settings, shared, peers) => {
    const own = readServerOptions(createSettings(settings as ParsedArgv, io), io)
    return createServer({ ...toWorkerOptions(own, shared), peers })
  })
}
