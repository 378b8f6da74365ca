/** Files that hold secrets: 0600, whole or not at all. On the hot path of `env`: node:fs and node:path, nothing else. */
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

/** Writes beside the target, then renames over it. @throws Node's own error; then the target is as it was. */
export function writePrivateFile(path: string, text: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow
    const descriptor = openSync(temporary, flags, 0o600)
    try {
      // Not writeSync: on a disk that is filling up it writes a part and says nothing.
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

/** Windows refuses to replace a file while somebody else has it open, a virus scanner among them: for a moment, mostly. */
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
 * Writes where the user said. A device or a pipe (`/dev/null`, `>(…)`) is written into: a file renamed over it would take its place.
 *
 * @returns Whether a file was made. @throws Node's own error.
 */
export function writeNamedFile(path: string, text: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  const isFile = stat === undefined || stat.isFile()
  if (isFile) writePrivateFile(path, text)
  else writeFileSync(path, text)
  return isFile
}

/** Makes a folder for its owner alone, 0700, and those that it lies in. @throws Node's own error. */
export function makePrivateFolder(path: string): void {
  makeFolders(path, 0o700)
}

/**
 * Makes a folder and those that it lies in, all of one mode, less the umask. Node's own recursive `mkdir` never returns where a file system says «no such file» of a
 * folder that is there, as `/proc` does.
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

/** The text of a file that is ours and nobody else's to read; undefined when it is not there, not private, or longer than `maxBytes`. */
export function readPrivateFile(path: string, maxBytes: number): string | undefined {
  let descriptor: number
  try {
    // Of a pipe that somebody put there, opening would wait for a writer.
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

/** Removes a file. @returns Whether there was one to remove. */
export function removeQuietly(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch {
    return false
  }
}
