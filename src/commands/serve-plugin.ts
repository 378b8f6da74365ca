/** MINIO_IDENTITY_PLUGIN_* → the service that knows whom an opaque token stands for. */
import type { Io } from '../base/io.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { splitPolicies } from './serve-openid.ts'
import { readCa, readUrlVariable, readVariable, refuseVariable } from './serve-variables.ts'
import type { Settings } from './settings.ts'

const prefix = 'MINIO_IDENTITY_PLUGIN_'

/** @throws {StsCliError} `ERR_CONFIG` naming the variable and what it takes. */
export function readIdentityPlugin(settings: Settings, io: Io): ServerOptions['identityPlugin'] {
  const url = readUrlVariable(io, `${prefix}URL`)
  if (url === undefined) return undefined
  const policies = readVariable(io, `${prefix}ROLE_POLICY`)
  if (policies === undefined)
    throw refuseVariable(`${prefix}URL`, `is set, and so ${prefix}ROLE_POLICY must be`)
  const roleId = readVariable(io, `${prefix}ROLE_ID`)
  if (roleId !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,63}$/.test(roleId))
    throw refuseVariable(
      `${prefix}ROLE_ID`,
      `${JSON.stringify(roleId)} is not made of letters, digits and _/.-, at most 64`,
    )
  return {
    url,
    authorization: readVariable(io, `${prefix}AUTH_TOKEN`),
    policyNames: splitPolicies(`${prefix}ROLE_POLICY`, policies),
    roleId,
    ca: readCa(settings),
  }
}
