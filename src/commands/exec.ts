import { StsCliError } from '../base/errors.ts'
import { runChild } from '../base/execa.ts'
import type { Io } from '../base/io.ts'
import { environmentOf } from '../client/formats/environment.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { findOrRenew } from './remembered.ts'
import { createSettings } from './settings.ts'

/** `exec -- CMD…`: runs CMD as if `eval $(sts-cli env)` had come before; its exit code and signals are ours. */
export async function runExec(parsed: ParsedArgv, io: Io): Promise<number> {
  const argv = [...parsed.operands, ...(parsed.command ?? [])]
  if (parsed.operands.length > 0 || argv.length === 0) {
    throw new StsCliError('ERR_USAGE', 'exec takes a command after --', {
      hint: 'sts-cli exec -- aws s3 ls',
    })
  }
  const settings = createSettings(parsed, io)
  const credentials = await findOrRenew(parsed, io)
  const { set, unset } = environmentOf(credentials, {
    env: io.env,
    hasEndpoint: !settings.has('no-endpoint'),
    region: settings.get('region'),
  })
  const removed = Object.fromEntries(unset.map((name) => [name, undefined]))
  const env = { ...io.env, ...removed, ...Object.fromEntries(set) }
  const signal = io.catchSignals()
  const { exitCode, failure } = await runChild({
    argv,
    env,
    signal,
    isTerminalShared: io.isTty.stdin,
  })
  if (failure !== undefined) io.writeStderr(`error: ${failure}\n`)
  return exitCode
}
