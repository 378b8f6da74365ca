import type { Io } from '../base/io.ts'
import { renderCredentials } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import type { Settings } from './options/settings.ts'

/**
 * `credential-process`: prints credentials for `credential_process` of AWS's SDKs. It writes nothing to stderr when it works, because some SDKs
 * show it.
 */
export async function runCredentialProcess(settings: Settings, io: Io): Promise<number> {
  const credentials = await findOrRenew(settings, io)
  io.writeStdout((await renderCredentials(credentials, settings, io, 'process')).text)
  return 0
}
