/** What `bin/` calls: the command line on the real terminal. */
import { createProcessIo } from './base/process-io.ts'
import { run } from './main.ts'

/** Runs a command line and sets the process's exit code; sockets and timers that are left do not keep it waiting. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  process.exit(await run(argv, createProcessIo()))
}
