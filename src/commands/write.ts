/** `write`: writes the credentials, or a `credential_process` line, to the files of AWS's programs. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import {
  type AwsChange,
  changeAwsFile,
  findAwsFiles,
  inConfig,
  inCredentials,
  readAwsProfile,
} from '../client/aws-files.ts'
import { defaultRegionOf } from '../client/formats/environment.ts'
import { credentialPairs, endpointPairs, type IniPair } from '../client/formats/ini.ts'
import type { Edit } from '../client/ini-file.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import { findMismatch } from './flow/find-mismatch.ts'
import { findCached, findOrRenew } from './flow/find-or-renew.ts'
import type { Settings } from './options/settings.ts'

/** `write`: changes one profile of one file; `--dry-run` prints the change instead. */
export async function runWrite(settings: Settings, io: Io): Promise<number> {
  if (['login-profile', 'sso-session'].some((name) => settings.get(name) !== undefined)) {
    const { runWriteLogin } = await import('./write-login.ts')
    return runWriteLogin(settings, io)
  }
  const profile = readAwsProfileName(settings)
  const change = settings.has('as-process')
    ? planProcess(settings, profile, io)
    : await planKeys(settings, profile, io)
  const edit = await changeAwsFile(change, io)
  if (change.isDryRun) io.writeStdout(describeEdit(change, edit))
  else if (!settings.has('quiet') && io.isTty.stderr)
    io.writeStderr(`wrote [${change.section.header}] in ${change.file}\n`)
  return 0
}

function readAwsProfileName(settings: Settings): string {
  const name = settings.get('aws-profile') ?? settings.get('profile') ?? 'default'
  if (/^[^\p{Cc}[\]"']+$/u.test(name) && name.trim() === name) return name
  throw new StsCliError(
    'aws-profile-invalid',
    `${JSON.stringify(name)} is no name for a profile of AWS’s`,
    {
      hint: 'use --aws-profile with a name without brackets and quotes',
    },
  )
}

async function planKeys(settings: Settings, profile: string, io: Io): Promise<AwsChange> {
  const files = findAwsFiles(io)
  const section = inCredentials(profile)
  // Checked before a provider is asked.
  checkPermanentKeys(readAwsProfile(files.credentials, section), settings, profile)
  const credentials = await findOrRenew(settings, io)
  return {
    file: files.credentials,
    section,
    isDryRun: settings.has('dry-run'),
    decide(present) {
      checkPermanentKeys(present, settings, profile)
      // botocore prefers the old name of the token.
      const isOldName = present.has('aws_security_token')
      return [
        ...credentialPairs(credentials),
        ...(isOldName ? [['aws_security_token', credentials.sessionToken] as const] : []),
        ...placePairs(credentials, settings, present),
      ]
    },
  }
}

/** Refuses to overwrite permanent keys: the file may hold the only copy. */
function checkPermanentKeys(
  present: ReadonlyMap<string, string>,
  settings: Settings,
  profile: string,
): void {
  const isTemporary = present.has('aws_session_token') || present.has('aws_security_token')
  if (!present.has('aws_access_key_id') || isTemporary || settings.has('force')) return
  throw new StsCliError('permanent-keys-present', `the profile ${profile} holds permanent keys`, {
    stage: 'config',
    hint: 'use --aws-profile with another name, or --force to overwrite them',
  })
}

function planProcess(settings: Settings, profile: string, io: Io): AwsChange {
  const files = findAwsFiles(io)
  checkFlowFlags(settings)
  if (readAwsProfile(files.credentials, inCredentials(profile)).has('aws_access_key_id'))
    throw new StsCliError(
      'aws-keys-take-precedence',
      `the keys of ${profile} in ${files.credentials} would win`,
      {
        stage: 'config',
        hint: 'remove them there, or use --aws-profile with another name',
      },
    )
  const cached = findCached(settings, io)
  const isOfConfiguration =
    cached !== undefined && findMismatch(cached.origin, settings) === undefined
  const stsEndpoint = isOfConfiguration
    ? cached.stsEndpoint
    : (withServeDefaults(settings, io).get('sts-endpoint') ?? '')
  const line = processLine(settings.get('profile') ?? 'default')
  return {
    file: files.config,
    section: inConfig(profile),
    isDryRun: settings.has('dry-run'),
    decide: (present) => [
      ['credential_process', line],
      ...placePairs({ stsEndpoint }, settings, present),
    ],
  }
}

/** Builds the `credential_process` line. minio-go splits it at spaces, knows no quotes, and needs at least two words. */
function processLine(profile: string): string {
  if (!/^[\w.@%+:/-]+$/.test(profile))
    throw new StsCliError(
      'profile-not-quotable',
      `the profile ${JSON.stringify(profile)} cannot stand in a credential_process line`,
      { hint: 'its readers split the line differently; use letters, digits and _.@%+:/-' },
    )
  const words = ['sts-cli', 'credential-process']
  return [...words, ...(profile === 'default' ? [] : ['--profile', profile])].join(' ')
}

/** Refuses flags that the line cannot hold: it names a profile and nothing else. */
function checkFlowFlags({ parsed }: Settings): void {
  const stray = [...parsed.flags.keys()].find((name) =>
    ['identity provider', 'sts'].includes(parsed.specs.get(name)?.group ?? ''),
  )
  if (stray === undefined) return
  throw new StsCliError(
    'flag-not-saved',
    `--${stray} would be lost: the line names the profile alone`,
    {
      hint: `sts-cli config set ${stray} … keeps it for the profile`,
    },
  )
}

function placePairs(
  credentials: { readonly stsEndpoint: string },
  settings: Settings,
  present: ReadonlyMap<string, string>,
): IniPair[] {
  const fallback = present.has('region') ? undefined : defaultRegionOf(credentials)
  const region = settings.get('region') ?? fallback
  return [
    ...(settings.has('no-endpoint') ? [] : endpointPairs(credentials)),
    ...(region === undefined ? [] : [['region', region] as const]),
  ]
}

const secretKeys: ReadonlySet<string> = new Set([
  'aws_secret_access_key',
  'aws_session_token',
  'aws_security_token',
])

/** Renders the change as a diff without secrets and without old values. */
function describeEdit({ file, section }: AwsChange, { changes }: Edit): string {
  if (changes.length === 0) return `${file}: nothing to change\n`
  const lines = changes.flatMap(({ pair: [key, value], isNew }) => [
    ...(isNew ? [] : [`-${key} = …`]),
    `+${key} = ${secretKeys.has(key) ? '…' : value}`,
  ])
  return [`--- ${file}`, `+++ ${file}`, ` [${section.header}]`, ...lines, ''].join('\n')
}
