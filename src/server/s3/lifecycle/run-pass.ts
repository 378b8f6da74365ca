/** Carries out the lifecycle of all buckets once: removes the objects, versions, delete markers and uploads that their rules name. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../../../base/log.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { decodeLifecycle } from '../request/lifecycle-document.ts'
import { findAbortion, type LifecycleRule } from '../request/lifecycle-rule.ts'
import type { ObjectInfo, ObjectStore, VersionPosition } from '../request/object-store.ts'
import {
  createJudge,
  isUnlocked,
  judgeCurrent,
  removalKinds,
  type RemovalKind,
  type Verdict,
  type Version,
} from './judge-versions.ts'
import { listPages, toVersionId } from './list-pages.ts'

export interface PassOptions {
  readonly objects: ObjectStore
  readonly nowMs: () => number
  readonly log: Log
  /** Ends the pass after the removal that is running. */
  readonly signal: AbortSignal
  /** Called with each removal, for the metrics. */
  readonly onRemoved?: ((kind: RemovalKind) => void) | undefined
}

export type Removals = Record<RemovalKind, number>

/** Failures of a bucket after which the pass goes on to the next one: a broken disk would fail for each object, and each failure is a log line. */
const maxFailures = 10

/**
 * Runs one pass over all buckets, one removal after the other, with a turn for other requests after each. An error is logged with its bucket
 * and rule, and the pass goes on; what failed is tried again by the next pass.
 *
 * @returns The removals by kind.
 */
export async function runPass(options: PassOptions): Promise<Removals> {
  const { objects, log, signal } = options
  const total = noRemovals()
  for (const { name: bucket } of await objects.listBuckets()) {
    if (signal.aborted) return total
    const removed = noRemovals()
    try {
      await passBucket(bucket, { ...options, removed, failures: { count: 0 } })
    } catch (error) {
      log.error({ bucket, reason: String(error) }, 'lifecycle: the bucket was not finished')
    }
    for (const kind of removalKinds) total[kind] += removed[kind]
    if (removalKinds.some((kind) => removed[kind] > 0))
      log.info({ bucket, ...removed }, 'lifecycle: removed what the rules of the bucket name')
    await nextTurn()
  }
  return total
}

interface BucketPass extends PassOptions {
  readonly removed: Removals
  readonly failures: { count: number }
}

function noRemovals(): Removals {
  return { expired: 0, noncurrent: 0, marker: 0, upload: 0 }
}

async function passBucket(bucket: string, pass: BucketPass): Promise<void> {
  const { objects, nowMs } = pass
  const text = await objects.readBucketDocument(bucket, 'lifecycle')
  if (text === undefined) return
  const rules = decodeLifecycle(text).rules.filter(({ isEnabled }) => isEnabled)
  const forUploads = rules.filter(({ abortUploadDays }) => abortUploadDays !== undefined)
  const forObjects = rules.filter((rule) => rule.expiration ?? rule.noncurrent)
  const atMs = nowMs()
  if (forUploads.length > 0) await passUploads({ bucket, rules: forUploads, atMs }, pass)
  for (const prefix of findPrefixes(forObjects))
    await passVersions({ bucket, prefix, rules: forObjects, atMs }, pass)
}

/** Returns the prefixes that cover all rules, none of which begins with another: each part of the bucket is listed once. */
export function findPrefixes(rules: readonly LifecycleRule[]): string[] {
  const prefixes = new Set(rules.map(({ filter }) => filter.prefix ?? ''))
  const found: string[] = []
  // Sorted, a prefix comes before everything that begins with it.
  for (const prefix of [...prefixes].toSorted()) {
    const last = found.at(-1)
    if (last === undefined || !prefix.startsWith(last)) found.push(prefix)
  }
  return found
}

interface Scope {
  readonly bucket: string
  readonly rules: readonly LifecycleRule[]
  readonly atMs: number
}

