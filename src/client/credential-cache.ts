/**
 * The cache of temporary credentials; it never holds a client secret or an identity provider's token. Each profile has one file, 0600 in a
 * directory 0700, written atomically. This module is on the hot path of `env`: it loads node:fs and nothing else.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { StsCliError } from '../base/errors.ts'
import { isAlive } from '../base/process/is-alive.ts'
import {
  makePrivateFolder,
  readPrivateFile,
  removeQuietly,
  writePrivateFile,
} from '../base/files/private-file.ts'
import type { IssuedCredentials } from '../protocol/credentials.ts'
import { type CredentialOrigin, isOrigin } from './credential-origin.ts'

/** Issued credentials with what the cache knows about them. */
export interface CachedCredentials extends IssuedCredentials {
  /** Version 1 had no origin: it does not tell whose the credentials are, so they count as none. */
  readonly version: 2
  readonly profile: string
  /** True when the keyring holds the secret key and the session token, which are then empty here; absent: they are here. */
  readonly isInKeyring?: boolean
  /** True when the keyring holds a refresh token that renews them; absent: it does not. */
  readonly isRenewable?: boolean
  /** SHA-256 of every input that shaped the answer: another client or policy has another digest. */
  readonly inputs: string
  /** The settings they were obtained with, without secrets: a renewal repeats them. */
  readonly origin: CredentialOrigin
}

const maxFileBytes = 128 * 1024

/** Returns a profile's cached credentials; undefined when there is no file, or one of another user, that others can read, damaged, or of another version. */
export function readCachedCredentials(
  directory: string,
  profile: string,
): CachedCredentials | undefined {
  const text = readPrivateFile(filePath(directory, profile), maxFileBytes)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // Two long names may share a file: credentials of one are not for the other.
    return isCacheFile(value) && value.profile === profile ? fromFile(value) : undefined
  } catch {
    return undefined
  }
}

/**
 * Replaces a profile's cached credentials atomically.
 *
 * @throws {StsCliError} `ERR_CANNOT_CREATE` when it cannot be written.
 */
export function writeCachedCredentials(directory: string, value: CachedCredentials): void {
  try {
    makePrivateFolder(directory)
    removeLeftovers(directory)
    writePrivateFile(filePath(directory, value.profile), `${JSON.stringify(toFile(value))}\n`)
  } catch (cause) {
    throw new StsCliError(
      'cache-unwritable',
      `the credentials cannot be remembered in ${directory}`,
      {
        cause,
      },
    )
  }
}

/** Returns whether there is a cache file for the profile, usable or not (of an older version, damaged). */
export function hasCacheFile(directory: string, profile: string): boolean {
  const path = filePath(directory, profile)
  if (!existsSync(path)) return false
  const named = readProfileName(readPrivateFile(path, maxFileBytes))
  return named === undefined || named === profile
}

/** Returns the names of all profiles that have a cache file. Each file is read, because two long names may share a file name. */
export function listCachedProfiles(directory: string): string[] {
  return listNames(directory)
    .filter((name) => /^profile-.*\.json$/.test(name))
    .map((name) => readProfileName(readPrivateFile(`${directory}/${name}`, maxFileBytes)))
    .filter((name) => name !== undefined)
}

function readProfileName(text: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    const isNamed = typeof value === 'object' && value !== null && 'profile' in value
    return isNamed && typeof value.profile === 'string' ? value.profile : undefined
  } catch {
    return undefined
  }
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Deletes a profile's cached credentials. @returns Whether there were any. */
export function deleteCachedCredentials(directory: string, profile: string): boolean {
  removeLeftovers(directory)
  return removeQuietly(filePath(directory, profile))
}

/** Removes temporary files of killed processes: half of a file can hold whole secrets. Only after a minute, because on a shared disk the process may run on another machine. */
function removeLeftovers(directory: string): void {
  try {
    for (const name of listNames(directory)) {
      const [, pid] = /\.(\d+)\.[a-z0-9]+\.tmp$/.exec(name) ?? []
      if (pid === undefined || isAlive(Number(pid))) continue
      const { mtimeMs } = statSync(`${directory}/${name}`)
      if (Date.now() - mtimeMs > 60_000) removeQuietly(`${directory}/${name}`)
    }
  } catch {
    // Another process removed it first.
  }
}

/** A cache file's text as JSON. `isInKeyring` has the name that earlier versions gave it, so that each version reads the other's files. */
interface CacheFile extends Omit<CachedCredentials, 'isInKeyring'> {
  readonly isSealed?: boolean
}

function fromFile({ isSealed, ...members }: CacheFile): CachedCredentials {
  return isSealed === true ? { ...members, isInKeyring: true } : members
}

function toFile({ isInKeyring, ...members }: CachedCredentials): CacheFile {
  return isInKeyring === undefined ? members : { ...members, isSealed: isInKeyring }
}

/** Returns the file of a profile. Letters and digits of its name stay, so that people recognise it; the rest is in hex. */
function filePath(directory: string, profile: string): string {
  const name = profile.replaceAll(
    /[^A-Za-z0-9_-]/g,
    (character) => `%${character.codePointAt(0)?.toString(16) ?? ''}`,
  )
  return `${directory}/profile-${name.slice(0, 150)}.json`
}

function isCacheFile(value: unknown): value is CacheFile {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 2)
    return false
  const record = value as Readonly<Record<string, unknown>>
  const texts = [
    'accessKeyId',
    'secretAccessKey',
    'sessionToken',
    'expirationText',
    'stsEndpoint',
    'profile',
    'inputs',
  ]
  const times = ['expiresAtMs', 'issuedAtMs']
  return (
    texts.every((name) => typeof record[name] === 'string') &&
    times.every((name) => isInstant(record[name])) &&
    isOrigin(record['origin'])
  )
}

function isInstant(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}
