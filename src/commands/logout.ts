import { findUserDirectory } from '../client/find-user-directory.ts'
import { existsSync } from 'node:fs'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import {
  deleteCachedCredentials,
  readCachedCredentials,
  type CachedCredentials,
} from '../client/credential-cache.ts'
import type { NetOptions } from '../client/options.ts'
import { getOriginText } from '../client/credential-origin.ts'
import { formatUtc } from '../protocol/dates.ts'
import type { Settings } from './options/settings.ts'

/**
 * `logout`: deletes a profile's cached credentials and its refresh token, and revokes the session at the server and the refresh token at the
 * provider. It is no error when nothing is cached.
 */
export async function runLogout(settings: Settings, io: Io): Promise<number> {
  const profile = settings.get('profile') ?? 'default'
  const directory = findUserDirectory('cache', io)
  const found = directory === undefined ? undefined : readCachedCredentials(directory, profile)
  const cached = found?.isInKeyring === true ? await takeFromKeyring(found, io) : found
  if (directory !== undefined) deleteCachedCredentials(directory, profile)
  if (cached !== undefined) await revokeOrWarn(cached, settings, io)
  if (cached?.isRenewable === true) await revokeRefreshToken(cached, settings, io)
  return 0
}

async function takeFromKeyring(found: CachedCredentials, io: Io): Promise<CachedCredentials> {
  const { deleteFromKeyring, readFromKeyring } = await import('../client/keyring-credentials.ts')
  const keyring = await io.openKeyring?.()
  const whole = await readFromKeyring(keyring, found)
  await deleteFromKeyring(keyring, found.profile)
  return whole ?? found
}

/**
 * Revokes the session. Few servers can; where it was not done, a line says until when the keys work, because only their lifetime ends them
 * now. The wait is short.
 */
async function revokeOrWarn(cached: CachedCredentials, settings: Settings, io: Io): Promise<void> {
  const { revokeSession } = await import('../client/revoke-session.ts')
  const trust = findTrust(cached, settings)
  const { host } = new URL(cached.stsEndpoint)
  const warn = (why: string): void =>
    io.writeStderr(
      `forgotten here, but ${why}: the keys work until ${formatUtc(cached.expiresAtMs)}\n`,
    )
  try {
    const net = { timeoutMs: 2000, retries: 0, ...trust, env: io.env }
    const result = await revokeSession(cached, net, io.nowMs())
    if (result === 'refused') warn(`${host} did not revoke them`)
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    warn(`not revoked at ${host} (${error.message})`)
  }
}

/** Revokes the refresh token; a provider's refusal is reported and is not a failure, because the credentials are deleted already. */
async function revokeRefreshToken(
  cached: CachedCredentials,
  settings: Settings,
  io: Io,
): Promise<void> {
  const { revokeRenewal } = await import('../client/token/refresh-token.ts')
  const net = { timeoutMs: 10_000, retries: 0, ...findTrust(cached, settings), env: io.env }
  try {
    await revokeRenewal(cached.profile, { net, io })
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    io.writeStderr(`forgotten here, but not revoked: ${error.message}\n`)
  }
}

/** Returns the trust that is given now, else the login's, whose endpoint is asked. A `serve` that stopped has removed its CA file. */
function findTrust(
  { origin }: CachedCredentials,
  settings: Settings,
): Pick<NetOptions, 'caFile' | 'isInsecure'> {
  const own = settings.get('ca-file')
  const cached = getOriginText(origin, 'ca-file')
  return {
    caFile: own ?? (cached !== undefined && existsSync(cached) ? cached : undefined),
    isInsecure: settings.isFlag('insecure')
      ? settings.has('insecure')
      : getOriginText(origin, 'insecure') === 'true',
  }
}
