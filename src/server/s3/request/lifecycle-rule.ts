/** The rules of a bucket's lifecycle, and which objects they are about (AWS, "Lifecycle configuration elements"). */
import type { ObjectInfo } from './object-store.ts'

const dayMs = 24 * 60 * 60 * 1000

export interface LifecycleFilter {
  /** How the document says it, so that it is returned in the same form: the old `Prefix` of the rule, `Filter`, or `And` in it. */
  readonly form: 'rule-prefix' | 'single' | 'and'
  readonly prefix?: string | undefined
  readonly tags: readonly (readonly [name: string, value: string])[]
  /** In bytes; an object of exactly this size is not meant. */
  readonly sizeGreaterThan?: number | undefined
  readonly sizeLessThan?: number | undefined
}

export interface LifecycleExpiration {
  readonly days?: number | undefined
  readonly dateMs?: number | undefined
  /** True to remove delete markers that are the only version of their key. */
  readonly isForDeleteMarkers?: boolean | undefined
}

export interface LifecycleRule {
  readonly id: string
  readonly isEnabled: boolean
  readonly filter: LifecycleFilter
  readonly expiration?: LifecycleExpiration | undefined
  readonly noncurrent?:
    | {
        /** Days since the version became noncurrent; undefined for none, which MinIO has with `newerVersions` only. */
        readonly days?: number | undefined
        /** The newest noncurrent versions that are kept whatever their age. */
        readonly newerVersions?: number | undefined
      }
    | undefined
  /** Days after which an upload that is not completed is removed. */
  readonly abortUploadDays?: number | undefined
}

/** What a rule's filter looks at. */
export type FilteredObject = Pick<ObjectInfo, 'key' | 'size'> & {
  readonly metadata?: Pick<ObjectInfo['metadata'], 'tags'> | undefined
}

/** Returns whether a rule's filter is met by an object or a version. */
export function matchesFilter(filter: LifecycleFilter, object: FilteredObject): boolean {
  const { prefix = '', tags, sizeGreaterThan = -1, sizeLessThan = Infinity } = filter
  if (!object.key.startsWith(prefix)) return false
  if (object.size <= sizeGreaterThan || object.size >= sizeLessThan) return false
  const given = object.metadata?.tags ?? {}
  return tags.every(([name, value]) => Object.hasOwn(given, name) && given[name] === value)
}

/**
 * Returns the time at which an action with a number of days is due: that many days later, rounded up to the next midnight UTC (AWS,
 * "Lifecycle rules: based on an object's age").
 */
export function addDaysMs(sinceMs: number, days: number): number {
  return (Math.floor(sinceMs / dayMs) + days + 1) * dayMs
}

/** When a rule makes an object expire. */
export interface Expiry {
  /** Unix time in milliseconds, a midnight UTC. */
  readonly atMs: number
  readonly rule: LifecycleRule
}

/** Returns when a current version expires, by the rule that comes first; undefined if no rule expires it. */
export function findExpiry(
  rules: readonly LifecycleRule[],
  info: FilteredObject & Pick<ObjectInfo, 'lastModifiedMs'>,
): Expiry | undefined {
  let first: Expiry | undefined
  for (const rule of rules) {
    const { days, dateMs } = rule.expiration ?? {}
    const atMs = days === undefined ? dateMs : addDaysMs(info.lastModifiedMs, days)
    if (!rule.isEnabled || atMs === undefined || !matchesFilter(rule.filter, info)) continue
    if (first === undefined || atMs < first.atMs) first = { atMs, rule }
  }
  return first
}

/** Returns when an upload of a key is removed unless it is completed; undefined if no rule says so. */
export function findAbortion(
  rules: readonly LifecycleRule[],
  { key, initiatedAtMs }: { readonly key: string; readonly initiatedAtMs: number },
): Expiry | undefined {
  let first: Expiry | undefined
  for (const rule of rules) {
    if (!rule.isEnabled || rule.abortUploadDays === undefined) continue
    if (!key.startsWith(rule.filter.prefix ?? '')) continue
    const atMs = addDaysMs(initiatedAtMs, rule.abortUploadDays)
    if (first === undefined || atMs < first.atMs) first = { atMs, rule }
  }
  return first
}

/** Returns the headers of a time and the rule that decides it: `x-amz-expiration` of an object. @see AWS, "GetObject". */
export function describeExpiry(expiry: Expiry | undefined): Record<string, string> {
  if (expiry === undefined) return {}
  const date = new Date(expiry.atMs).toUTCString()
  const id = encodeURIComponent(expiry.rule.id.toWellFormed())
  return { 'x-amz-expiration': `expiry-date="${date}", rule-id="${id}"` }
}

/** Returns the headers that say when a rule removes an upload (AWS, "CreateMultipartUpload"). */
export function describeAbortion(abortion: Expiry | undefined): Record<string, string> {
  if (abortion === undefined) return {}
  return {
    'x-amz-abort-date': new Date(abortion.atMs).toUTCString(),
    'x-amz-abort-rule-id': encodeURIComponent(abortion.rule.id.toWellFormed()),
  }
}
