import manifest from '../../../package.json' with { type: 'json' }
import type { Io } from '../../base/io.ts'

/** `--version`: without commander, because scripts ask for the version. */
export function printVersion(io: Io): number {
  io.writeStdout(`${manifest.version}\n`)
  return 0
}
