/** Finds a version of an object: the current one, or one by its ID. */
import { setImmediate } from 'node:timers/promises'
import { AwsError } from '../../../protocol/aws-error.ts'
import { noSuchKey, noSuchVersion } from '../request/errors.ts'
import type { Target } from '../request/object-store.ts'
import { orAbsent, type Disk } from './disk.ts'
import { headKey, readVersionKey, redoKey, versionKey } from './index-keys.ts'
import {
  describeRecord,
  findObject,
  identify,
  type LocatedObject,
  openDataFile,
  type OpenedObject,
  openFile,
  readHead,
  requireBucket,
} from './locate.ts'
import {
  decodeVersion,
  encodeHead,
  encodeVersion,
  type Head,
  isOwnVersionId,
  nextSequence,
  type ObjectRecord,
  type VersionEntry,
} from './records.ts'
import { decodeRedo } from './redo.ts'
import type { IndexChange } from './store-index.ts'
import { versionFile } from './version-files.ts'
import { readVersioning } from './versioning.ts'

/** Looks for a version that is just becoming the current object, or just ceases to be it. */
const maxLooks = 5

/** An entry of the index with its place among the versions of the key. */
export interface PlacedVersion {
  readonly slot: string
  readonly entry: VersionEntry
}

/** A version with a data file that is not the key's own. */
interface StoredVersion {
  readonly slot: string
  readonly versionId: string
  readonly record: ObjectRecord
}

/**
 * Returns the object of a key, or a version of it; undefined if there is none.
 *
 * @param find Finds a file, or opens it.
 * @throws {AwsError} `NoSuchVersion`; for a delete marker `NoSuchKey`, or with its ID `MethodNotAllowed` (AWS, "Working with delete markers").
 */
async function find<T extends LocatedObject>(
  disk: Disk,
  target: Target,
  versionId: string | undefined,
  {
    current,
    version,
  }: {
    readonly current: () => Promise<T | undefined>
    readonly version: (stored: StoredVersion) => Promise<T | undefined>
  },
): Promise<T | undefined> {
  const findMoving = async (wanted: string | undefined): Promise<T | undefined> => {
    const moving = findPromoted(disk, target, wanted)
    return moving && version(moving)
  }
  if (versionId === undefined) {
    const found = (await current()) ?? (await findMoving(undefined))
    const newest = found ? undefined : findNewest(disk, target)
    if (newest && newest.entry.record === undefined) throw deletedKey(target.key, newest.entry)
    return found
  }
  for (let looks = 0; looks < maxLooks; looks += 1) {
    if (looks > 0) await setImmediate()
    disk.index.refresh()
    const head = readHead(disk, target.bucket, target.key)
    const placed = findEntry(disk, target, versionId)
    const record = placed?.entry.record
    if (placed && record === undefined) throw deletedVersion(placed.entry)
    const found =
      placed && record
        ? await version({ slot: placed.slot, versionId, record })
        : ((await findAsCurrent(current, versionId)) ?? (await findMoving(versionId)))
    if (found) return found
    if (!placed && nameCurrent(head) !== versionId) break
  }
  await requireBucket(disk, target.bucket)
  if (versionId === 'null' && readVersioning(disk, target.bucket) === undefined) return undefined
  throw noSuchVersion()
}

/** Returns the version ID of the current object by the index. */
function nameCurrent(head: Head | undefined): string | undefined {
  const record = head?.records[0]
  return record && (record.versionId ?? 'null')
}

/**
 * Returns the version that becomes the current object, while its file is still at the place of a version: the commit is visible before it is on disk,
 * and a process that dies then leaves it so.
 *
 * @param versionId Undefined for any.
 */
function findPromoted(
  disk: Disk,
  { bucket, key }: Target,
  versionId: string | undefined,
): StoredVersion | undefined {
  const head = readHead(disk, bucket, key)
  const record = head?.records[0]
  const current = nameCurrent(head)
  if (!head || !record || current === undefined || (versionId ?? current) !== current)
    return undefined
  const value = disk.index.get(redoKey(bucket, key, head.sequence))
  const place = value && decodeRedo(value)?.entry.place
  if (place?.kind !== 'version') return undefined
  return { slot: place.slot, versionId: current, record }
}

