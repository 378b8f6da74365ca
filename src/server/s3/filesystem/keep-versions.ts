/** Keeps the current object as a version when another takes its place (AWS, "How S3 Versioning works"). */
import { requireRemovable } from '../request/object-lock.ts'
import type { Target } from '../request/object-store.ts'
import type { Disk } from './disk.ts'
import { redoKey, versionKey } from './index-keys.ts'
import { discardQuietly, syncFile } from './staging.ts'
import { type LocatedObject, toRecord } from './locate.ts'
import { decodeVersion, encodeVersion, type Head, makeNullSlot } from './records.ts'
import type { IndexChange } from './store-index.ts'
import { linkVersion, versionFile } from './version-files.ts'
import type { Versioning } from './versioning.ts'

/** What changes besides the current object. */
export interface Kept {
  readonly changes: readonly IndexChange[]
  /** The slot of the version `null`, if one remains that is not the current object. */
  readonly nullSlot: string | undefined
  /** Versions whose files are to be removed after the commit. */
  readonly removedSlots: readonly string[]
  /** Takes the file of the kept version away, if the change fails. */
  readonly undo: () => Promise<void>
}

export interface Replacement {
  readonly current: LocatedObject | undefined
  readonly head: Head | undefined
  /** The sequence of the change. */
  readonly sequence: number
  readonly versioning: Versioning | undefined
}

const nothingToUndo = async (): Promise<void> => {}

/** Links the current object's file to the place of its version, and returns the changes of the index. Without versioning nothing is kept. */
export async function keepCurrent(
  disk: Disk,
  target: Target,
  { current, head, sequence, versioning }: Replacement,
): Promise<Kept> {
  const { bucket, key } = target
  // What is written while versioning is suspended is the version `null`, and replaces the one that there is.
  const isNull = versioning === 'Suspended'
  const versionId = current?.record?.versionId ?? 'null'
  const isKept =
    versioning !== undefined && current !== undefined && !(isNull && versionId === 'null')
  const isNullKept = isKept && versionId === 'null'
  // There is one version `null` at a time.
  const removedSlot = isNull || isNullKept ? head?.nullSlot : undefined
  requireReplaceable(disk, target, { replaced: isKept ? undefined : current, removedSlot })
  const changes: IndexChange[] = []
  if (removedSlot !== undefined) changes.push([versionKey(bucket, key, removedSlot), undefined])
  let nullSlot = removedSlot === undefined ? head?.nullSlot : undefined
  let undo = nothingToUndo
  if (isKept) {
    const slot = isNullKept ? makeNullSlot(sequence - 1) : versionId
    if (isNullKept) nullSlot = slot
    const file = versionFile(disk, target, slot)
    undo = () => discardQuietly(disk, file)
    await linkVersion(disk, current.path, file)
    // Its redo entry goes with this change, so its bytes must be on disk.
    if (head && disk.index.get(redoKey(bucket, key, head.sequence))) await syncFile(disk.fs, file)
    const { lastModifiedMs } = current.info
    const entry = { versionId, lastModifiedMs, record: toRecord(current) }
    changes.push([versionKey(bucket, key, slot), encodeVersion(entry)])
  }
  return { changes, nullSlot, removedSlots: removedSlot === undefined ? [] : [removedSlot], undo }
}

/**
 * Refuses to replace a version that is locked. S3 suspends the versioning of no bucket with object lock, so that only a bucket whose versioning
 * was suspended while its lock was set gets here.
 *
 * @throws {AwsError} `AccessDenied`.
 */
function requireReplaceable(
  disk: Disk,
  { bucket, key }: Target,
  {
    replaced,
    removedSlot,
  }: {
    readonly replaced: LocatedObject | undefined
    readonly removedSlot: string | undefined
  },
): void {
  const removal = { nowMs: disk.nowMs(), mayBypassGovernance: false }
  requireRemovable(replaced?.record?.lock, removal)
  if (removedSlot === undefined) return
  const removed = decodeVersion(disk.index.get(versionKey(bucket, key, removedSlot)))
  requireRemovable(removed?.record?.lock, removal)
}
