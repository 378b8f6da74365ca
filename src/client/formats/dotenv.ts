import type { Format } from './format.ts'
import { environmentOf } from './environment.ts'
import { unsupportedValueError } from './format-errors.ts'

/**
 * Returns whether every reader of such files takes the value literally. `docker --env-file` keeps quotes as part of the value, others expand `$` or cut
 * at ` #`: so nothing is quoted, and a value that needs quotes is refused.
 */
const isPlain = (value: string): boolean => /^[\w./+=:@%,[\]-]*$/.test(value)

/** Renders `NAME=value` lines, for `docker run --env-file`, Compose, `node --env-file` and the like. @throws {StsCliError} `ERR_DATA`. */
export const renderDotenv: Format = (credentials, options) => {
  const { set } = environmentOf(credentials, options)
  const lines = set.map(([name, value]) => {
    if (!isPlain(value)) throw unsupportedValueError('dotenv', `the value of ${name}`)
    return `${name}=${value}\n`
  })
  return { text: lines.join('') }
}
