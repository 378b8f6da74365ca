/** Prints credentials: one document, written once to stdout or a file. */
import { appendFileSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import { describeFileError } from '../../base/files/file-error.ts'
import type { Io } from '../../base/io.ts'
import { writeNamedFile } from '../../base/files/private-file.ts'
import { utcOf } from '../../client/formats/environment.ts'
import type { Document } from '../../client/formats/format.ts'
import { formats } from '../../client/formats/index.ts'
import { detectShell, shellNames } from '../../client/formats/shells.ts'
import type { IssuedCredentials } from '../../protocol/credentials.ts'
import { type FieldName, fieldNames } from '../options/option-choices.ts'
import { readChoice, checkNotTogether, type Settings } from '../options/settings.ts'

const fields: Readonly<Record<FieldName, (credentials: IssuedCredentials) => string>> = {
  accessKeyId: (credentials) => credentials.accessKeyId,
  secretAccessKey: (credentials) => credentials.secretAccessKey,
  sessionToken: (credentials) => credentials.sessionToken,
  expiration: utcOf,
}

/** Checks `--format`, `--field`, `--shell` and `--alias` before anything is sent. @throws {StsCliError} `ERR_USAGE`, `ERR_CONFIG`. */
export function checkOutput(settings: Settings, io: Io): void {
  const format = readChoice(settings, 'format', Object.keys(formats))
  const field = readChoice(settings, 'field', fieldNames)
  readChoice(settings, 'shell', shellNames)
  checkOneDocument(settings, format)
  readAlias(settings, format ?? '')
  if (format !== 'github' || field !== undefined || settings.has('json')) return
  if (settings.get('output') !== undefined)
    throw new StsCliError(
      'flags-conflict',
      '--format github and --output cannot be used together',
      {
        hint: 'the runner reads the masks from stdout; the variables go to its own files',
      },
    )
  if (io.env['GITHUB_ENV'] === undefined || io.env['GITHUB_ENV'] === '')
    throw new StsCliError(
      'github-step-missing',
      '--format github is for a step of GitHub Actions',
      {
        hint: 'GITHUB_ENV is not set here; elsewhere use sts-cli env',
      },
    )
}

/** Refuses two flags that each choose the document, because one would be ignored silently. A format from a variable or the profile is overridden. */
function checkOneDocument(settings: Settings, format: string | undefined): void {
  if (!settings.isFlag('format')) return
  if (settings.isFlag('field')) checkNotTogether(settings, 'format', 'field')
  if (format !== 'json') checkNotTogether(settings, 'format', 'json')
}

/** Reads the credentials' name in another program: part of a variable's name in two formats, a section's name in one. */
function readAlias(settings: Settings, format: string): string {
  const profile = settings.get('profile') ?? 'default'
  const isVariable = format === 'mc' || format === 'rclone'
  const alias = settings.get('alias') ?? (isVariable && profile === 'default' ? 'sts' : profile)
  const allowed = isVariable ? /^[A-Za-z][A-Za-z0-9_]*$/ : /^[^\p{Cc}[\]]+$/u
  if (['mc', 'rclone', 'ini'].includes(format) && !allowed.test(alias))
    throw new StsCliError('alias-invalid', `${JSON.stringify(alias)} is no name for ${format}`, {
      hint: isVariable
        ? 'use --alias with letters, digits and _, a letter first'
        : 'use --alias with a name without brackets',
    })
  return alias
}

/** Renders the credentials as the flags say. @throws {StsCliError} `ERR_DATA` where the format cannot hold them. */
export async function renderCredentials(
  credentials: IssuedCredentials,
  settings: Settings,
  io: Io,
  format?: string,
): Promise<Document> {
  const field = readChoice(settings, 'field', fieldNames)
  if (field !== undefined) return { text: `${fields[field](credentials)}\n` }
  const name =
    format ??
    (settings.has('json')
      ? 'json'
      : (readChoice(settings, 'format', Object.keys(formats)) ?? 'minio'))
  const load = formats[name]
  if (load === undefined) throw new StsCliError('format-unknown', `the format ${name} is not known`)
  const render = await load()
  return render(credentials, {
    env: io.env,
    shell: readChoice(settings, 'shell', shellNames) ?? detectShell(io.env, io.platform),
    hasEndpoint: !settings.has('no-endpoint'),
    region: settings.get('region'),
    alias: readAlias(settings, name),
  })
}

/** Writes a document to `--output` (0600, atomically) or stdout, then appends to other files. @throws {StsCliError} `ERR_CANNOT_CREATE`. */
export function writeDocument({ text, appends = [] }: Document, settings: Settings, io: Io): void {
  const path = settings.get('output')
  if (path === undefined) io.writeStdout(text)
  else orCannotWrite(path, () => writeNamedFile(path, text))
  for (const { path: file, text: more } of appends)
    orCannotWrite(file, () => appendFileSync(file, more, { mode: 0o600 }))
}

function orCannotWrite(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    const name = path === '' ? '""' : path
    const why = describeFileError(cause)
    throw new StsCliError('file-unwritable', `the file ${name} cannot be written${why}`, {
      cause,
    })
  }
}
