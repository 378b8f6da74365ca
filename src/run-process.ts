/** Runs the command line in this process, with its real terminal and environment. `bin/` calls it. */
import { createProcessIo } from './base/process/process-io.ts'
import { runCachedFastPath } from './commands/cached-fast-path.ts'

/** Runs a command line and exits the process with its exit code. It does not wait for open sockets and timers. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const io = createProcessIo()
  const code = await runCachedFastPath(argv, io)
  process.exit(code ?? (await (await import('./main.ts')).run(argv, io)))
}
