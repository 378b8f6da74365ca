/** Decides which versions of a bucket its lifecycle removes. Pure: it sees a list of versions, and the time. */
import {
  addDaysMs,
  findExpiry,
  matchesFilter,
  type LifecycleRule,
} from '../request/lifecycle-rule.ts'
import { requireRemovable } from '../request/object-lock.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import type { VersionListEntry } from '../request/object-lists.ts'

/**
 * `expired`: a current version, which becomes noncurrent behind a delete marker in a bucket with versioning. `noncurrent`: a version or a
 * marker behind a newer one. `marker`: a delete marker that hides nothing any more. `upload`: an upload that nobody completed.
 */
export const removalKinds = ['expired', 'noncurrent', 'marker', 'upload'] as const
export type RemovalKind = (typeof removalKinds)[number]

export interface Verdict {
  readonly kind: RemovalKind
  readonly rule: LifecycleRule
}

/** A version of an object or a delete marker. */
export type Version = Exclude<VersionListEntry, { kind: 'prefix' }>

/**
 * Returns a function that judges the versions of a bucket in the order of its list: the newest of each key first.
 *
 * - A version became noncurrent when the next newer one was made, and is removed so many days later (AWS, "NoncurrentVersionExpiration").
 *   `NewerNoncurrentVersions` counts objects only, so that delete markers never push data out.
 * - A delete marker that is the only version of its key goes with `ExpiredObjectDeleteMarker`, and when it is as old as an expiration
 *   says (AWS, "Removing expired object delete markers").
 * - A locked version is never judged.
 */
export function createJudge(
  rules: readonly LifecycleRule[],
  nowMs: number,
): (version: Version, isLastOfKey: boolean) => Verdict | undefined {
  const enabled = rules.filter(({ isEnabled }) => isEnabled)
  let key: string | undefined
  let newerMs = 0
  let newerObjects = 0
  return (version, isLastOfKey) => {
    if (version.name !== key) newerObjects = 0
    key = version.name
    const since = { noncurrentSinceMs: newerMs, newerObjects }
    newerMs = version.kind === 'object' ? version.info.lastModifiedMs : version.lastModifiedMs
    if (!version.isLatest) {
      if (version.kind === 'object') newerObjects += 1
      return judgeNoncurrent(enabled, version, { ...since, nowMs })
    }
    if (version.kind === 'object') return judgeCurrent(enabled, version.info, nowMs)
    return isLastOfKey ? judgeMarker(enabled, version, nowMs) : undefined
  }
}

/** Returns the verdict on the current version of a key. */
export function judgeCurrent(
  rules: readonly LifecycleRule[],
  info: ObjectInfo,
  nowMs: number,
): Verdict | undefined {
  const expiry = findExpiry(rules, info)
  return expiry !== undefined && expiry.atMs <= nowMs
    ? { kind: 'expired', rule: expiry.rule }
    : undefined
}

/** Returns whether nothing locks a version. */
export function isUnlocked({ lock }: Pick<ObjectInfo, 'lock'>, nowMs: number): boolean {
  try {
    requireRemovable(lock, { nowMs, mayBypassGovernance: false })
    return true
  } catch {
    return false
  }
}

function judgeNoncurrent(
  rules: readonly LifecycleRule[],
  version: Version,
  at: {
    readonly noncurrentSinceMs: number
    readonly newerObjects: number
    readonly nowMs: number
  },
): Verdict | undefined {
  if (version.kind === 'object' && !isUnlocked(version.info, at.nowMs)) return undefined
  const rule = rules.find(({ noncurrent, filter }) => {
    if (noncurrent === undefined) return false
    const { days, newerVersions = 0 } = noncurrent
    // MinIO removes what is too many at once.
    const dueMs = days === undefined ? 0 : addDaysMs(at.noncurrentSinceMs, days)
    if (at.newerObjects < newerVersions || dueMs > at.nowMs) return false
    return version.kind === 'object'
      ? matchesFilter(filter, version.info)
      : isMarkerMeant(filter, version.name)
  })
  return rule && { kind: 'noncurrent', rule }
}

function judgeMarker(
  rules: readonly LifecycleRule[],
  { name, lastModifiedMs }: Version & { kind: 'marker' },
  nowMs: number,
): Verdict | undefined {
  const rule = rules.find(({ expiration, filter }) => {
    if (expiration === undefined || !isMarkerMeant(filter, name)) return false
    const { days, dateMs, isForDeleteMarkers = false } = expiration
    const dueMs = days === undefined ? dateMs : addDaysMs(lastModifiedMs, days)
    return isForDeleteMarkers || (dueMs !== undefined && dueMs <= nowMs)
  })
  return rule && { kind: 'marker', rule }
}

/** A delete marker has no tags and no size. */
function isMarkerMeant(
  { prefix = '', tags, sizeGreaterThan, sizeLessThan }: LifecycleRule['filter'],
  key: string,
): boolean {
  const isPlain = tags.length === 0 && sizeGreaterThan === undefined && sizeLessThan === undefined
  return isPlain && key.startsWith(prefix)
}
