/**
 * Sorted listings of folders, cached, so that a page of a list costs what it shows: reading and sorting a folder of 100,000 files takes some
 * hundred times as long as a page of it.
 *
 * A folder's times change with each name that is added, removed or replaced in it, whoever does that: this process, another worker, or a person.
 * So a listing is valid while they are the same. rsync, tar and cp set the modification time back afterwards, but nobody can set the change time. Two changes within one tick of the file system's clock have the same time,
 * therefore a listing that was read that soon after the last change is not cached (git's index has the same rule for its "racily clean"
 * entries: Documentation/technical/racy-git).
 */
import type { BigIntStats, Dirent } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { orAbsent } from './disk.ts'
import type { FileSystem } from './file-system.ts'
import { createListingCache, type FolderListing, type Stamp } from './listing-cache.ts'
import { compareKeys, decodeName, decodeText, isPlainName } from './key-names.ts'

export interface FolderListings {
  /** Returns the files and folders of a folder of plain files; empty if it does not exist or may not be read. */
  readPlain(path: string): Promise<FolderListing>
  /** Returns the files and folders of a folder in the encoded tree, decoded. */
  readEncoded(path: string): Promise<FolderListing>
}

export interface ListingOptions {
  /** The clock of the file system's times. Tests with a clock of their own write files whose times are the real ones. */
  readonly fileClockMs?: (() => number) | undefined
  readonly maxBytes?: number | undefined
}

/** Memory for listings: about a million names. A larger folder is read for each page. */
const defaultMaxBytes = 64 * 1024 * 1024
/** The kernel's clock for file times advances each 1 to 10 ms. */
const tickMs = 50
/** File systems that store no fraction of a second, or every other one (FAT). */
const coarseTickMs = 2500
/** Folders that hold the rest of long names are checked too. A listing over more of them is not cached. */
const maxStamps = 16

/** What one reading of a folder has found. */
interface Reading {
  readonly fs: FileSystem
  readonly fileClockMs: () => number
  readonly entries: { readonly name: string; readonly path: string }[]
  readonly stamps: Stamp[]
  isCacheable: boolean
}

const empty: FolderListing = { names: [] }

/** Creates the listings of a store, with a cache bounded in memory; the least recently used go first. */
export function createFolderListings(
  fs: FileSystem,
  { fileClockMs = Date.now, maxBytes = defaultMaxBytes }: ListingOptions = {},
): FolderListings {
  const cache = createListingCache(fs, maxBytes)
  const reader = { fs, fileClockMs }

  async function read(
    path: string,
    collect: (reading: Reading) => Promise<FolderListing>,
  ): Promise<FolderListing> {
    const cached = await cache.find(path)
    if (cached) return cached
    const reading: Reading = { ...reader, entries: [], stamps: [], isCacheable: true }
    const listing = await collect(reading)
    if (reading.isCacheable) {
      const { stamps } = reading
      cache.remember(path, { listing, stamps, bytes: measure(listing, stamps) })
    }
    return listing
  }

  return {
    readPlain: (path) => read(path, (reading) => readPlain(path, reading)),
    readEncoded: (path) => read(path, (reading) => readEncoded(path, reading)),
  }
}

async function readPlain(path: string, reading: Reading): Promise<FolderListing> {
  const names: string[] = []
  for (const entry of await enter(path, reading)) {
    // Links, sockets and pipes are not objects.
    const suffix = entry.isFile() ? '' : entry.isDirectory() ? '/' : undefined
    if (suffix !== undefined && isPlainName(entry.name)) names.push(entry.name + suffix)
  }
  return names.length === 0 ? empty : { names: sortKeys(names) }
}

async function readEncoded(path: string, reading: Reading): Promise<FolderListing> {
  await collectEncoded({ path, below: '', text: '' }, reading)
  const { entries } = reading
  if (entries.length === 0) return empty
  const sorted = entries.toSorted((left, right) => compareKeys(left.name, right.name))
  return { names: sorted.map(({ name }) => name), paths: sorted.map((entry) => entry.path) }
}

async function collectEncoded(
  at: { readonly path: string; readonly below: string; readonly text: string },
  reading: Reading,
): Promise<void> {
  for (const entry of await enter(at.path, reading)) {
    const name = decodeName(entry.name)
    if (!name) continue
    const below = at.below === '' ? entry.name : join(at.below, entry.name)
    const text = at.text + name.text
    if (name.kind === 'piece') {
      await collectEncoded({ path: join(at.path, entry.name), below, text }, reading)
      continue
    }
    const isFolder = name.kind === 'folder'
    const decoded = decodeText(text)
    if (decoded === undefined || isFolder !== entry.isDirectory()) continue
    reading.entries.push({ name: isFolder ? `${decoded}/` : decoded, path: below })
  }
}

/** Stamps a folder, then reads it: a change after the stamp changes the time. */
async function enter(path: string, reading: Reading): Promise<Dirent[]> {
  const stats = await orAbsent(reading.fs.lstat(path, { bigint: true }))
  if (!stats?.isDirectory()) {
    reading.isCacheable = false
    return []
  }
  const { ino: inode, mtimeNs, ctimeNs } = stats
  reading.stamps.push({ path, inode, mtimeNs, ctimeNs })
  if (!isSettled(stats, reading.fileClockMs()) || reading.stamps.length > maxStamps)
    reading.isCacheable = false
  const entries = await listFolder(reading.fs, path)
  // Whether it may be read can depend on more than the folder itself.
  if (!entries) reading.isCacheable = false
  return entries ?? []
}

/** Returns the first index from `from` on for which `isReached` is true; it must be true for all after that. */
export function seekIndex(
  names: readonly string[],
  from: number,
  isReached: (name: string) => boolean,
): number {
  let [low, high] = [from, names.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const name = names[middle]
    if (name !== undefined && isReached(name)) high = middle
    else low = middle + 1
  }
  return low
}

/** Sorts by bytes. Without surrogates that is JavaScript's own order, whose sort is several times as fast. */
function sortKeys(names: string[]): string[] {
  const hasSurrogates = names.some((name) => /[\ud800-\udfff]/.test(name))
  return hasSurrogates ? names.toSorted(compareKeys) : names.toSorted()
}

/** Returns whether a change at this time or later gets other times. */
function isSettled({ mtimeNs, ctimeNs }: BigIntStats, nowMs: number): boolean {
  return [mtimeNs, ctimeNs].every((timeNs) => {
    const ageMs = nowMs - Number(timeNs / 1_000_000n)
    return ageMs > (timeNs % 1_000_000_000n === 0n ? coarseTickMs : tickMs)
  })
}

/** Estimates the memory of a listing, with the paths by which it is found: those of deep folders are longer than the names in them. */
function measure({ names, paths = [] }: FolderListing, stamps: readonly Stamp[]): number {
  let bytes = 256
  for (const { path } of stamps) bytes += 2 * path.length + 256
  for (const name of names) bytes += 2 * name.length + 32
  for (const path of paths) bytes += 2 * path.length + 32
  return bytes
}

/** Lists a folder; undefined for one without read permission: somebody else put it there, and without it the rest of the bucket can be listed. */
async function listFolder(fs: FileSystem, path: string): Promise<Dirent[] | undefined> {
  try {
    return (await orAbsent(fs.readdir(path, { withFileTypes: true }))) ?? []
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined
    throw error
  }
}
