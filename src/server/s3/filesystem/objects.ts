/** Objects one at a time: write, open, remove. */
import { basename, dirname } from 'node:path'
import type { ContentFacts, ObjectContent } from '../body/object-content.ts'
import type {
  ByteRange,
  ObjectInfo,
  OpenObject,
  PutOptions,
  Stoppable,
  Target,
} from '../request/object-store.ts'
import type { ObjectLock } from '../request/object-lock.ts'
import { cloneObject } from './clone-file.ts'
import type { Disk } from './disk.ts'
import { headKey, redoKey } from './index-keys.ts'
import {
  describeRecord,
  encodedFile,
  findObject,
  type LocatedObject,
  readHead,
  requireBucket,
  toRecord,
} from './locate.ts'
import { moveIntoPlace, removeDataFile } from './place.ts'
import {
  type Completion,
  encodeHead,
  makeVersionId,
  nextSequence,
  type ObjectRecord,
} from './records.ts'
import { decodeRedo, encodeRedo, redoEntry, type RedoEntry } from './redo.ts'
import type { IndexChange } from './store-index.ts'
import { discardQuietly, type StagedFile, stageContent } from './staging.ts'
import { findVersion, openVersion, toRecordChange } from './find-version.ts'
import { keepCurrent } from './keep-versions.ts'
import { versionFile } from './version-files.ts'
import { readVersioning } from './versioning.ts'

/** @see ObjectStore.putObject */
export async function putObject(
  disk: Disk,
  target: Target,
  content: ObjectContent,
  options: PutOptions,
): Promise<ObjectInfo> {
  await requireBucket(disk, target.bucket)
  await disk.settler.waitForRoom()
  const staged = await stageContent(disk, content.chunks, disk.nowMs())
  return placeObject(disk, target, { staged, facts: content.describe() }, options)
}

/** A staged file with what is known about it. */
export interface NewObject {
  readonly staged: StagedFile
  readonly facts: ContentFacts
  /** The upload whose parts it was joined from. */
  readonly completion?: Completion | undefined
}

/** Makes a staged file the object of the key. If this throws, the file is removed. */
export async function placeObject(
  disk: Disk,
  target: Target,
  made: NewObject,
  options: PutOptions & Stoppable,
): Promise<ObjectInfo> {
  try {
    return await holdKey(disk, target, () => {
      // From here on, the object is written even when the client is gone.
      options.signal?.throwIfAborted()
      return write(disk, target, made, options)
    })
  } catch (error) {
    await discardQuietly(disk, made.staged.path)
    throw error
  }
}

/** Runs work while nobody else changes the key, or removes its bucket. */
export function holdKey<T>(
  { locks }: Disk,
  { bucket, key }: Target,
  work: () => Promise<T>,
): Promise<T> {
  return locks.hold(`${bucket}/${key}`, work, bucket)
}

