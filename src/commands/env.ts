import type { Io } from '../base/io.ts'
import { environmentWithout } from '../client/formats/environment.ts'
import { detectShell, renderShellFailure, renderShellLines, shellNames } from '../client/shells.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './print-credentials.ts'
import { findOrRenew } from './remembered.ts'
import { createSettings } from './settings.ts'

/** `env`: only text a shell may evaluate; when it fails, a line that makes the evaluation fail too. */
export async function runEnv(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  const shell =
    shellNames.find((name) => name === settings.get('shell')) ?? detectShell(io.env, io.platform)
  try {
    checkOutput(settings)
    const text = settings.has('unset')
      ? renderShellLines(shell, environmentWithout().set, environmentWithout().unset)
      : renderCredentials(await findOrRenew(parsed, io), settings, io, 'env')
    writeDocument(text, settings, io)
    return 0
  } catch (error) {
    io.writeStdout(renderShellFailure(shell))
    throw error
  }
}
