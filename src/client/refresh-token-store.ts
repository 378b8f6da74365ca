/**
 * What renews a person's credentials without asking: the refresh token and what it is for. Kept in the system's keyring and nowhere else;
 * where there is none, people sign in again.
 */
import type { Keyring } from '../base/keyring.ts'
import { isObject, parseJsonObject, readString } from '../base/parse.ts'
import type { ClientAccess, ExchangeOptions } from './options.ts'

export interface Renewal {
  readonly refreshToken: string
  /** The provider that gave it, and the client that it was given to: it goes to no other. Never with the client's secret. */
  readonly access: ClientAccess
  /** How the token was traded: a renewal must not be wider than the login was. */
  readonly exchange: ExchangeOptions
  readonly isIdTokenWanted: boolean
}

/** Keeps it for the profile. @returns Whether the keyring took it. */
export async function storeRenewal(
  keyring: Keyring | undefined,
  profile: string,
  { refreshToken, access, exchange, isIdTokenWanted }: Renewal,
): Promise<boolean> {
  if (keyring === undefined) return false
  const kept = { version: 1, refreshToken, access: pickAccess(access), exchange, isIdTokenWanted }
  try {
    await keyring.write(profile, JSON.stringify(kept))
    return true
  } catch {
    // No store, a locked one, or a token longer than it takes: then it is not kept anywhere.
    return false
  }
}

/** What is kept for the profile; undefined when there is nothing, or the keyring cannot be asked. */
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
    // Only we write under our name in the person's own keyring.
    return { refreshToken, access, exchange, isIdTokenWanted: isIdTokenWanted === true } as never
  } catch {
    return undefined
  }
}

/** Forgets it; a keyring that cannot be asked has nothing of ours. */
export async function deleteRenewal(keyring: Keyring | undefined, profile: string): Promise<void> {
  try {
    await keyring?.remove(profile)
  } catch {
    // There is nothing to forget.
  }
}

/** By name, so that neither a secret nor a password that stands beside comes along. */
function pickAccess(from: ClientAccess): ClientAccess {
  const { tokenEndpoint, issuer, clientId, authMethod, keyFile, scope, audience, parameters } = from
  return { tokenEndpoint, issuer, clientId, authMethod, keyFile, scope, audience, parameters }
}
