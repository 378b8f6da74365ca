import type { Io } from '../base/io.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import { createSettings } from './options/settings.ts'

/** `creds`: the remembered credentials in a format. */
export async function runCreds(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  checkOutput(settings, io)
  const credentials = await findOrRenew(parsed, io)
  writeDocument(await renderCredentials(credentials, settings, io), settings, io)
  return 0
}
