import type { Io } from '../base/io.ts'
import { environmentWithout } from '../client/formats/environment.ts'
import {
  detectShell,
  renderShellFailure,
  renderShellLines,
  shellNames,
} from '../client/formats/shells.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import { readChoice, type Settings } from './options/settings.ts'

/** `env`: prints shell commands that export the credentials, and nothing that a shell must not evaluate. */
export async function runEnv(settings: Settings, io: Io): Promise<number> {
  checkOutput(settings, io)
  if (settings.has('unset')) {
    const shell = readChoice(settings, 'shell', shellNames) ?? detectShell(io.env, io.platform)
    const { set, unset } = environmentWithout()
    writeDocument({ text: renderShellLines(shell, set, unset) }, settings, io)
    return 0
  }
  const credentials = await findOrRenew(settings, io)
  writeDocument(await renderCredentials(credentials, settings, io, 'env'), settings, io)
  return 0
}

/** Prints a line that makes the evaluation fail too. It reads argv itself, because the flags may be what is wrong. */
export function failEvaluation(argv: readonly string[], io: Io): void {
  const words = argv.join('=')
  const shell =
    shellNames.find((name) => new RegExp(`(^|=)--?shell=${name}(=|$)`).test(words)) ??
    detectShell(io.env, io.platform)
  try {
    io.writeStdout(renderShellFailure(shell))
  } catch {
    // Nobody reads stdout, so nobody evaluates it.
  }
}
