/** `~/.aws/credentials` and `~/.aws/config`: other programs' files, changed under a lock and written atomically. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { makePrivateFolder, writePrivateFile } from '../base/files/private-file.ts'
import { resolveLink } from '../base/files/resolve-link.ts'
import { findHome } from './find-user-directory.ts'
import { type Edit, editSection, type IniFile, readSection, type SectionName } from './ini-file.ts'
import type { IniPair } from './formats/ini.ts'
import { withLock } from './with-lock.ts'

export interface AwsFiles {
  readonly credentials: string
  readonly config: string
}

/** Returns where AWS's programs look for their files, by their variables. @throws {StsCliError} `ERR_CONFIG` when there is neither a variable nor a home. */
export function findAwsFiles(io: Pick<Io, 'env' | 'platform'>): AwsFiles {
  const home = findHome(io) ?? ''
  const find = (variable: string, name: string): string => {
    const named = io.env[variable] ?? ''
    if (named !== '' && !(named.startsWith('~/') && home !== '')) return named
    if (home === '')
      throw new StsCliError('home-missing', 'there is no home folder, so no ~/.aws', {
        stage: 'config',
        details: { variable },
      })
    return named === '' ? path.join(home, '.aws', name) : path.join(home, named.slice(2))
  }
  return {
    credentials: find('AWS_SHARED_CREDENTIALS_FILE', 'credentials'),
    config: find('AWS_CONFIG_FILE', 'config'),
  }
}

/** Returns a profile's section in `credentials`, whose headers are plain names. */
export function inCredentials(profile: string): SectionName {
  return { header: profile, isMeant: (header) => header === profile }
}

/** Returns a profile's section in `config`: `[default]`, `[profile name]`, `[profile "a name"]`. */
export function inConfig(profile: string): SectionName {
  const isMeant = (header: string): boolean => {
    const [, quoted, plain] = /^profile\s+(?:["'](.*)["']|(.*))$/.exec(header) ?? []
    return (quoted ?? plain) === profile || (profile === 'default' && header === 'default')
  }
  const name = /^[\w.@%+:/-]+$/.test(profile) ? profile : `"${profile}"`
  return { header: profile === 'default' ? profile : `profile ${name}`, isMeant }
}

/** Returns the keys of a profile in one of the files; none when there is no such file or section. @throws {StsCliError} `ERR_DATA`, `ERR_INPUT`. */
export function readAwsProfile(file: string, section: SectionName): ReadonlyMap<string, string> {
  return readSection({ text: readText(file), name: file }, section)
}

/** Returns a section whose header is a kind and a name: `[services NAME]`, `[sso-session NAME]`. */
export function inSection(kind: 'services' | 'sso-session', name: string): SectionName {
  const isMeant = (header: string): boolean => {
    const [, found, given] = /^(\S+)\s+["']?(.*?)["']?$/.exec(header) ?? []
    return found === kind && given === name
  }
  return { header: `${kind} ${name}`, isMeant }
}

/** Keys by which SDKs find credentials in a profile. */
export const providing: ReadonlySet<string> = new Set([
  'aws_access_key_id',
  'credential_process',
  'credential_source',
  'login_session',
  'role_arn',
  'source_profile',
  'sso_account_id',
  'sso_session',
  'sso_start_url',
  'web_identity_token_file',
])

export interface ConflictingProfile {
  readonly file: string
  /** The variable that names the file. */
  readonly variable: 'AWS_SHARED_CREDENTIALS_FILE' | 'AWS_CONFIG_FILE'
}

/**
 * Returns the files whose default profile has credentials: SDKs prefer those to a container's endpoint.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 * @throws {StsCliError} `ERR_DATA`, `ERR_INPUT` for a file that is malformed or cannot be read.
 */
export function findConflictingProfiles(io: Pick<Io, 'env' | 'platform'>): ConflictingProfile[] {
  if ((io.env[io.platform === 'win32' ? 'USERPROFILE' : 'HOME'] ?? '') === '') return []
  const files = findAwsFiles(io)
  const candidates: readonly (readonly [ConflictingProfile, SectionName])[] = [
    [
      { file: files.credentials, variable: 'AWS_SHARED_CREDENTIALS_FILE' },
      inCredentials('default'),
    ],
    [{ file: files.config, variable: 'AWS_CONFIG_FILE' }, inConfig('default')],
  ]
  return candidates.flatMap(([candidate, section]) => {
    const text = readText(candidate.file, { isToChange: false })
    const keys = [...readSection({ text, name: candidate.file }, section).keys()]
    return keys.some((key) => providing.has(key)) ? [candidate] : []
  })
}

export interface AwsChange {
  readonly file: string
  readonly section: SectionName
  /** Returns the keys to set, by what the section holds now. @throws Why the change is refused. */
  readonly decide: (present: ReadonlyMap<string, string>) => readonly IniPair[]
  /** True for `--dry-run`: nothing is written. */
  readonly isDryRun: boolean
}

/**
 * Changes keys of a profile. Links are followed to the file itself, whose mode is 0600 afterwards.
 *
 * @throws {StsCliError} `ERR_DATA` for a malformed file; `ERR_INPUT`, `ERR_CANNOT_CREATE`.
 */
export function changeAwsFile(change: AwsChange, io: Io): Promise<Edit> {
  const rewrite = (file: IniFile): Edit =>
    editSection(file, change.section, change.decide(readSection(file, change.section)))
  return rewriteAwsFile({ ...change, rewrite }, io)
}

export interface AwsRewrite<Result extends { readonly text: string }> {
  readonly file: string
  /** Returns the new text of the file, and what else the caller wants to know. @throws Why the change is refused. */
  readonly rewrite: (file: IniFile) => Result
  /** True for `--dry-run`: nothing is written. */
  readonly isDryRun: boolean
}

/** Changes a file of several sections at once, as `changeAwsFile` does for one. */
export async function rewriteAwsFile<Result extends { readonly text: string }>(
  change: AwsRewrite<Result>,
  io: Io,
): Promise<Result> {
  const target = orCannotWrite(change.file, () => resolveLink(change.file))
  const edit = (): Result => change.rewrite({ text: readText(target), name: change.file })
  if (change.isDryRun) return edit()
  const directory = path.dirname(target)
  orCannotWrite(change.file, () => makePrivateFolder(directory))
  const lock = { directory, name: path.basename(target), timeoutMs: 10_000, io }
  return withLock(lock, async () => {
    const result = edit()
    orCannotWrite(change.file, () => writePrivateFile(target, Buffer.from(result.text, 'latin1')))
    return result
  })
}

const maxBytes = 1024 * 1024

function readText(file: string, { isToChange = true } = {}): string {
  let what = 'cannot be read'
  try {
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) return ''
    if (!stat.isFile()) what = 'is no file'
    else if (stat.size > maxBytes) what = 'is longer than a mebibyte'
    // Replacing the file would change its owner, who could no longer read it.
    else if (isToChange && process.getuid !== undefined && stat.uid !== process.getuid())
      what = 'belongs to another user'
    else return readFileSync(file, 'latin1')
  } catch (cause) {
    throw new StsCliError('aws-file-unreadable', `the file ${file} ${what}`, {
      stage: 'config',
      cause,
    })
  }
  throw new StsCliError('aws-file-unreadable', `the file ${file} ${what}`, { stage: 'config' })
}

function orCannotWrite<T>(file: string, write: () => T): T {
  try {
    return write()
  } catch (cause) {
    throw new StsCliError('aws-file-unwritable', `the file ${file} cannot be written`, {
      stage: 'config',
      cause,
    })
  }
}
