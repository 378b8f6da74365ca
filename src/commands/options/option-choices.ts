/**
 * The words that options take: the table of options shows them, and the option's reader checks against the same list. Those that the client
 * decides (actions, formats, shells) are lists of its own.
 */
import type { LogLevel } from '../../base/log.ts'

/** `--grant` */
export const grantNames = [
  'client-credentials',
  'browser',
  'device-code',
  'password',
  'refresh-token',
  'github-actions',
  'gitlab',
  'kubernetes',
  'token',
] as const
export type GrantName = (typeof grantNames)[number]
/** The help of `--grant`; it names each. */
export const grantHelp =
  'client-credentials; browser, device-code or password: a person signs in; refresh-token: as they did before; github-actions, gitlab, kubernetes: a job’s own token; token: one at hand'

/** `--cache` */
export const cacheKinds = ['file', 'keyring', 'none'] as const

/** `--color` */
export const colorChoices = ['auto', 'always', 'never'] as const

/** `--field` */
export const fieldNames = ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration'] as const
export type FieldName = (typeof fieldNames)[number]

/** `--gateway-style`: how the upstream is told the bucket. */
export const gatewayStyles = ['path', 'virtual-host'] as const

/** `--log-level`; not in base/log.ts, because most commands load the table of options, and none of them pino. */
export const logLevels = [
  'debug',
  'info',
  'warn',
  'error',
  'silent',
] as const satisfies readonly LogLevel[]
