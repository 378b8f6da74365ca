/** Removes objects and versions, and writes delete markers. */
import { requireRemovable } from '../request/object-lock.ts'
import type { DeleteOptions, DeleteResult, Target } from '../request/object-store.ts'
import { orAbsent, type Disk } from './disk.ts'
import { findEntry, findNewest, type PlacedVersion } from './find-version.ts'
import { headKey, redoKey, versionKey } from './index-keys.ts'
import { keepCurrent } from './keep-versions.ts'
import {
  describeRecord,
  encodedFile,
  identify,
  type LocatedObject,
  readHead,
  requireBucket,
} from './locate.ts'
import { change, findCurrent, holdKey, removeCurrentFile, removeVersionFiles } from './objects.ts'
import { moveIntoPlace } from './place.ts'
import {
  encodeHead,
  encodeVersion,
  type Head,
  makeNullSlot,
  makeVersionId,
  nextSequence,
} from './records.ts'
import type { FileIdentity } from './staging.ts'
import type { IndexChange } from './store-index.ts'
import { versionFile } from './version-files.ts'
import { readVersioning, type Versioning } from './versioning.ts'

/** @see ObjectStore.deleteObject */
export async function deleteObject(
  disk: Disk,
  target: Target,
  options: DeleteOptions,
): Promise<DeleteResult> {
  await disk.settler.waitForRoom()
  return holdKey(disk, target, async () => {
    await requireBucket(disk, target.bucket)
    const current = await findCurrent(disk, target)
    const { versionId } = options
    if (versionId !== undefined) return deleteVersion(disk, target, { current, versionId, options })
    options.precondition?.(current?.info)
    const versioning = readVersioning(disk, target.bucket)
    if (versioning !== undefined) return putMarker(disk, target, { current, versioning })
    if (!current) return {}
    requireRemovable(current.record?.lock, toRemoval(disk, options))
    await removeCurrent(disk, target, current, undefined)
    return {}
  })
}

function toRemoval(disk: Disk, { mayBypassGovernance = false }: DeleteOptions) {
  return { nowMs: disk.nowMs(), mayBypassGovernance }
}

/** Makes a delete marker the newest version. It is an entry of the index without a file. */
async function putMarker(
  disk: Disk,
  target: Target,
  {
    current,
    versioning,
  }: { readonly current: LocatedObject | undefined; readonly versioning: Versioning },
): Promise<DeleteResult> {
  const { bucket, key } = target
  const head = current ? current.head : readHead(disk, bucket, key)
  const sequence = nextSequence(head, disk.nowMs())
  const isNull = versioning === 'Suspended'
  const versionId = isNull ? 'null' : makeVersionId(sequence)
  const slot = isNull ? makeNullSlot(sequence) : versionId
  const kept = await keepCurrent(disk, target, { current, head, sequence, versioning })
  const entry = { versionId, lastModifiedMs: disk.nowMs(), record: undefined }
  await changeCurrent(disk, target, {
    current,
    head,
    next: { sequence, nullSlot: isNull ? slot : kept.nullSlot },
    changes: [...kept.changes, [versionKey(bucket, key, slot), encodeVersion(entry)]],
    removedSlots: kept.removedSlots,
    undo: kept.undo,
  })
  return { versionId, isDeleteMarker: true }
}

async function deleteVersion(
  disk: Disk,
  target: Target,
  {
    current,
    versionId,
    options,
  }: {
    readonly current: LocatedObject | undefined
    readonly versionId: string
    readonly options: DeleteOptions
  },
): Promise<DeleteResult> {
  const removal = toRemoval(disk, options)
  if (current && (current.info.versionId ?? 'null') === versionId) {
    options.precondition?.(current.info)
    requireRemovable(current.record?.lock, removal)
    const newest = findNewest(disk, target)
    options.requirePosition?.({ isLatest: true, isOnly: newest === undefined })
    await removeCurrent(disk, target, current, newest)
    return { versionId: current.info.versionId }
  }
  const placed = findEntry(disk, target, versionId)
  const { record } = placed?.entry ?? {}
  options.precondition?.(record && describeRecord(disk, target, { ...record, versionId }))
  // AWS says success for a version that does not exist.
  if (!placed) return { versionId }
  requireRemovable(record?.lock, removal)
  const isLatest = current === undefined && findNewest(disk, target)?.slot === placed.slot
  const isOnly = isLatest && findNewest(disk, target, placed.slot) === undefined
  options.requirePosition?.({ isLatest, isOnly })
  await removeEntry(disk, target, current, placed)
  return { versionId, ...(record === undefined ? { isDeleteMarker: true } : {}) }
}

