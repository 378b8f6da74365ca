import type { Io } from '../base/io.ts'
import { environmentWithout } from '../client/formats/environment.ts'
import {
  detectShell,
  renderShellFailure,
  renderShellLines,
  shellNames,
} from '../client/formats/shells.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import { createSettings, readChoice } from './options/settings.ts'

/** `env`: only text a shell may evaluate. */
export async function runEnv(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  checkOutput(settings, io)
  if (settings.has('unset')) {
    const shell = readChoice(settings, 'shell', shellNames) ?? detectShell(io.env, io.platform)
    const { set, unset } = environmentWithout()
    writeDocument({ text: renderShellLines(shell, set, unset) }, settings, io)
    return 0
  }
  const credentials = await findOrRenew(parsed, io)
  writeDocument(await renderCredentials(credentials, settings, io, 'env'), settings, io)
  return 0
}

/** Prints a line that makes the evaluation fail too; the flags may be what was wrong, so they are read as they stand. */
export function failEvaluation(argv: readonly string[], io: Io): void {
  const words = argv.join('=')
  const shell =
    shellNames.find((name) => new RegExp(`(^|=)--?shell=${name}(=|$)`).test(words)) ??
    detectShell(io.env, io.platform)
  try {
    io.writeStdout(renderShellFailure(shell))
  } catch {
    // Nobody reads: then nobody evaluates.
  }
}
