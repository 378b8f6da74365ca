/** `--cors-origin` and `MINIO_API_CORS_ALLOW_ORIGIN` → the origins whose pages may read answers. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { readOriginPattern } from '../../server/http/cors-origins.ts'
import type { Settings } from '../options/settings.ts'
import { readVariable, variableError } from './variables.ts'

const hint =
  'write SCHEME://HOST[:PORT] as browsers do, without a path, such as https://app.example; * stands for any text'

/**
 * Reads the origins; undefined, for all, when none is given. The flag replaces the variable, MinIO's list with commas.
 *
 * @throws {StsCliError} `ERR_USAGE`, `ERR_CONFIG` for a text that can never be a browser's origin.
 */
export function readCorsOrigins(settings: Settings, io: Io): readonly string[] | undefined {
  const given = settings.list('cors-origin')
  if (given.length > 0) return given.map(readFlag)
  const name = 'MINIO_API_CORS_ALLOW_ORIGIN'
  return readVariable(io, name)
    ?.split(',')
    .map((text) => {
      const origin = readOriginPattern(text.trim())
      if (origin !== undefined) return origin
      throw variableError(
        'variable-invalid',
        name,
        `has ${JSON.stringify(text)}, not an origin`,
        hint,
      )
    })
}

function readFlag(text: string): string {
  const origin = readOriginPattern(text)
  if (origin !== undefined) return origin
  throw new StsCliError(
    'cors-origin-invalid',
    `--cors-origin ${JSON.stringify(text)} is not an origin`,
    { stage: 'serve', hint },
  )
}
