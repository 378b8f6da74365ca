import type { Format } from './format.ts'
import { endpointOf } from './environment.ts'
import { renderShellLines } from './shells.ts'
import { endpointPathError, unsupportedValueError } from './format-errors.ts'

/**
 * Renders `MC_HOST_alias=scheme://KEY:SECRET:TOKEN@host` as a shell line: the only way to give mc a session token without a file. mc splits the
 * three without percent-decoding: key and secret end at a colon, the token at the last `@`.
 *
 * @throws {StsCliError} `ERR_DATA` for an endpoint with a path, or a colon in key or secret.
 */
export const renderMc: Format = (credentials, options) => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const endpoint = new URL(endpointOf(credentials) ?? 'https://s3.amazonaws.com')
  if (endpoint.pathname !== '/' || endpoint.search !== '') throw endpointPathError('mc')
  if (`${accessKeyId}${secretAccessKey}`.includes(':'))
    throw unsupportedValueError('mc', 'an access key with a colon')
  const keys = `${accessKeyId}:${secretAccessKey}:${sessionToken}`
  const url = `${endpoint.protocol}//${keys}@${endpoint.host}`
  return { text: renderShellLines(options.shell, [[`MC_HOST_${options.alias}`, url]], []) }
}
