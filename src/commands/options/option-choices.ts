/**
 * The words that options take: the table of options shows them, and the option's reader checks against the same list. Those that the client
 * decides (actions, formats, shells) are lists of its own.
 */
import type { LogLevel } from '../../base/log.ts'
import { grants } from '../../client/token/obtain-token.ts'

const { token, 'token-command': _, ...providerGrants } = grants
/** `--grant`: the client's grants, and two kinds of jobs whose token lies in a place of their own. `--token-command` needs no name. */
const grantSummaries = {
  ...providerGrants,
  gitlab: { summary: 'the job’s own token' },
  kubernetes: { summary: 'the pod’s own token' },
  token,
}
export type GrantName = keyof typeof grantSummaries
export const grantNames = Object.keys(grantSummaries) as GrantName[]
/** The help of `--grant`; it names each. */
export const grantHelp = Object.entries(grantSummaries)
  .map(([name, { summary }]) => `${name}: ${summary}`)
  .join('; ')

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
