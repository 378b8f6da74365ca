import { formatUtc } from '../../protocol/dates.ts'
import type { IssuedCredentials } from '../../protocol/credentials.ts'
import { isAwsEndpoint } from '../../protocol/aws-endpoint.ts'

export interface EnvironmentOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** False with `--no-endpoint`: no endpoint variables. */
  readonly hasEndpoint: boolean
  readonly region: string | undefined
}

export interface EnvironmentChange {
  readonly set: readonly (readonly [string, string])[]
  readonly unset: readonly string[]
}

/** Variables that win over the credentials' own in some SDK. */
const shadowing = ['AWS_SECURITY_TOKEN', 'AWS_PROFILE', 'AWS_ACCESS_KEY', 'AWS_SECRET_KEY']
const ours = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_STS',
]

/** Returns the variables that make AWS's SDKs use the credentials, and those that must be unset. */
export function environmentOf(
  credentials: IssuedCredentials,
  options: EnvironmentOptions,
): EnvironmentChange {
  const set: [string, string][] = [
    ['AWS_ACCESS_KEY_ID', credentials.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey],
    ['AWS_SESSION_TOKEN', credentials.sessionToken],
    ['AWS_CREDENTIAL_EXPIRATION', utcOf(credentials)],
    ...locationOf(credentials, options),
  ]
  return { set, unset: shadowing.filter((name) => options.env[name] !== undefined) }
}

/** Returns the endpoint and region variables. */
function locationOf(
  credentials: IssuedCredentials,
  options: EnvironmentOptions,
): [string, string][] {
  const location: [string, string][] = []
  const endpoint = options.hasEndpoint ? endpointOf(credentials) : undefined
  if (endpoint !== undefined)
    location.push(['AWS_ENDPOINT_URL_S3', endpoint], ['AWS_ENDPOINT_URL_STS', endpoint])
  const hasRegion =
    options.env['AWS_REGION'] !== undefined || options.env['AWS_DEFAULT_REGION'] !== undefined
  const region = options.region ?? (hasRegion ? undefined : defaultRegionOf(credentials))
  // Newer SDKs read the first, boto3 and the first AWS CLI only the second.
  if (region !== undefined) location.push(['AWS_REGION', region], ['AWS_DEFAULT_REGION', region])
  return location
}

/** Returns the endpoint of the credentials' S3, which is their STS's; undefined at AWS, where SDKs know the endpoint. */
export function endpointOf({
  stsEndpoint,
}: Pick<IssuedCredentials, 'stsEndpoint'>): string | undefined {
  return isAwsEndpoint(stsEndpoint) ? undefined : stsEndpoint.replace(/\/$/, '')
}

/** Returns the region of an endpoint that has none; undefined at AWS. */
export function defaultRegionOf({
  stsEndpoint,
}: Pick<IssuedCredentials, 'stsEndpoint'>): string | undefined {
  return isAwsEndpoint(stsEndpoint) ? undefined : 'us-east-1'
}

/** Returns when the credentials expire, in UTC. */
export function utcOf({ expiresAtMs }: Pick<IssuedCredentials, 'expiresAtMs'>): string {
  return formatUtc(expiresAtMs)
}

/** Returns the change of `env --unset`. */
export function environmentWithout(): EnvironmentChange {
  return { set: [], unset: ours }
}
