/** Files that hold secrets: 0600, written atomically. On the hot path of `env`: only node:fs and node:path are loaded. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

const noFollow = constants.O_NOFOLLOW ?? 0
const noWait = constants.O_NONBLOCK ?? 0

/** Writes a temporary file, then renames it to the target. @throws Node's own error; then the target is unchanged. */
export function writePrivateFile(path: string, text: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow
    const descriptor = openSync(temporary, flags, 0o600)
    try {
      // Not writeSync: on a disk that is filling up, it writes only a part without an error.
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameOver(temporary, path)
  } catch (error) {
    removeQuietly(temporary)
    throw error
  }
}

/** Windows refuses to replace a file while another process has it open, such as a virus scanner: usually for a moment. */
function renameOver(temporary: string, path: string): void {
  for (let attempt = 0; ; attempt += 1) {
    try {
      renameSync(temporary, path)
      return
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      const isHeld = ['EPERM', 'EACCES', 'EBUSY'].includes(code)
      if (process.platform !== 'win32' || !isHeld || attempt === 20) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
    }
  }
}

/**
 * Writes the file that the user named. Writes into a device or a pipe (`/dev/null`, `>(…)`), since a renamed file would replace it.
 *
 * @returns True if a file was created. @throws Node's own error.
 */
export function writeNamedFile(path: string, text: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  const isFile = stat === undefined || stat.isFile()
  if (isFile) writePrivateFile(path, text)
  else writeFileSync(path, text)
  return isFile
}

/** Creates a folder and its parents, accessible only by the owner (0700). @throws Node's own error. */
export function makePrivateFolder(path: string): void {
  makeFolders(path, 0o700)
}

/**
 * Creates a folder and its parents, all with one mode minus the umask. Node's own recursive `mkdir` never returns where a file system reports
 * «no such file» for an existing folder, as `/proc` does.
 *
 * @throws Node's own error.
 */
export function makeFolders(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isFolder(path)) return
    const parent = dirname(path)
    if (parent === path || isFolder(parent)) throw error
    makeFolders(parent, mode)
    makeFolders(path, mode)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Returns the text of a file that this user owns and nobody else can read; undefined when it is missing, not private, or longer than `maxBytes`. */
export function readPrivateFile(path: string, maxBytes: number): string | undefined {
  let descriptor: number
  try {
    // Opening a pipe would wait for a writer.
    descriptor = openSync(path, constants.O_RDONLY | noFollow | noWait)
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(descriptor)
    const isOurs =
      process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0)
    if (!stat.isFile() || !isOurs || stat.size > maxBytes) return undefined
    return readFileSync(descriptor, 'utf8')
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

/** Removes a file. @returns True if there was one. */
export function removeQuietly(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch {
    return false
  }
}
