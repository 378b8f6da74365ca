/** Readers of MinIO's variables, and the error for a value that is not valid. */
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { readCaFile } from '../../base/http/tls-options.ts'
import type { Settings } from '../options/settings.ts'

/** Reads a variable; an empty one counts as absent. */
export function readVariable(io: Io, name: string): string | undefined {
  const text = io.env[name]
  return text === undefined || text === '' ? undefined : text
}

/** Reads a switch by MinIO's words for on and off. @throws {StsCliError} `ERR_CONFIG` for any other word. */
export function isOn(io: Io, name: string): boolean {
  const text = readVariable(io, name)?.toLowerCase()
  if (text === undefined || ['off', 'false', '0', 'disabled'].includes(text)) return false
  if (['on', 'true', '1', 'enabled'].includes(text)) return true
  throw variableError('variable-invalid', name, `${JSON.stringify(text)} is neither on nor off`)
}

/** Reads an http or https URL. @throws {StsCliError} `ERR_CONFIG` for anything else. */
export function readUrlVariable(io: Io, name: string): string | undefined {
  const text = readVariable(io, name)
  if (text === undefined) return undefined
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  // A text with an @ may hold a password.
  const what = text.includes('@') ? '' : `${JSON.stringify(text)} `
  throw variableError('variable-invalid', name, `${what}is not an http or https URL`)
}

/** Reads the certificates of `--ca-file`, with which every service that the server calls is verified. @throws {StsCliError} `ERR_INPUT`, `ERR_DATA`. */
export function readCa(settings: Settings): readonly string[] | undefined {
  const caFile = settings.get('ca-file')
  return caFile === undefined ? undefined : [readCaFile(caFile, 'serve')]
}

/** Makes the error for a variable or a combination of settings with which `serve` cannot start. */
export function serveError(
  reason: ErrorReason,
  message: string,
  { hint }: { hint?: string | undefined } = {},
): StsCliError {
  return new StsCliError(reason, message, { stage: 'serve', hint })
}

/** Makes the error `NAME is …` for a variable that is not valid. */
export function variableError(
  reason: ErrorReason,
  name: string,
  what: string,
  hint?: string,
): StsCliError {
  return serveError(reason, `${name} ${what}`, { hint })
}
