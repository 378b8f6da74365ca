/** What `bin/` calls: the command line on the real terminal. */
import { createProcessIo } from './base/process/process-io.ts'
import { answerWarm } from './commands/cached-fast-path.ts'

/** Runs a command line and sets the process's exit code; sockets and timers that are left do not keep it waiting. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const io = createProcessIo()
  const code = await answerWarm(argv, io)
  process.exit(code ?? (await (await import('./main.ts')).run(argv, io)))
}
