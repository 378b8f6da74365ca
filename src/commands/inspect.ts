import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { inspectToken } from '../client/inspect-token.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { createSettings } from './settings.ts'

/** `inspect [TOKEN|-]`: decodes a JWT here, never sends it, and says what an STS would miss. */
export async function runInspect(parsed: ParsedArgv, io: Io): Promise<number> {
  const [operand, ...more] = parsed.operands
  if (operand === undefined || more.length > 0)
    throw new StsCliError('ERR_USAGE', 'inspect takes one token, or - for stdin', {
      hint: 'sts-cli token | sts-cli inspect -',
    })
  const token = operand === '-' ? (await io.readStdin(256 * 1024)).trim() : operand
  const report = inspectToken(token, io.nowMs())
  if (createSettings(parsed, io).has('json')) {
    io.writeStdout(`${JSON.stringify(report, undefined, 2)}\n`)
    return 0
  }
  const lines = [
    JSON.stringify(report.header, undefined, 2),
    JSON.stringify(report.claims, undefined, 2),
  ]
  for (const { level, message } of report.findings) lines.push(`${level}: ${message}`)
  io.writeStdout(`${lines.join('\n')}\n`)
  return 0
}
