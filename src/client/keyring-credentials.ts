/** `--cache keyring`: the file holds what is not secret (whose, where, until when), the system's keyring holds the secrets. Neither replaces the other. */
import { StsCliError } from '../base/errors.ts'
import type { Keyring } from '../base/keyring.ts'
import { parseJsonObject, readString } from '../base/parse.ts'
import type { CachedCredentials } from './credential-cache.ts'

const accountOf = (profile: string): string => `credentials ${profile}`

/**
 * Stores the secrets in the keyring.
 *
 * @returns What the cache file may hold.
 * @throws {StsCliError} `ERR_CONFIG` where there is no keyring, or it refuses: a file is not what the user asked for.
 */
export async function storeInKeyring(
  keyring: Keyring | undefined,
  cached: CachedCredentials,
): Promise<CachedCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = cached
  const secrets = JSON.stringify({ accessKeyId, secretAccessKey, sessionToken })
  try {
    if (keyring === undefined) throw new Error('there is none')
    await keyring.write(accountOf(profile), secrets)
  } catch (cause) {
    throw new StsCliError(
      'keyring-unavailable',
      'the keyring of this system cannot keep the credentials',
      {
        stage: 'config',
        cause,
      },
    )
  }
  return { ...cached, secretAccessKey: '', sessionToken: '', isInKeyring: true }
}

/** Returns cached credentials with their secrets from the keyring; undefined when it holds nothing, or the secrets of another login. */
export async function readFromKeyring(
  keyring: Keyring | undefined,
  cached: CachedCredentials,
): Promise<CachedCredentials | undefined> {
  if (cached.isInKeyring !== true) return cached
  const text = await readQuietly(keyring, accountOf(cached.profile))
  const json = parseJsonObject(text ?? '')
  if (json === undefined || readString(json, 'accessKeyId') !== cached.accessKeyId) return undefined
  const secretAccessKey = readString(json, 'secretAccessKey')
  const sessionToken = readString(json, 'sessionToken')
  if (secretAccessKey === undefined || sessionToken === undefined) return undefined
  return { ...cached, secretAccessKey, sessionToken }
}

/** Deletes a profile's secrets; nothing can be deleted in a keyring that does not answer. */
export async function deleteFromKeyring(
  keyring: Keyring | undefined,
  profile: string,
): Promise<void> {
  try {
    await keyring?.remove(accountOf(profile))
  } catch {
    // Locked, or nothing there.
  }
}

async function readQuietly(
  keyring: Keyring | undefined,
  account: string,
): Promise<string | undefined> {
  try {
    return await keyring?.read(account)
  } catch {
    // Locked or gone: a new login follows.
    return undefined
  }
}