async function findAsCurrent<T extends LocatedObject>(
  current: () => Promise<T | undefined>,
  versionId: string,
): Promise<T | undefined> {
  const found = await current()
  if (found === undefined || (found.info.versionId ?? 'null') === versionId) return found
  if ('handle' in found) await (found as unknown as OpenedObject).handle.close()
  return undefined
}

/** Returns the object or version without opening it. @see ObjectStore.statObject */
export function findVersion(
  disk: Disk,
  target: Target,
  versionId: string | undefined,
): Promise<LocatedObject | undefined> {
  return find(disk, target, versionId, {
    current: () => findObject(disk, target.bucket, target.key),
    async version(stored) {
      const path = versionFile(disk, target, stored.slot)
      const stats = await orAbsent(disk.fs.lstat(path, { bigint: true }))
      return stats && describeVersion(disk, target, { stored, path, stats })
    },
  })
}

/** Opens the object or version. The caller closes the handle. @see ObjectStore.openObject */
export function openVersion(
  disk: Disk,
  target: Target,
  versionId: string | undefined,
): Promise<OpenedObject | undefined> {
  return find(disk, target, versionId, {
    current: () => openDataFile(disk, target.bucket, target.key),
    async version(stored) {
      const path = versionFile(disk, target, stored.slot)
      const opened = await openFile(disk, path)
      if (!opened) return undefined
      const { handle, stats } = opened
      return { ...describeVersion(disk, target, { stored, path, stats }), handle }
    },
  })
}

function describeVersion(
  disk: Disk,
  target: Target,
  {
    stored,
    path,
    stats,
  }: {
    readonly stored: StoredVersion
    readonly path: string
    readonly stats: Parameters<typeof identify>[0]
  },
): LocatedObject {
  const { slot, versionId, record } = stored
  const info = describeRecord(disk, target, { ...record, versionId })
  return { path, info, identity: identify(stats), head: undefined, record, slot }
}

/** Returns the change of the index that replaces the record of a found object or version. */
export function toRecordChange(
  disk: Disk,
  { bucket, key }: Target,
  { slot, head, info }: LocatedObject,
  record: ObjectRecord,
): IndexChange {
  if (slot !== undefined) {
    const versionId = info.versionId ?? 'null'
    const entry = { versionId, lastModifiedMs: info.lastModifiedMs, record }
    return [versionKey(bucket, key, slot), encodeVersion(entry)]
  }
  const sequence = head?.sequence ?? nextSequence(undefined, disk.nowMs())
  return [headKey(bucket, key), encodeHead({ ...head, sequence, records: [record] })]
}

/** Returns the entry of a version that is not the current object. */
export function findEntry(
  disk: Disk,
  target: Target,
  versionId: string,
): PlacedVersion | undefined {
  const { bucket, key } = target
  const isNull = versionId === 'null'
  const slot = isNull ? readHead(disk, bucket, key)?.nullSlot : versionId
  if (slot === undefined || !(isNull || isOwnVersionId(versionId))) return undefined
  const entry = decodeVersion(disk.index.get(versionKey(bucket, key, slot)))
  return entry && { slot, entry }
}

/**
 * Returns the newest of the key's versions that are not its current object.
 *
 * @param after Only versions that are older than the one of this slot.
 */
export function findNewest(
  disk: Disk,
  { bucket, key }: Target,
  after?: string,
): PlacedVersion | undefined {
  const start = versionKey(bucket, key, after === undefined ? '' : `${after}\0`)
  const end = versionKey(bucket, key, '~')
  const [found] = [...disk.index.list({ start, end, limit: 1 })]
  const entry = found && decodeVersion(found.value)
  return found && entry && { slot: readVersionKey(bucket, found.key).slot, entry }
}

function deletedKey(key: string, { versionId }: VersionEntry): AwsError {
  const refusal = noSuchKey(key)
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId }
  const { code, message, details, status } = refusal
  return new AwsError(code, message, { details, status, headers })
}

function deletedVersion({ versionId, lastModifiedMs }: VersionEntry): AwsError {
  return new AwsError('MethodNotAllowed', 'the version is a delete marker', {
    details: { Method: 'GET', ResourceType: 'DeleteMarker' },
    headers: {
      allow: 'DELETE',
      'x-amz-delete-marker': 'true',
      'x-amz-version-id': versionId,
      'last-modified': new Date(lastModifiedMs).toUTCString(),
    },
  })
}
