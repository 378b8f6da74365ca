/** The table of output formats. Those that shells and SDKs call all the time are here; the others are loaded on demand. */
import { encodeGoCredentials } from '../../protocol/go-json.ts'
import { environmentOf, utcOf } from './environment.ts'
import type { Format } from './format.ts'
import { renderShellLines } from './shells.ts'

/** Format name → what loads its function. */
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
