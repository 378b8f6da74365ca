import type { Format } from './format.ts'
import { environmentOf } from './environment.ts'
import { refuseValue } from './refuse-value.ts'

/**
 * Returns whether every reader of such files takes the value literally. `docker --env-file` keeps quotes as part of the value, others expand `$` or cut
 * at ` #`: so nothing is quoted, and a value that needs quotes is refused.
 */
const isPlain = (value: string): boolean => /^[\w./+=:@%,[\]-]*$/.test(value)

/** Renders `NAME=value` lines, for `docker run --env-file`, Compose, `node --env-file` and the like. @throws {StsCliError} `ERR_DATA`. */
export const renderDotenv: Format = (credentials, options) => {
  const { set } = environmentOf(credentials, options)
  const lines = set.map(([name, value]) =>
    isPlain(value) ? `${name}=${value}\n` : refuseValue('dotenv', `the value of ${name}`),
  )
  return { text: lines.join('') }
}
