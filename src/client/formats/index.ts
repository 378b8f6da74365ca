/** Output formats: a table name → function. Those that shells and SDKs call all the time are here, the others are loaded when they are asked for. */
import { encodeGoCredentials } from '../../protocol/go-json.ts'
import type { CachedCredentials } from '../credential-cache.ts'
import { environmentOf, utcOf, type EnvironmentOptions } from './environment.ts'
import { renderShellLines, type ShellName } from './shells.ts'

export interface FormatOptions extends EnvironmentOptions {
  readonly shell: ShellName
  /** What the credentials are called where they go: mc's alias, rclone's remote, the profile of an AWS file. */
  readonly alias: string
}

/** Text for stdout or `--output`; and, for a GitHub runner alone, what is appended to its files afterwards. */
export interface Document {
  readonly text: string
  readonly appends?: readonly { readonly path: string; readonly text: string }[]
}

/** @throws {StsCliError} `ERR_DATA` where the format has no way to write a value. */
export type Format = (credentials: CachedCredentials, options: FormatOptions) => Document

export const formats: Readonly<Record<string, () => Promise<Format>>> = {
  minio: async () => (credentials) => {
    const expiration = new Date(credentials.expiresAtMs)
    return { text: `${encodeGoCredentials({ ...credentials, expiration })}\n` }
  },
  json: async () => (credentials) => {
    const { accessKeyId, secretAccessKey, sessionToken, stsEndpoint: endpoint } = credentials
    const expiration = utcOf(credentials)
    const value = { accessKeyId, secretAccessKey, sessionToken, expiration, endpoint }
    return { text: `${JSON.stringify(value, undefined, 2)}\n` }
  },
  // https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
  process: async () => (credentials) => ({
    text: `${JSON.stringify({
      Version: 1,
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      Expiration: utcOf(credentials),
    })}\n`,
  }),
  env: async () => (credentials, options) => {
    const { set, unset } = environmentOf(credentials, options)
    return { text: renderShellLines(options.shell, set, unset) }
  },
  dotenv: async () => (await import('./dotenv.ts')).renderDotenv,
  github: async () => (await import('./github.ts')).renderGithub,
  ini: async () => (await import('./ini.ts')).renderIni,
  mc: async () => (await import('./mc.ts')).renderMc,
  rclone: async () => (await import('./rclone.ts')).renderRclone,
  s3cmd: async () => (await import('./s3cmd.ts')).renderS3cmd,
}
