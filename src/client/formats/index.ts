/** Output formats: a table name → function. */
import { encodeGoCredentials } from '../../protocol/go-json.ts'
import type { RememberedCredentials } from '../credential-cache.ts'
import { environmentOf, type EnvironmentOptions } from './environment.ts'
import { renderShellLines, type ShellName } from '../shells.ts'

export interface FormatOptions extends EnvironmentOptions {
  readonly shell: ShellName
}

type Format = (credentials: RememberedCredentials, options: FormatOptions) => string

const utc = (credentials: RememberedCredentials): string =>
  new Date(credentials.expiresAtMs).toISOString().replace('.000Z', 'Z')

export const formats: Readonly<Record<string, Format>> = {
  minio: (credentials) =>
    `${encodeGoCredentials({ ...credentials, expiration: new Date(credentials.expiresAtMs) })}\n`,
  json: (credentials) => {
    const { accessKeyId, secretAccessKey, sessionToken, stsEndpoint } = credentials
    return `${JSON.stringify({ accessKeyId, secretAccessKey, sessionToken, expiration: utc(credentials), endpoint: stsEndpoint }, undefined, 2)}\n`
  },
  // https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
  process: (credentials) =>
    `${JSON.stringify({
      Version: 1,
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      Expiration: utc(credentials),
    })}\n`,
  env: (credentials, options) => {
    const { set, unset } = environmentOf(credentials, options)
    return renderShellLines(options.shell, set, unset)
  },
}
