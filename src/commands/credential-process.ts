import type { Io } from '../base/io.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { renderCredentials } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import { createSettings } from './options/settings.ts'

/**
 * `credential-process`: the hook of AWS's SDKs (`credential_process = sts-cli credential-process`). Silent on stderr when it works: some
 * SDKs show what is written there.
 */
export async function runCredentialProcess(parsed: ParsedArgv, io: Io): Promise<number> {
  const credentials = await findOrRenew(parsed, io)
  const settings = createSettings(parsed, io)
  io.writeStdout((await renderCredentials(credentials, settings, io, 'process')).text)
  return 0
}
