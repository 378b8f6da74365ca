/** Reading of MinIO's variables: what they may hold, and the refusal where they hold something else. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { readCaFile } from '../../base/http/tls-options.ts'
import type { Settings } from '../options/settings.ts'

/** An empty variable counts as absent. */
export function readVariable(io: Io, name: string): string | undefined {
  const text = io.env[name]
  return text === undefined || text === '' ? undefined : text
}

/** MinIO's truths. @throws {StsCliError} `ERR_CONFIG` for any other word. */
export function isOn(io: Io, name: string): boolean {
  const text = readVariable(io, name)?.toLowerCase()
  if (text === undefined || ['off', 'false', '0', 'disabled'].includes(text)) return false
  if (['on', 'true', '1', 'enabled'].includes(text)) return true
  throw refuseVariable(name, `${JSON.stringify(text)} is neither on nor off`)
}

/** @throws {StsCliError} `ERR_CONFIG` for what is not an http or https URL. */
export function readUrlVariable(io: Io, name: string): string | undefined {
  const text = readVariable(io, name)
  if (text === undefined) return undefined
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  // What holds an @ may hold a password before it.
  const what = text.includes('@') ? '' : `${JSON.stringify(text)} `
  throw refuseVariable(name, `${what}is not an http or https URL`)
}

/** The certificates of `--ca-file`, which vouch for every service that is asked. @throws {StsCliError} `ERR_INPUT`, `ERR_DATA`. */
export function readCa(settings: Settings): readonly string[] | undefined {
  const caFile = settings.get('ca-file')
  return caFile === undefined ? undefined : [readCaFile(caFile, 'serve')]
}

/** `NAME is …`, for a variable that cannot be followed. */
export function refuseVariable(name: string, what: string, hint?: string): StsCliError {
  return new StsCliError('ERR_CONFIG', `${name} ${what}`, { stage: 'serve', hint })
}
