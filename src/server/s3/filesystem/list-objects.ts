/** One page of a listing: objects and common prefixes in byte order. */
import type { ObjectInfo } from '../request/object-store.ts'
import type { ListEntry, Listing, ListOptions } from '../request/object-lists.ts'
import { orAbsent, type Disk } from './disk.ts'
import { describeFile, requireBucket } from './locate.ts'
import { holdsObject, openStart, walkKeys, type KeyFile, type KeyFolder } from './walk.ts'

/** Number of objects whose files are read at once: hides the latency of the disk without filling the thread pool. */
const looksAtOnce = 32

export type Found = KeyFile | { readonly kind: 'prefix'; readonly key: string }

/** @see ObjectStore.listObjects */
export async function listObjects(
  disk: Disk,
  bucket: string,
  options: ListOptions,
): Promise<Listing> {
  await requireBucket(disk, bucket)
  if (options.limit <= 0) return { entries: [], isTruncated: false }
  let { after } = options
  for (;;) {
    const { found, isTruncated } = await findPage(disk, bucket, { ...options, after })
    const entries = await describeAll(disk, bucket, found)
    const last = found.at(-1)
    if (entries.length > 0 || !isTruncated || last === undefined) return { entries, isTruncated }
    // All were deleted meanwhile: a page without entries would not say where the next one begins.
    after = last.key
  }
}

async function findPage(
  disk: Disk,
  bucket: string,
  options: ListOptions,
): Promise<{ found: Found[]; isTruncated: boolean }> {
  const found: Found[] = []
  for await (const entry of rollUp(disk, bucket, options)) {
    if (found.length === options.limit) return { found, isTruncated: true }
    found.push(entry)
  }
  return { found, isTruncated: false }
}

/** Yields the walked keys. Keys that share a prefix up to the delimiter become one common prefix. */
export async function* rollUp(
  disk: Disk,
  bucket: string,
  { prefix, delimiter, after }: Omit<ListOptions, 'limit'>,
): AsyncGenerator<Found, void, undefined> {
  // The last common prefix: everything below it is done.
  let given = after !== '' && commonPrefix(after, prefix, delimiter) === after ? after : undefined
  const decide = (folder: KeyFolder): 'enter' | 'skip' | 'report' => {
    if (given !== undefined && folder.key.startsWith(given)) return 'skip'
    const isRolledUp = commonPrefix(folder.key, prefix, delimiter) !== undefined
    return isRolledUp && !after.startsWith(folder.key) ? 'report' : 'enter'
  }
  const start = await openStart(disk, bucket, prefix)
  const scope = { listings: disk.listings, prefix, after, decide, findDone: () => given }
  for await (const entry of walkKeys(start, scope)) {
    if (given !== undefined && entry.key.startsWith(given)) continue
    const common = commonPrefix(entry.key, prefix, delimiter)
    if (common !== undefined) {
      if (entry.kind === 'folder' && !(await holdsObject(disk.fs, entry))) continue
      given = common
      yield { kind: 'prefix', key: common }
    } else if (entry.kind === 'file') {
      yield entry
    }
  }
}

/** Returns `key` up to and including the first delimiter after `prefix`; undefined if there is none. */
export function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at === -1 ? undefined : key.slice(0, at + delimiter.length)
}

async function describeAll(
  disk: Disk,
  bucket: string,
  found: readonly Found[],
): Promise<ListEntry[]> {
  const entries: ListEntry[] = []
  for (let index = 0; index < found.length; index += looksAtOnce) {
    const group = found.slice(index, index + looksAtOnce)
    const described = await Promise.all(group.map((entry) => describe(disk, bucket, entry)))
    entries.push(...described.filter((entry) => entry !== undefined))
  }
  return entries
}

async function describe(disk: Disk, bucket: string, entry: Found): Promise<ListEntry | undefined> {
  if (entry.kind === 'prefix') return { kind: 'prefix', name: entry.key }
  const info = await describeKeyFile(disk, bucket, entry)
  return info && { kind: 'object', name: entry.key, info }
}

/** Returns the object of a walked file; undefined if it was deleted after its folder was read. */
export async function describeKeyFile(
  disk: Disk,
  bucket: string,
  { key, path }: KeyFile,
): Promise<ObjectInfo | undefined> {
  const stats = await orAbsent(disk.fs.lstat(path, { bigint: true }))
  return stats?.isFile() ? describeFile(disk, { bucket, key, path, stats }).info : undefined
}
