/** Walks a bucket's keys in byte order, and reads only the folders that can contain requested keys. */
import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import type { FileSystem } from './file-system.ts'
import {
  compareKeys,
  decodeName,
  decodeText,
  encodeFolder,
  isPlainKey,
  isPlainName,
} from './key-names.ts'
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
  readonly fs: FileSystem
  readonly prefix: string
  /** Only keys after this one. */
  readonly after: string
  /** Returns what to do with a folder before it is read. */
  decide(folder: KeyFolder): 'enter' | 'skip' | 'report'
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
  for (const entry of await readFolder(folder, scope)) {
    if (entry.kind === 'file') {
      yield entry
      continue
    }
    const verdict = scope.decide(entry)
    if (verdict === 'report') yield entry
    else if (verdict === 'enter') yield* walkKeys(entry, scope)
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

async function readFolder(folder: KeyFolder, scope: WalkScope): Promise<(KeyFile | KeyFolder)[]> {
  const found = new Map<string, KeyFile | KeyFolder>()
  if (folder.plainPath !== undefined) {
    await addPlain(folder.key, folder.plainPath, scope, found)
  }
  if (folder.encodedPath !== undefined) {
    await addEncoded({ key: folder.key, path: folder.encodedPath, text: '' }, scope, found)
  }
  return [...found.values()].toSorted((left, right) => compareKeys(left.key, right.key))
}

async function addPlain(
  folderKey: string,
  path: string,
  scope: WalkScope,
  found: Map<string, KeyFile | KeyFolder>,
): Promise<void> {
  for (const entry of await listFolder(scope.fs, path)) {
    const isFolder = entry.isDirectory()
    // Links, sockets and pipes are not objects.
    if (!isFolder && !entry.isFile()) continue
    const key = folderKey + entry.name + (isFolder ? '/' : '')
    if (!isInScope(key, isFolder, scope) || !isPlainName(entry.name)) continue
    const child = join(path, entry.name)
    if (isFolder) {
      found.set(key, { kind: 'folder', key, plainPath: child, encodedPath: undefined })
    } else {
      found.set(key, { kind: 'file', key, path: child })
    }
  }
}

async function addEncoded(
  at: { key: string; path: string; text: string },
  scope: WalkScope,
  found: Map<string, KeyFile | KeyFolder>,
): Promise<void> {
  for (const entry of await listFolder(scope.fs, at.path)) {
    const name = decodeName(entry.name)
    if (!name) continue
    const path = join(at.path, entry.name)
    const text = at.text + name.text
    if (name.kind === 'piece') {
      await addEncoded({ key: at.key, path, text }, scope, found)
      continue
    }
    const isFolder = name.kind === 'folder'
    const decoded = decodeText(text)
    if (decoded === undefined || isFolder !== entry.isDirectory()) continue
    const key = at.key + decoded + (isFolder ? '/' : '')
    if (!isInScope(key, isFolder, scope)) continue
    const known = found.get(key)
    if (isFolder) {
      const plainPath = known?.kind === 'folder' ? known.plainPath : undefined
      found.set(key, { kind: 'folder', key, plainPath, encodedPath: path })
      // a plain file of the same key is the newer one
    } else if (!known) {
      found.set(key, { kind: 'file', key, path })
    }
  }
}

/** Lists a folder. One without read permission was put there by somebody else: it is skipped, or the whole bucket could not be listed. */
async function listFolder(fs: FileSystem, path: string): Promise<Dirent[]> {
  try {
    return (await orAbsent(fs.readdir(path, { withFileTypes: true }))) ?? []
  } catch (error) {
    if (errorCode(error) === 'EACCES') return []
    throw error
  }
}

function isInScope(key: string, isFolder: boolean, { prefix, after }: WalkScope): boolean {
  const hasPrefix = key.startsWith(prefix) || (isFolder && prefix.startsWith(key))
  if (!hasPrefix) return false
  return after === '' || compareKeys(key, after) > 0 || (isFolder && after.startsWith(key))
}
