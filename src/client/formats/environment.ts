import type { RememberedCredentials } from '../credential-cache.ts'

export interface EnvironmentOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `--no-endpoint`: credentials alone. */
  readonly hasEndpoint: boolean
  readonly region: string | undefined
}

export interface EnvironmentChange {
  readonly set: readonly (readonly [string, string])[]
  readonly unset: readonly string[]
}

/** Variables that would win over what we set, in one SDK or another. */
const shadowing = ['AWS_SECURITY_TOKEN', 'AWS_PROFILE', 'AWS_ACCESS_KEY', 'AWS_SECRET_KEY']
const ours = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_STS',
]

/** The variables that make AWS's SDKs use the credentials, and those that must go. */
export function environmentOf(
  credentials: RememberedCredentials,
  options: EnvironmentOptions,
): EnvironmentChange {
  const set: [string, string][] = [
    ['AWS_ACCESS_KEY_ID', credentials.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey],
    ['AWS_SESSION_TOKEN', credentials.sessionToken],
    [
      'AWS_CREDENTIAL_EXPIRATION',
      new Date(credentials.expiresAtMs).toISOString().replace('.000Z', 'Z'),
    ],
  ]
  if (options.hasEndpoint) {
    const endpoint = credentials.stsEndpoint.replace(/\/$/, '')
    set.push(['AWS_ENDPOINT_URL_S3', endpoint], ['AWS_ENDPOINT_URL_STS', endpoint])
  }
  const isAws = /\.amazonaws\.com(\.cn)?(:\d+)?\/?$/.test(credentials.stsEndpoint)
  const hasRegion =
    options.env['AWS_REGION'] !== undefined || options.env['AWS_DEFAULT_REGION'] !== undefined
  const region = options.region ?? (hasRegion || isAws ? undefined : 'us-east-1')
  // Newer SDKs read the first, boto3 and the first AWS CLI only the second.
  if (region !== undefined) set.push(['AWS_REGION', region], ['AWS_DEFAULT_REGION', region])
  return { set, unset: shadowing.filter((name) => options.env[name] !== undefined) }
}

/** The change that `env --unset` makes. */
export function environmentWithout(): EnvironmentChange {
  return { set: [], unset: ours }
}
