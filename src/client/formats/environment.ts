import type { IssuedCredentials } from '../../protocol/credentials.ts'

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
  credentials: IssuedCredentials,
  options: EnvironmentOptions,
): EnvironmentChange {
  const set: [string, string][] = [
    ['AWS_ACCESS_KEY_ID', credentials.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey],
    ['AWS_SESSION_TOKEN', credentials.sessionToken],
    ['AWS_CREDENTIAL_EXPIRATION', utcOf(credentials)],
    ...sourceOf(credentials, options),
  ]
  return { set, unset: shadowing.filter((name) => options.env[name] !== undefined) }
}

/** Endpoints and region: where the credentials are good. */
function sourceOf(credentials: IssuedCredentials, options: EnvironmentOptions): [string, string][] {
  const place: [string, string][] = []
  const endpoint = options.hasEndpoint ? endpointOf(credentials) : undefined
  if (endpoint !== undefined)
    place.push(['AWS_ENDPOINT_URL_S3', endpoint], ['AWS_ENDPOINT_URL_STS', endpoint])
  const hasRegion =
    options.env['AWS_REGION'] !== undefined || options.env['AWS_DEFAULT_REGION'] !== undefined
  const region = options.region ?? (hasRegion ? undefined : defaultRegionOf(credentials))
  // Newer SDKs read the first, boto3 and the first AWS CLI only the second.
  if (region !== undefined) place.push(['AWS_REGION', region], ['AWS_DEFAULT_REGION', region])
  return place
}

/** The endpoint of the credentials' S3, which is their STS's; undefined at AWS, where the SDKs know better. */
export function endpointOf({
  stsEndpoint,
}: Pick<IssuedCredentials, 'stsEndpoint'>): string | undefined {
  return isAws(stsEndpoint) ? undefined : stsEndpoint.replace(/\/$/, '')
}

/** The region for an endpoint that has none of its own; undefined at AWS. */
export function defaultRegionOf({
  stsEndpoint,
}: Pick<IssuedCredentials, 'stsEndpoint'>): string | undefined {
  return isAws(stsEndpoint) ? undefined : 'us-east-1'
}

/** The end of the credentials' life, in UTC. */
export function utcOf({ expiresAtMs }: Pick<IssuedCredentials, 'expiresAtMs'>): string {
  return new Date(expiresAtMs).toISOString().replace('.000Z', 'Z')
}

function isAws(stsEndpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?(:\d+)?\/?$/.test(stsEndpoint)
}

/** The change that `env --unset` makes. */
export function environmentWithout(): EnvironmentChange {
  return { set: [], unset: ours }
}
