import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { inspectToken, type TokenReport } from '../client/inspect-token.ts'
import type { Settings } from './options/settings.ts'

/** `inspect [TOKEN|-]`: decodes a JWT locally and checks it as an STS would; with `--simulate`, prints what policies would decide. */
export async function runInspect(settings: Settings, io: Io): Promise<number> {
  const [operand, resource, ...more] = settings.operands
  const action = settings.get('simulate')
  const isWhole = action === undefined ? resource === undefined : resource !== undefined
  if (operand === undefined || !isWhole || more.length > 0)
    throw new StsCliError(
      'operands-invalid',
      action === undefined
        ? 'inspect takes one token, or - for stdin'
        : 'inspect --simulate takes a token, or - for stdin, and BUCKET or BUCKET/KEY',
      { hint: 'sts-cli token | sts-cli inspect -' },
    )
  const token = operand === '-' ? (await io.readStdin(256 * 1024)).trim() : operand
  const report = inspectToken(token, io.nowMs())
  if (action === undefined) {
    io.writeStdout(settings.has('json') ? toJson(report) : describe(report))
    return 0
  }
  const { simulatePolicy } = await import('./simulate-policy.ts')
  const verdict = await simulatePolicy(
    { claims: report.claims, action, resource: resource ?? '' },
    settings,
    io,
  )
  const word = verdict.isAllowed ? 'allowed' : 'denied'
  io.writeStdout(settings.has('json') ? toJson(verdict) : `${word}: ${verdict.reason}\n`)
  return verdict.isAllowed ? 0 : 1
}

function describe({ header, claims, findings }: TokenReport): string {
  const lines = [header, claims].map((part) => JSON.stringify(part, undefined, 2))
  for (const { level, message } of findings) lines.push(`${level}: ${message}`)
  return `${lines.join('\n')}\n`
}

function toJson(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