/** Removes the current object for good. The newest of its versions takes its place. */
async function removeCurrent(
  disk: Disk,
  target: Target,
  current: LocatedObject,
  newest: PlacedVersion | undefined,
): Promise<void> {
  const { head } = current
  await changeCurrent(disk, target, {
    current,
    head,
    next: { sequence: nextSequence(head, disk.nowMs()), nullSlot: head?.nullSlot },
    changes: [],
    removedSlots: [],
    promoted: newest,
    isGone: newest === undefined,
  })
}

/** Removes a version that is not the current object. If it was a delete marker that hid the one before, that one is the current object again. */
async function removeEntry(
  disk: Disk,
  target: Target,
  current: LocatedObject | undefined,
  { slot, entry }: PlacedVersion,
): Promise<void> {
  const { bucket, key } = target
  const head = readHead(disk, bucket, key)
  const nullSlot = head?.nullSlot === slot ? undefined : head?.nullSlot
  const gone: IndexChange = [versionKey(bucket, key, slot), undefined]
  const removedSlots = entry.record === undefined ? [] : [slot]
  if (current === undefined && findNewest(disk, target)?.slot === slot) {
    const promoted = findNewest(disk, target, slot)
    const next = { sequence: nextSequence(head, disk.nowMs()), nullSlot }
    const isGone = promoted === undefined
    const changes = [gone]
    return changeCurrent(disk, target, {
      current,
      head,
      next,
      changes,
      removedSlots,
      promoted,
      isGone,
    })
  }
  // The head keeps its sequence, and so the redo entry of the current object. No head gets the one after it.
  const sequence = (head?.sequence ?? 0) + 1
  const kept: IndexChange[] = head
    ? [[headKey(bucket, key), encodeHead({ ...head, nullSlot })]]
    : []
  await change(disk, target, {
    changes: [gone, ...kept],
    redo: { sequence, removedSlots },
    apply: () => removeVersionFiles(disk, target, removedSlots),
  })
  disk.settler.note({ bucket, key, sequence, bytes: 0 })
}

interface CurrentChange {
  /** The object whose file is to be removed or replaced. */
  readonly current: LocatedObject | undefined
  readonly head: Head | undefined
  readonly next: Pick<Head, 'sequence' | 'nullSlot'>
  readonly changes: readonly IndexChange[]
  readonly removedSlots: readonly string[]
  /** The version that becomes the current object. A delete marker stays where it is. */
  readonly promoted?: PlacedVersion | undefined
  /** True if nothing of the key remains. */
  readonly isGone?: boolean
  readonly undo?: (() => Promise<void>) | undefined
}

async function changeCurrent(
  disk: Disk,
  target: Target,
  { current, head, next, changes, removedSlots, promoted, isGone, undo }: CurrentChange,
): Promise<void> {
  const { bucket, key } = target
  const { sequence } = next
  const old = current?.record ? [current.record] : []
  const record = promoted?.entry.record
  const file = record && promoted ? versionFile(disk, target, promoted.slot) : undefined
  const stats =
    file === undefined ? undefined : await orAbsent(disk.fs.lstat(file, { bigint: true }))
  // A version whose file was lost cannot become the current object, and does not hold up the removal.
  const [from, slot] = stats ? [file, promoted?.slot] : []
  const records = record && stats ? [{ ...record, file: identify(stats) }, ...old] : old
  const nullSlot = slot !== undefined && next.nullSlot === slot ? undefined : next.nullSlot
  const remove = current ? await identifyFiles(disk, target, current) : []
  const folder = await change(disk, target, {
    changes: [
      ...changes,
      [headKey(bucket, key), encodeHead({ sequence, records, nullSlot })],
      ...(slot === undefined ? [] : [[versionKey(bucket, key, slot), undefined] as const]),
      ...(head ? [[redoKey(bucket, key, head.sequence), undefined] as const] : []),
    ],
    redo: {
      sequence,
      removedSlots,
      ...(slot === undefined ? { remove } : { place: { kind: 'version', slot } }),
    },
    undo,
    apply: async () => {
      if (from !== undefined) return void (await moveIntoPlace(disk, { bucket, key, from }))
      return current && removeCurrentFile(disk, target, current.path)
    },
  })
  await removeVersionFiles(disk, target, removedSlots)
  disk.settler.note({ bucket, key, sequence, folder: folder ?? undefined, bytes: 0, isGone })
}

/** Returns the identities of the key's data files: usually one. */
async function identifyFiles(
  disk: Disk,
  { bucket, key }: Target,
  { path, identity }: LocatedObject,
): Promise<FileIdentity[]> {
  const older = encodedFile(disk, bucket, key)
  const stats = older === path ? undefined : await orAbsent(disk.fs.lstat(older, { bigint: true }))
  return stats?.isFile() ? [identity, identify(stats)] : [identity]
}
