/** Walks a bucket's keys in byte order, and reads only the folders that can contain requested keys. */
import { join } from 'node:path'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import type { FileSystem } from './file-system.ts'
import { seekIndex, type FolderListings } from './folder-listings.ts'
import { compareKeys, decodeName, encodeFolder, isPlainKey, isPlainName } from './key-names.ts'
import type { FolderListing } from './listing-cache.ts'
import { isRealFolder } from './locate.ts'

/** A folder of keys: `a/b/`, or empty for the bucket. It may be in the plain tree, the encoded tree, or both. */
export interface KeyFolder {
  readonly kind: 'folder'
  readonly key: string
  readonly plainPath: string | undefined
  readonly encodedPath: string | undefined
}

export interface KeyFile {
  readonly kind: 'file'
  readonly key: string
  readonly path: string
}

export interface WalkScope {
  readonly listings: FolderListings
  readonly prefix: string
  /** Only keys after this one. */
  readonly after: string
  /** Returns what to do with a folder before it is read. */
  decide(folder: KeyFolder): 'enter' | 'skip' | 'report'
  /** Returns the beginning of keys of which no more are needed. */
  findDone(): string | undefined
}

/** Returns the folder that contains every key that begins with `prefix`. */
export async function openStart(disk: Disk, bucket: string, prefix: string): Promise<KeyFolder> {
  const key = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const isPlain = key === '' || isPlainKey(key.slice(0, -1))
  const plainPath = join(bucketFolder(disk.root, bucket), isPlain ? key.slice(0, -1) : '')
  const encodedPath = join(encodedFolder(disk.root, bucket), encodeFolder(key))
  const isReachable = isPlain && (await isRealFolder(disk.fs, plainPath))
  return { kind: 'folder', key, plainPath: isReachable ? plainPath : undefined, encodedPath }
}

/** Yields files and reported folders in the order of their keys; a folder's key ends with `/`. */
export async function* walkKeys(
  folder: KeyFolder,
  scope: WalkScope,
): AsyncGenerator<KeyFile | KeyFolder, void, undefined> {
  const cursor = await openCursor(folder, scope)
  seekStart(cursor, scope)
  for (let entry = takeNext(cursor, scope); entry; entry = takeNext(cursor, scope)) {
    if (entry.kind === 'file') {
      yield entry
    } else {
      const verdict = scope.decide(entry)
      if (verdict === 'report') yield entry
      else if (verdict === 'enter') yield* walkKeys(entry, scope)
    }
    const done = scope.findDone()
    if (done === undefined) continue
    if (folder.key.startsWith(done)) return
    if (!done.startsWith(folder.key)) continue
    const passed = done.slice(folder.key.length)
    // The names that begin with it follow each other.
    seek(cursor, (name) => !name.startsWith(passed) && compareKeys(name, passed) > 0)
  }
}

/** Returns whether an object is in the folder or below it. Stops at the first. */
export async function holdsObject(fs: FileSystem, folder: KeyFolder): Promise<boolean> {
  const below: KeyFolder[] = []
  for (const path of [folder.plainPath, folder.encodedPath]) {
    const directory = path === undefined ? undefined : await orAbsent(fs.opendir(path))
    if (!directory) continue
    for await (const entry of directory) {
      const child = join(directory.path, entry.name)
      const isPlain = path === folder.plainPath
      if (isPlain ? !isPlainName(entry.name) : !decodeName(entry.name)) continue
      if (entry.isFile()) return true
      if (!entry.isDirectory()) continue
      const paths = isPlain
        ? { plainPath: child, encodedPath: undefined }
        : { plainPath: undefined, encodedPath: child }
      below.push({ kind: 'folder', key: '', ...paths })
    }
  }
  for (const child of below) if (await holdsObject(fs, child)) return true
  return false
}

/** The position in a folder's listings. Each step costs the same, however many names the folder has. */
interface Cursor {
  readonly folder: KeyFolder
  readonly plain: FolderListing
  readonly encoded: FolderListing
  plainAt: number
  encodedAt: number
}

async function openCursor(folder: KeyFolder, { listings }: WalkScope): Promise<Cursor> {
  const { plainPath, encodedPath } = folder
  const none = { names: [] }
  const [plain, encoded] = await Promise.all([
    plainPath === undefined ? none : listings.readPlain(plainPath),
    encodedPath === undefined ? none : listings.readEncoded(encodedPath),
  ])
  return { folder, plain, encoded, plainAt: 0, encodedAt: 0 }
}

/** Moves on to the first name for which the condition is true, which must be true for all names after it. */
function seek(cursor: Cursor, isReached: (name: string) => boolean): void {
  cursor.plainAt = seekIndex(cursor.plain.names, cursor.plainAt, isReached)
  cursor.encodedAt = seekIndex(cursor.encoded.names, cursor.encodedAt, isReached)
}

/** Moves on to the first name in scope. */
function seekStart(cursor: Cursor, { prefix, after }: WalkScope): void {
  const { key } = cursor.folder
  if (prefix.startsWith(key)) {
    const wanted = prefix.slice(key.length)
    seek(cursor, (name) => compareKeys(name, wanted) >= 0)
  }
  if (after.startsWith(key)) {
    const rest = after.slice(key.length)
    const slash = rest.indexOf('/')
    // The folder that `after` is in, if any, is in scope.
    const folder = slash === -1 ? undefined : rest.slice(0, slash + 1)
    seek(cursor, (name) => compareKeys(name, rest) > 0 || name === folder)
  } else if (compareKeys(after, key) > 0) {
    seek(cursor, () => false)
  }
}

/** Returns the next file or folder, and moves on; undefined at the end of the scope. */
function takeNext(cursor: Cursor, { prefix }: WalkScope): KeyFile | KeyFolder | undefined {
  const { folder, plain, encoded } = cursor
  const plainName = plain.names[cursor.plainAt]
  const encodedName = encoded.names[cursor.encodedAt]
  const order = compareNext(plainName, encodedName)
  const name = order <= 0 ? plainName : encodedName
  if (name === undefined) return undefined
  const key = folder.key + name
  const isFolder = name.endsWith('/')
  if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(key))) return undefined
  const plainPath = order <= 0 ? join(folder.plainPath ?? '', name) : undefined
  const below = encoded.paths?.[cursor.encodedAt] ?? ''
  const encodedPath = order >= 0 ? join(folder.encodedPath ?? '', below) : undefined
  if (order <= 0) cursor.plainAt += 1
  if (order >= 0) cursor.encodedAt += 1
  if (isFolder) return { kind: 'folder', key, plainPath: plainPath?.slice(0, -1), encodedPath }
  // A plain file of the same key is the newer one.
  return { kind: 'file', key, path: plainPath ?? encodedPath ?? '' }
}

function compareNext(left: string | undefined, right: string | undefined): number {
  if (left === undefined) return right === undefined ? 0 : 1
  return right === undefined ? -1 : compareKeys(left, right)
}
