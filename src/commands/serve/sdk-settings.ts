/** The variables by which AWS's SDKs and its CLI get credentials from the server by themselves, with a token in a file. */
import { quoteSh } from '../../client/formats/shells.ts'
import { chooseTokenRole } from '../../server/open/role-arns.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'

/** Which server the variables are for. */
export interface SdkTarget {
  /** STS and S3. */
  readonly endpoint: string
  /** The file of the server's own certificate; undefined if clients trust it already. */
  readonly caFile: string | undefined
}

/**
 * Returns AWS's variables, by name, without `AWS_WEB_IDENTITY_TOKEN_FILE`: where the token's file is, only its reader knows. Undefined if the server takes
 * tokens of no identity provider.
 *
 * `AWS_REGION` is among them, because most SDKs stop without a region (AWS SDKs and Tools Reference Guide, "AWS Region"). Python's wants
 * `AWS_DEFAULT_REGION`, and its STS client stops without it.
 */
export function listSdkSettings(
  options: ServerOptions,
  { endpoint, caFile }: SdkTarget,
): Readonly<Record<string, string>> | undefined {
  const roleArn = chooseTokenRole(options)
  if (roleArn === undefined) return undefined
  const { region } = options
  return {
    AWS_ROLE_ARN: roleArn,
    AWS_ENDPOINT_URL_STS: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region || 'us-east-1',
    AWS_DEFAULT_REGION: region || 'us-east-1',
    ...(caFile === undefined ? {} : { AWS_CA_BUNDLE: caFile }),
  }
}

/** Returns the lines that set the variables in a shell. */
export function renderSdkSettings(settings: Readonly<Record<string, string>>): string[] {
  const assignments = Object.entries(settings).map(
    ([name, value]) => `  export ${name}=${isPlain(value) ? value : quoteSh(value)}`,
  )
  return [
    '',
    'for the AWS CLI and SDKs, with a token in a file:',
    '',
    ...assignments,
    '  export AWS_WEB_IDENTITY_TOKEN_FILE=FILE',
  ]
}

/** Returns the lines by which people sign in with the AWS CLI itself. */
export function renderLoginSteps(): string[] {
  return [
    '',
    'for people, with the AWS CLI’s own login in a browser:',
    '',
    '  sts-cli write --login-profile minio',
    '  aws login --profile minio',
  ]
}

function isPlain(value: string): boolean {
  return /^[\w/:.@+=,-]+$/.test(value)
}
