/** What `bin/` calls: the command line on the real terminal. */
import { createProcessIo } from './base/process/process-io.ts'
import { runCachedFastPath } from './commands/cached-fast-path.ts'

/** Runs a command line and sets the process's exit code; sockets and timers that are left do not keep it waiting. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const io = createProcessIo()
  const code = await runCachedFastPath(argv, io)
  process.exit(code ?? (await (await import('./main.ts')).run(argv, io)))
}
