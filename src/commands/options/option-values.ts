/** Which words an option takes, from the lists that its readers check against; loaded for completions and the manual alone. */
import { logLevels } from '../../base/log.ts'
import { formats } from '../../client/formats/index.ts'
import { authMethods, stsActionNames } from '../../client/options.ts'
import { shellNames } from '../../client/formats/shells.ts'
import { fields } from '../flow/print-credentials.ts'
import { gatewayStyles } from '../serve/objects.ts'
import { cacheKinds, colorChoices } from './settings.ts'
import { grantNames } from '../flow/token-source.ts'

/** Long name → its words. */
export const optionValues: Readonly<Record<string, readonly string[]>> = {
  action: stsActionNames,
  'auth-method': authMethods,
  cache: cacheKinds,
  color: colorChoices,
  field: Object.keys(fields),
  format: Object.keys(formats),
  'gateway-style': gatewayStyles,
  grant: grantNames,
  'log-level': logLevels,
  shell: shellNames,
}
