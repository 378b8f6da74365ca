/** One document to stdout or a file, written once and whole. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { writeNamedFile } from '../base/private-file.ts'
import type { RememberedCredentials } from '../client/credential-cache.ts'
import { formats } from '../client/formats/index.ts'
import { detectShell, shellNames } from '../client/shells.ts'
import { readChoice, type Settings } from './settings.ts'

const fields: Readonly<Record<string, (credentials: RememberedCredentials) => string>> = {
  accessKeyId: (credentials) => credentials.accessKeyId,
  secretAccessKey: (credentials) => credentials.secretAccessKey,
  sessionToken: (credentials) => credentials.sessionToken,
  expiration: (credentials) =>
    new Date(credentials.expiresAtMs).toISOString().replace('.000Z', 'Z'),
}

/** Checks `--format`, `--field` and `--shell` before anything is asked. @throws {StsCliError} `ERR_USAGE`. */
export function checkOutput(settings: Settings): void {
  readChoice(settings, 'format', Object.keys(formats))
  readChoice(settings, 'field', Object.keys(fields))
  readChoice(settings, 'shell', shellNames)
}

/** The credentials as the flags want them. */
export function renderCredentials(
  credentials: RememberedCredentials,
  settings: Settings,
  io: Io,
  format?: string,
): string {
  const field = fields[settings.get('field') ?? '']
  if (field !== undefined) return `${field(credentials)}\n`
  const name =
    format ??
    (settings.has('json')
      ? 'json'
      : (readChoice(settings, 'format', Object.keys(formats)) ?? 'minio'))
  const render = formats[name]
  if (render === undefined) throw new StsCliError('ERR_USAGE', `the format ${name} is not known`)
  return render(credentials, {
    env: io.env,
    shell: readChoice(settings, 'shell', shellNames) ?? detectShell(io.env, io.platform),
    hasEndpoint: !settings.has('no-endpoint'),
    region: settings.get('region'),
  })
}

/** Writes a document to `--output` (0600, whole or not at all) or stdout. @throws {StsCliError} `ERR_CANNOT_CREATE`. */
export function writeDocument(text: string, settings: Settings, io: Io): void {
  const path = settings.get('output')
  if (path === undefined) {
    io.writeStdout(text)
    return
  }
  try {
    writeNamedFile(path, text)
  } catch (cause) {
    throw new StsCliError('ERR_CANNOT_CREATE', `the file ${path} cannot be written`, { cause })
  }
}
