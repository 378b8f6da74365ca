/** `--cache keyring`: the file keeps what is no secret (whose, where, until when), the system's keyring the keys; never one in place of the other. */
import { StsCliError } from '../base/errors.ts'
import type { Keyring } from '../base/keyring.ts'
import { parseJsonObject, readString } from '../base/parse.ts'
import type { CachedCredentials } from './credential-cache.ts'

const accountOf = (profile: string): string => `credentials ${profile}`

/**
 * Puts the keys into the keyring.
 *
 * @returns What the file may hold.
 * @throws {StsCliError} `ERR_CONFIG` where there is no keyring, or it takes nothing: a file would not be what was asked for.
 */
export async function storeInKeyring(
  keyring: Keyring | undefined,
  remembered: CachedCredentials,
): Promise<CachedCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = remembered
  const sealed = JSON.stringify({ accessKeyId, secretAccessKey, sessionToken })
  try {
    if (keyring === undefined) throw new Error('there is none')
    await keyring.write(accountOf(profile), sealed)
  } catch (cause) {
    throw new StsCliError('ERR_CONFIG', 'the keyring of this system cannot keep the credentials', {
      stage: 'config',
      hint: 'use --cache file (0600), or --cache none',
      cause,
    })
  }
  return { ...remembered, secretAccessKey: '', sessionToken: '', isSealed: true }
}

/** Puts back together what was sealed; undefined when the keyring holds nothing, or the keys of another login. */
export async function readFromKeyring(
  keyring: Keyring | undefined,
  remembered: CachedCredentials,
): Promise<CachedCredentials | undefined> {
  if (remembered.isSealed !== true) return remembered
  const text = await readQuietly(keyring, accountOf(remembered.profile))
  const json = parseJsonObject(text ?? '')
  if (json === undefined || readString(json, 'accessKeyId') !== remembered.accessKeyId)
    return undefined
  const secretAccessKey = readString(json, 'secretAccessKey')
  const sessionToken = readString(json, 'sessionToken')
  if (secretAccessKey === undefined || sessionToken === undefined) return undefined
  return { ...remembered, secretAccessKey, sessionToken }
}

/** Forgets a profile's keys; a keyring that cannot be asked holds nothing that we could take away. */
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
    // Locked, or gone: then there is a new login.
    return undefined
  }
}
