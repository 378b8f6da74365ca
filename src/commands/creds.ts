import type { Io } from '../base/io.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './print-credentials.ts'
import { findOrRenew } from './remembered.ts'
import { createSettings } from './settings.ts'

/** `creds`: the remembered credentials in a format. */
export async function runCreds(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  checkOutput(settings, io)
  const credentials = await findOrRenew(parsed, io)
  writeDocument(await renderCredentials(credentials, settings, io), settings, io)
  return 0
}
