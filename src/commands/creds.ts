import type { Io } from '../base/io.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import type { Settings } from './options/settings.ts'

/** `creds`: prints the cached credentials, renewed if needed. */
export async function runCreds(settings: Settings, io: Io): Promise<number> {
  checkOutput(settings, io)
  const credentials = await findOrRenew(settings, io)
  writeDocument(await renderCredentials(credentials, settings, io), settings, io)
  return 0
}