/** @see ObjectStore.openObject */
export async function openObject(
  disk: Disk,
  target: Target,
  versionId?: string,
): Promise<OpenObject | undefined> {
  const opened = await openVersion(disk, target, versionId)
  if (!opened) return (await requireBucket(disk, target.bucket), undefined)
  const { handle, info } = opened
  return {
    info,
    readInto: async (buffer, position) => {
      return (await handle.read(buffer, 0, buffer.length, position)).bytesRead
    },
    cloneTo: (path) => cloneObject(disk, opened, path),
    readAll: async (range: ByteRange = { start: 0, end: info.size - 1 }) => {
      try {
        const bytes = Buffer.allocUnsafe(range.end - range.start + 1)
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, range.start)
        return bytes.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
    close: () => handle.close(),
  }
}

/** @see ObjectStore.statObject */
export async function statObject(
  disk: Disk,
  target: Target,
  versionId?: string,
): Promise<ObjectInfo | undefined> {
  const found = await findVersion(disk, target, versionId)
  if (!found) await requireBucket(disk, target.bucket)
  return found?.info
}

/** Returns the current object. First finishes what a process left that died while it changed the key, which the caller holds. */
export async function findCurrent(disk: Disk, target: Target): Promise<LocatedObject | undefined> {
  const { bucket, key } = target
  const current = await findObject(disk, bucket, key)
  const head = current ? current.head : readHead(disk, bucket, key)
  if (!head || current?.record === head.records[0]) return current
  const left = redoKey(bucket, key, head.sequence)
  const value = disk.index.get(left)
  if (value === undefined) return current
  // A key without a file was deleted since, or is to get that of a version.
  if (!current && decodeRedo(value)?.entry.place?.kind !== 'version') return undefined
  await redoEntry(disk, target, value)
  await disk.index.commit([[left, undefined]])
  return findObject(disk, bucket, key)
}

async function write(
  disk: Disk,
  target: Target,
  { staged, facts, completion }: NewObject,
  { metadata, precondition, lock }: PutOptions,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  const current = await findCurrent(disk, target)
  precondition?.(current?.info)
  await requireBucket(disk, bucket)
  const head = current ? current.head : readHead(disk, bucket, key)
  const sequence = nextSequence(head, disk.nowMs())
  const versioning = readVersioning(disk, bucket)
  const versionId = versioning === 'Enabled' ? makeVersionId(sequence) : versioning && 'null'
  const kept = await keepCurrent(disk, target, {
    current,
    head,
    sequence,
    versioning,
  })
  const record: ObjectRecord = {
    file: staged.identity,
    facts,
    metadata,
    completion,
    versionId,
    lock,
  }
  const records = current?.record ? [record, current.record] : [record]
  const { bytes } = staged
  const place = bytes
    ? ({ kind: 'bytes' } as const)
    : ({ kind: 'staged', name: basename(staged.path) } as const)
  const path = await change(disk, target, {
    changes: [
      [headKey(bucket, key), encodeHead({ sequence, records, nullSlot: kept.nullSlot })],
      ...kept.changes,
      ...(head ? [[redoKey(bucket, key, head.sequence), undefined] as const] : []),
    ],
    redo: { sequence, place, removedSlots: kept.removedSlots },
    bytes,
    undo: kept.undo,
    apply: () => moveIntoPlace(disk, { bucket, key, from: staged.path }),
  })
  if (!bytes) await disk.folders.settle(dirname(path))
  // The object was in the other tree.
  if (current && current.path !== path) {
    const folder = await removeDataFile(disk, bucket, current.path)
    if (folder !== undefined) await disk.folders.settle(folder)
  }
  await removeVersionFiles(disk, target, kept.removedSlots)
  disk.settler.note({ bucket, key, sequence, path: bytes && path, bytes: bytes?.length ?? 0 })
  return describeRecord(disk, target, record)
}

/** A change of the index, and then of files. */
export interface Change<T> {
  readonly changes: readonly IndexChange[]
  readonly redo: RedoEntry
  readonly bytes?: Uint8Array | undefined
  /** Changes the files. If it throws, the change of the index is taken back. */
  readonly apply: () => Promise<T>
  /** Takes away what was made for the change, after the index was taken back. */
  readonly undo?: (() => Promise<void>) | undefined
}

/** Commits a change of the key with what remains to be done, and does it. */
export async function change<T>(
  disk: Disk,
  { bucket, key }: Target,
  { changes, redo, bytes, apply, undo }: Change<T>,
): Promise<T> {
  const all: IndexChange[] = [
    ...changes,
    [redoKey(bucket, key, redo.sequence), encodeRedo(redo, bytes)],
  ]
  const before = all.map(([name]): IndexChange => [name, disk.index.get(name)])
  let isCommitted = false
  try {
    await disk.index.commit(all)
    isCommitted = true
    return await apply()
  } catch (error) {
    // If even this fails, the next start, or the next change of the key, does the change again.
    const takeBack = isCommitted ? disk.index.commit(before) : Promise.resolve()
    await takeBack.then(undo, () => {})
    throw error
  }
}

/** Removes files of versions whose entries are gone. What cannot be removed is left to the next start. */
export async function removeVersionFiles(
  disk: Disk,
  target: Target,
  slots: readonly string[],
): Promise<void> {
  for (const slot of slots) await discardQuietly(disk, versionFile(disk, target, slot))
}

/** Removes the current object's data file. @returns The folder that it was in. */
export async function removeCurrentFile(
  disk: Disk,
  { bucket, key }: Target,
  path: string,
): Promise<string | undefined> {
  // A crash between a move and its clean-up leaves the key in both trees: the older file is removed first, or it would reappear.
  const older = encodedFile(disk, bucket, key)
  if (older !== path) await removeDataFile(disk, bucket, older)
  return removeDataFile(disk, bucket, path)
}

/** @see ObjectStore.replaceTags */
export function replaceTags(
  disk: Disk,
  target: Target,
  tags: Readonly<Record<string, string>> | undefined,
  versionId: string | undefined,
): Promise<boolean> {
  return replaceRecord(disk, target, versionId, (record) => {
    const { tags: _, ...untagged } = record.metadata
    return { ...record, metadata: tags === undefined ? untagged : { ...untagged, tags } }
  })
}

/** @see ObjectStore.replaceLock */
export function replaceLock(
  disk: Disk,
  target: Target,
  versionId: string | undefined,
  replace: (current: ObjectLock) => ObjectLock,
): Promise<boolean> {
  return replaceRecord(disk, target, versionId, (record) => {
    return { ...record, lock: replace(record.lock ?? {}) }
  })
}

async function replaceRecord(
  disk: Disk,
  target: Target,
  versionId: string | undefined,
  replace: (record: ObjectRecord) => ObjectRecord,
): Promise<boolean> {
  return holdKey(disk, target, async () => {
    await findCurrent(disk, target)
    const found = await findVersion(disk, target, versionId)
    if (!found) return (await requireBucket(disk, target.bucket), false)
    await disk.index.commit([toRecordChange(disk, target, found, replace(toRecord(found)))])
    return true
  })
}