async function passUploads({ bucket, rules, atMs }: Scope, pass: BucketPass): Promise<void> {
  for (const upload of await pass.objects.listUploads(bucket)) {
    const abortion = findAbortion(rules, upload)
    if (abortion === undefined || abortion.atMs > atMs) continue
    const verdict = { kind: 'upload', rule: abortion.rule } as const
    await remove({ bucket, key: upload.key, verdict }, pass, () =>
      pass.objects.removeUpload(upload),
    )
    if (pass.signal.aborted) return
  }
}

async function passVersions(
  { bucket, rules, atMs, prefix }: Scope & { readonly prefix: string },
  pass: BucketPass,
): Promise<void> {
  const { objects, signal } = pass
  const versioning = await objects.readBucketDocument(bucket, 'versioning')
  const judge = createJudge(rules, atMs)
  const scope = { bucket, prefix, isVersioned: versioning !== undefined }
  for await (const page of listPages(objects, scope)) {
    for (const { version, isLastOfKey } of page) {
      if (signal.aborted) return
      const verdict = judge(version, isLastOfKey)
      if (verdict === undefined) continue
      if (verdict.kind === 'expired' && versioning === undefined && isLocked(version, atMs))
        continue
      await remove({ bucket, key: version.name, verdict }, pass, () =>
        removeVersion(version, { bucket, verdict, rules, atMs, objects }),
      )
    }
    await nextTurn()
  }
}

function isLocked(version: Version, nowMs: number): boolean {
  return version.kind === 'object' && !isUnlocked(version.info, nowMs)
}

/** Thrown by a precondition: the version is not the one that was judged. */
class Changed extends Error {}

interface VersionRemoval extends Scope {
  readonly verdict: Verdict
  readonly objects: ObjectStore
}

/**
 * Removes a version, or hides the current one behind a delete marker, unless it was replaced or described anew since it was listed, or has become the
 * current one: because those that were newer are gone.
 */
function removeVersion(version: Version, removal: VersionRemoval): Promise<unknown> {
  const { objects, bucket, verdict, rules, atMs } = removal
  const isCurrent = verdict.kind === 'expired'
  const precondition = (current: ObjectInfo | undefined): void => {
    if (!isSame(version, current)) throw new Changed()
    if (isCurrent && current !== undefined && judgeCurrent(rules, current, atMs) === undefined)
      throw new Changed()
  }
  const requirePosition = ({ isLatest, isOnly }: VersionPosition): void => {
    const isMoved = verdict.kind === 'marker' ? !isOnly : isLatest
    if (isMoved) throw new Changed()
  }
  const versionId = isCurrent ? undefined : toVersionId(version)
  const options = { versionId, precondition, requirePosition }
  return objects.deleteObject(bucket, version.name, options)
}

function isSame(version: Version, current: ObjectInfo | undefined): boolean {
  if (version.kind === 'marker') return current === undefined
  const { info } = version
  return (
    current !== undefined &&
    current.versionId === info.versionId &&
    current.etag === info.etag &&
    current.size === info.size &&
    current.lastModifiedMs === info.lastModifiedMs
  )
}

/** Carries out one removal, and counts and logs what came of it. @throws {Error} After too many failures. */
async function remove(
  { bucket, key, verdict }: { bucket: string; key: string; verdict: Verdict },
  { removed, failures, log, onRemoved }: BucketPass,
  run: () => Promise<unknown>,
): Promise<void> {
  try {
    await run()
    removed[verdict.kind] += 1
    onRemoved?.(verdict.kind)
  } catch (error) {
    // A lock that was set since: the store refuses.
    const isKept = error instanceof Changed || isRefusedByLock(error)
    if (!isKept) {
      const facts = { bucket, rule: verdict.rule.id, key, reason: String(error) }
      log.error(facts, 'lifecycle: a removal failed')
      failures.count += 1
      if (failures.count >= maxFailures)
        throw new Error(`${maxFailures} removals failed`, { cause: error })
    }
  }
  await nextTurn()
}

function isRefusedByLock(error: unknown): boolean {
  return error instanceof AwsError && error.code === 'AccessDenied'
}
