/**
 * The store of refresh tokens, which renew a person's credentials without asking. It is the system's keyring and nothing else; without a
 * keyring people sign in again.
 */
import type { Keyring } from '../base/keyring.ts'
import { isObject, parseJsonObject, readString } from '../base/parse.ts'
import type { ClientAccess, ExchangeOptions } from './options.ts'

export interface Renewal {
  readonly refreshToken: string
  /** The provider that gave it, and the client that got it: it goes to no other. Without the client's secret. */
  readonly access: ClientAccess
  /** How the token was exchanged: a renewal must not get more rights than the login. */
  readonly exchange: ExchangeOptions
  readonly isIdTokenWanted: boolean
}

/** Stores the renewal for a profile. @returns Whether the keyring took it. */
export async function storeRenewal(
  keyring: Keyring | undefined,
  profile: string,
  { refreshToken, access, exchange, isIdTokenWanted }: Renewal,
): Promise<boolean> {
  if (keyring === undefined) return false
  const stored = { version: 1, refreshToken, access: pickAccess(access), exchange, isIdTokenWanted }
  try {
    await keyring.write(profile, JSON.stringify(stored))
    return true
  } catch {
    // There is no keyring, it is locked, or the token is too long for it: then it is stored nowhere.
    return false
  }
}

/** Returns a profile's renewal; undefined when there is none, or the keyring does not answer. */
export async function readRenewal(
  keyring: Keyring | undefined,
  profile: string,
): Promise<Renewal | undefined> {
  try {
    const json = parseJsonObject((await keyring?.read(profile)) ?? '')
    const refreshToken = json === undefined ? undefined : readString(json, 'refreshToken')
    if (json?.['version'] !== 1 || refreshToken === undefined) return undefined
    const { access, exchange, isIdTokenWanted } = json
    if (!isObject(access) || !isObject(exchange)) return undefined
    // Only sts-cli writes under its name in the user's keyring.
    return { refreshToken, access, exchange, isIdTokenWanted: isIdTokenWanted === true } as never
  } catch {
    return undefined
  }
}

/** Deletes a profile's renewal; nothing can be deleted in a keyring that does not answer. */
export async function deleteRenewal(keyring: Keyring | undefined, profile: string): Promise<void> {
  try {
    await keyring?.remove(profile)
  } catch {
    // There is nothing to delete.
  }
}

/** Picks members by name, so that no secret or password beside them is stored. */
function pickAccess(from: ClientAccess): ClientAccess {
  const { tokenEndpoint, issuer, clientId, authMethod, keyFile, scope, audience, parameters } = from
  return { tokenEndpoint, issuer, clientId, authMethod, keyFile, scope, audience, parameters }
}
