import manifest from '../../../package.json' with { type: 'json' }
import type { Io } from '../../base/io.ts'

/** `--version`: without commander, which a script that asks for the version need not wait for. */
export function printVersion(io: Io): number {
  io.writeStdout(`${manifest.version}\n`)
  return 0
}
