import type { Format } from './format.ts'
import { defaultRegionOf, endpointOf } from './environment.ts'
import { renderShellLines } from './shells.ts'

/**
 * Renders an rclone remote as shell lines. It exists beside the remotes of rclone's own file, and nothing that expires stays on disk.
 *
 * @see https://rclone.org/docs/#config-file
 */
export const renderRclone: Format = (credentials, options) => {
  const endpoint = endpointOf(credentials)
  const region = options.region ?? defaultRegionOf(credentials)
  const settings: (readonly [string, string | undefined])[] = [
    ['TYPE', 's3'],
    ['PROVIDER', endpoint === undefined ? 'AWS' : 'Minio'],
    // Otherwise rclone takes a missing key from AWS variables or the user's profile.
    ['ENV_AUTH', 'false'],
    ['ACCESS_KEY_ID', credentials.accessKeyId],
    ['SECRET_ACCESS_KEY', credentials.secretAccessKey],
    ['SESSION_TOKEN', credentials.sessionToken],
    ['ENDPOINT', endpoint],
    ['REGION', region],
  ]
  const lines = settings.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[`RCLONE_CONFIG_${options.alias.toUpperCase()}_${name}`, value]],
  )
  return { text: renderShellLines(options.shell, lines, []) }
}
