import type { Format } from './format.ts'
import { defaultRegionOf, endpointOf } from './environment.ts'
import { endpointPathError, unsupportedValueError } from './format-errors.ts'

/**
 * Renders a configuration file for s3cmd: `s3cmd -c FILE`. With `host_bucket` the same as `host_base`, the bucket is in the path.
 *
 * @throws {StsCliError} `ERR_DATA` for an endpoint with a path, or a value with a line break.
 */
export const renderS3cmd: Format = (credentials, options) => {
  const endpoint = endpointOf(credentials)
  const url = endpoint === undefined ? undefined : new URL(endpoint)
  if (url !== undefined && (url.pathname !== '/' || url.search !== ''))
    throw endpointPathError('s3cmd')
  const region = options.region ?? defaultRegionOf(credentials)
  const pairs: (readonly [string, string | undefined])[] = [
    ['access_key', credentials.accessKeyId],
    ['secret_key', credentials.secretAccessKey],
    ['access_token', credentials.sessionToken],
    ['host_base', url?.host],
    ['host_bucket', url?.host],
    ['use_https', url?.protocol === 'http:' ? 'False' : 'True'],
    ['bucket_location', region],
  ]
  const lines = pairs.map(([key, value]) => {
    if (value === undefined) return ''
    if (/^\s|\s$|^["']|[\r\n\0]/.test(value))
      throw unsupportedValueError('s3cmd', `the value of ${key}`)
    return `${key} = ${value}\n`
  })
  return { text: `[default]\n${lines.join('')}` }
}
