import { existsSync } from 'node:fs'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import {
  findCacheDirectory,
  deleteCachedCredentials,
  readCachedCredentials,
  type CachedCredentials,
} from '../client/credential-cache.ts'
import { getOriginText } from '../client/credential-origin.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { createSettings } from './options/settings.ts'

/**
 * `logout`: forgets a profile's credentials and what renews them; ends the session at its server, and revokes what renews it at its provider.
 * Nothing to forget is no error.
 */
export async function runLogout(parsed: ParsedArgv, io: Io): Promise<number> {
  const profile = createSettings(parsed, io).get('profile') ?? 'default'
  const directory = findCacheDirectory(io.env, io.platform)
  const found = directory === undefined ? undefined : readCachedCredentials(directory, profile)
  const cached = found?.isInKeyring === true ? await takeFromKeyring(found, io) : found
  if (directory !== undefined) deleteCachedCredentials(directory, profile)
  if (cached !== undefined) await endSession(cached, parsed, io)
  if (cached?.isRenewable === true) await revoke(cached, parsed, io)
  return 0
}

async function takeFromKeyring(found: CachedCredentials, io: Io): Promise<CachedCredentials> {
  const { deleteFromKeyring, readFromKeyring } = await import('../client/keyring-credentials.ts')
  const keyring = await io.openKeyring?.()
  const whole = await readFromKeyring(keyring, found)
  await deleteFromKeyring(keyring, found.profile)
  return whole ?? found
}

/** Few servers can: one that cannot, or is not there any more, is not worth a line, and not a wait. */
async function endSession(cached: CachedCredentials, parsed: ParsedArgv, io: Io): Promise<void> {
  const { revokeSession } = await import('../client/revoke-session.ts')
  const caFile = findCaFile(cached, parsed, io)
  try {
    await revokeSession(cached, { timeoutMs: 2000, retries: 0, caFile, env: io.env }, io.nowMs())
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
  }
}

/** The credentials themselves are gone: what the provider says is worth a line, not a failure. */
async function revoke(cached: CachedCredentials, parsed: ParsedArgv, io: Io): Promise<void> {
  const { revokeRenewal } = await import('../client/token/refresh-token.ts')
  const caFile = findCaFile(cached, parsed, io)
  const net = { timeoutMs: 10_000, retries: 0, caFile, env: io.env }
  try {
    await revokeRenewal(cached.profile, { net, io })
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    io.writeStderr(`forgotten here, but not revoked: ${error.message}\n`)
  }
}

/** What was said now, else what the login trusted: its endpoint is the one that is asked. A `serve` that has ended took its file along. */
function findCaFile({ origin }: CachedCredentials, parsed: ParsedArgv, io: Io): string | undefined {
  const own = createSettings(parsed, io).get('ca-file')
  const cached = getOriginText(origin, 'ca-file')
  return own ?? (cached !== undefined && existsSync(cached) ? cached : undefined)
}
