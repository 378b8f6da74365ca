/**
 * What `login` leaves behind: temporary credentials and where they are for; never a client secret, never an identity provider's token.
 * One file a profile, 0600 in a directory 0700, written whole and renamed. This module is on the hot path of `env`: node:fs and nothing else.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { StsCliError } from '../base/errors.ts'

export interface RememberedCredentials {
  readonly version: 1
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** UTC, milliseconds since the epoch. */
  readonly expiresAtMs: number
  readonly issuedAtMs: number
  /** As the server wrote it. */
  readonly expirationText: string
  readonly stsEndpoint: string
  readonly profile: string
  /** SHA-256 over every input that shaped the answer: another client or policy is another key. */
  readonly inputs: string
}

const maxFileBytes = 128 * 1024

/** `$XDG_CACHE_HOME/sts-cli`, `~/.cache/sts-cli`, `%LOCALAPPDATA%\sts-cli`; undefined where there is no home. */
export function findCacheDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string | undefined {
  const xdg = env['XDG_CACHE_HOME']
  if (xdg !== undefined && xdg.startsWith('/')) return `${xdg}/sts-cli`
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA']
    return local === undefined ? undefined : `${local}\\sts-cli`
  }
  const home = env['HOME']
  return home === undefined || home === '' ? undefined : `${home}/.cache/sts-cli`
}

/** What is remembered for a profile. Undefined when there is nothing, or a file that is not ours, not private, damaged, or of a newer version. */
export function readRemembered(
  directory: string,
  profile: string,
): RememberedCredentials | undefined {
  let descriptor: number
  try {
    descriptor = openSync(
      filePath(directory, profile),
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0),
    )
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(descriptor)
    const isOurs =
      process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0)
    if (!stat.isFile() || !isOurs || stat.size > maxFileBytes) return undefined
    const value: unknown = JSON.parse(readFileSync(descriptor, 'utf8'))
    return isRemembered(value) ? value : undefined
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Replaces what is remembered for the profile, whole or not at all.
 *
 * @throws {StsCliError} `ERR_CANNOT_CREATE` when it cannot be written.
 */
export function writeRemembered(directory: string, value: RememberedCredentials): void {
  const target = filePath(directory, value.profile)
  const temporary = `${target}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const descriptor = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0),
      0o600,
    )
    try {
      writeSync(descriptor, `${JSON.stringify(value)}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, target)
  } catch (cause) {
    removeQuietly(temporary)
    throw new StsCliError(
      'ERR_CANNOT_CREATE',
      `the credentials cannot be remembered in ${directory}`,
      {
        hint: 'use --cache none, or point XDG_CACHE_HOME at a folder you can write',
        cause,
      },
    )
  }
}

/** Forgets a profile. @returns Whether there was something to forget. */
export function forgetRemembered(directory: string, profile: string): boolean {
  return removeQuietly(filePath(directory, profile))
}

/** Seconds of life below which credentials are renewed: a fifth of their life, at least a minute, at most fifteen. */
export function renewalMarginSeconds(
  value: Pick<RememberedCredentials, 'issuedAtMs' | 'expiresAtMs'>,
): number {
  const lifeSeconds = (value.expiresAtMs - value.issuedAtMs) / 1000
  return Math.min(900, Math.max(60, lifeSeconds / 5))
}

/** Whether the credentials are good for a while yet. A clock set back before their issue makes them suspect. */
export function isFresh(
  value: RememberedCredentials,
  nowMs: number,
  minTtlSeconds: number | undefined,
): boolean {
  const margin = minTtlSeconds ?? renewalMarginSeconds(value)
  return nowMs >= value.issuedAtMs - 300_000 && value.expiresAtMs - nowMs > margin * 1000
}

/** A profile's name as a file name: letters and digits stay, so a person recognises it; all else is spelt in hex. */
function filePath(directory: string, profile: string): string {
  const name = profile.replaceAll(
    /[^A-Za-z0-9_-]/g,
    (character) => `%${character.codePointAt(0)?.toString(16) ?? ''}`,
  )
  return `${directory}/profile-${name.slice(0, 150)}.json`
}

function removeQuietly(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch {
    return false
  }
}

function isRemembered(value: unknown): value is RememberedCredentials {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
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
  const numbers = ['expiresAtMs', 'issuedAtMs']
  return (
    texts.every((name) => typeof record[name] === 'string') &&
    numbers.every((name) => typeof record[name] === 'number')
  )
}
