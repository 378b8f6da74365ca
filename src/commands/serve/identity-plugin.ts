/** MinIO's variables for the identity plugin → the service that resolves opaque tokens. */
import type { Io } from '../../base/io.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'
import { splitPolicies } from './openid.ts'
import { readCa, readUrlVariable, readVariable, variableError } from './variables.ts'
import type { Settings } from '../options/settings.ts'

/** Reads the plugin; undefined where none is set. @throws {StsCliError} `ERR_CONFIG` naming the variable and what it takes. */
export function readIdentityPlugin(settings: Settings, io: Io): ServerOptions['identityPlugin'] {
  const url = readUrlVariable(io, 'MINIO_IDENTITY_PLUGIN_URL')
  if (url === undefined) return undefined
  const policies = readVariable(io, 'MINIO_IDENTITY_PLUGIN_ROLE_POLICY')
  if (policies === undefined)
    throw variableError(
      'variable-missing',
      'MINIO_IDENTITY_PLUGIN_URL',
      'is set, and so MINIO_IDENTITY_PLUGIN_ROLE_POLICY must be',
    )
  const roleId = readVariable(io, 'MINIO_IDENTITY_PLUGIN_ROLE_ID')
  if (roleId !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,63}$/.test(roleId))
    throw variableError(
      'variable-invalid',
      'MINIO_IDENTITY_PLUGIN_ROLE_ID',
      `${JSON.stringify(roleId)} is not made of letters, digits and _/.-, at most 64`,
    )
  return {
    url,
    authorization: readVariable(io, 'MINIO_IDENTITY_PLUGIN_AUTH_TOKEN'),
    policyNames: splitPolicies('MINIO_IDENTITY_PLUGIN_ROLE_POLICY', policies),
    roleId,
    ca: readCa(settings),
  }
}
