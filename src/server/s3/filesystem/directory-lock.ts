/**
 * The lock that lets only one server use a directory: `.sts-cli/lock` names its holder. The file is created as a hard link to a finished
 * file, which fails if the lock exists. The lock of a dead holder is not removed, because two processes that did so could remove each
 * other's new lock. Instead, the next holder creates `lock.<hash of the dead holder's text>`, which again only one process can. If the
 * lock itself is still unchanged after that, the process has won, and only then replaces the dead holder's text with its own.
 */
import { randomUUID } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '../../../protocol/digest.ts'
import { errorCode } from '../../../base/error-code.ts'
import { StsCliError } from '../../../base/errors.ts'
import { parseJsonObject, readNumber, readString } from '../../../base/parse.ts'
import { describeMachine, readProcessStart } from '../../../base/process/process-start.ts'
import { privateFolder } from './disk.ts'
import { nodeFileSystem } from './file-system.ts'
import { toFolderError, prepareFolder } from './prepare-folder.ts'
import { chooseStagingPath } from './staging.ts'

/** The file-system calls that taking a lock needs. */
export type LockFiles = Pick<
  typeof promises,
  'link' | 'open' | 'readdir' | 'readFile' | 'rename' | 'rm' | 'stat' | 'utimes'
>

export interface Holder {
  readonly pid: number
  readonly startedAt: string
  readonly host: string
  readonly boot: string
  readonly namespace: string
  /** Random: no two locks have the same. */
  readonly word: string
}

export interface LockOptions {
  /** Real path of a store's root, which contains the private folder. */
  readonly root: string
  readonly self: Holder
  readonly files: LockFiles
  isRunning(holder: Holder, ageMs: number): boolean
}

/** How often a holder updates the time of its lock. Where its process cannot be checked, the lock counts as abandoned after `silentForMs`. */
const heartbeatMs = 5000
const silentForMs = 30_000
/** Attempts while other processes take and release the lock; after these, it counts as held by another. */
const maxTries = 100

/**
 * Locks the directory for this process until it releases the lock or ends.
 *
 * @param directory is created if it is missing.
 * @returns A function that releases the lock.
 * @throws {StsCliError} `ERR_CONFIG` naming the process that holds it; `ERR_CANNOT_CREATE` or `ERR_IO` where it cannot be written.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const root = await prepareFolder(directory, nodeFileSystem)
  const self = describeSelf()
  const options = { root, self, files: promises, isRunning: isHolderRunning }
  let holder: Holder | 'unknown' | undefined
  try {
    holder = await takeLock(options)
  } catch (error) {
    throw toFolderError(directory, error)
  }
  if (holder !== undefined) throw directoryInUse(directory, lockPath(root), holder)
  const heartbeat = setInterval(() => {
    const now = new Date()
    promises.utimes(lockPath(root), now, now).catch(() => {})
  }, heartbeatMs).unref()
  return async () => {
    clearInterval(heartbeat)
    await releaseLock(options)
  }
}

/** @returns Undefined if this process has the lock now, else its holder. @throws Node's own error. */
export async function takeLock(options: LockOptions): Promise<Holder | 'unknown' | undefined> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const draft = await writeDraft(options)
    try {
      const result = await followChain(options, draft)
      if (result === 'ours') return undefined
      if (result !== 'again') return result
    } finally {
      await options.files.rm(draft, { force: true })
    }
  }
  return 'unknown'
}

/** Removes the lock if this process holds it. */
export async function releaseLock({ root, self, files }: LockOptions): Promise<void> {
  const path = lockPath(root)
  if ((await readText(files, path)) === writeHolder(self)) await files.rm(path, { force: true })
}

function lockPath(root: string): string {
  return join(root, privateFolder, 'lock')
}

/** Follows the chain of dead holders from the lock to its end, and creates the next lock there. */
async function followChain(
  options: LockOptions,
  draft: string,
): Promise<'ours' | 'again' | 'unknown' | Holder> {
  const { root, files } = options
  const first = lockPath(root)
  let path = first
  let firstText: string | undefined
  // Each round passes one dead holder.
  for (;;) {
    const made = await createLockFile(options, draft, path)
    if (made === 'gone') return 'again'
    if (made === 'made') break
    const text = await readText(files, path)
    if (text === undefined) return 'again'
    if (path === first) firstText = text
    const holder = readHolder(text)
    if (holder === undefined) return 'unknown'
    if (options.isRunning(holder, await readAge(files, path))) return holder
    path = `${first}.${sha256Hex(text).slice(0, 32)}`
  }
  if (path !== first) {
    if ((await readText(files, first)) !== firstText) {
      // Another process followed the same dead holder first: the lock is or was its own.
      await files.rm(path, { force: true })
      return 'again'
    }
    await files.rename(draft, first)
  }
  await removeFollowers(options)
  return 'ours'
}

/** Removes the locks of the chain, which mean nothing once the lock has this process's text. */
async function removeFollowers({ root, files }: LockOptions): Promise<void> {
  const folder = join(root, privateFolder)
  for (const name of await files.readdir(folder))
    if (/^lock\.[0-9a-f]{32}$/.test(name)) await files.rm(join(folder, name), { force: true })
}

async function writeDraft({ root, self, files }: LockOptions): Promise<string> {
  const draft = chooseStagingPath({ root })
  await writeNew(files, draft, writeHolder(self))
  return draft
}

/** Creates the lock file with its text in one step: no reader sees an empty lock, and a loss of power does not leave one. */
async function createLockFile(
  { self, files }: LockOptions,
  draft: string,
  path: string,
): Promise<'made' | 'taken' | 'gone'> {
  try {
    await files.link(draft, path)
    return 'made'
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST') return 'taken'
    // The holder cleared the staging folder, as it does when it starts.
    if (code === 'ENOENT') return 'gone'
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS')
      throw error
  }
  // This file system does not support hard links.
  try {
    await writeNew(files, path, writeHolder(self))
    return 'made'
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'taken'
    throw error
  }
}

async function writeNew(files: LockFiles, path: string, text: string): Promise<void> {
  const handle = await files.open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await files.rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function readText(files: LockFiles, path: string): Promise<string | undefined> {
  try {
    return await files.readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Returns the milliseconds since the lock was updated; 0 if it is gone. */
async function readAge(files: LockFiles, path: string): Promise<number> {
  try {
    return Date.now() - (await files.stat(path)).mtimeMs
  } catch {
    return 0
  }
}

function describeSelf(): Holder {
  const { pid } = process
  const startedAt = readProcessStart(pid) ?? ''
  return { pid, startedAt, ...describeMachine(), word: randomUUID() }
}

function writeHolder(holder: Holder): string {
  return `${JSON.stringify(holder)}\n`
}

function readHolder(text: string): Holder | undefined {
  const json = parseJsonObject(text)
  const pid = json && readNumber(json, 'pid')
  const host = json && readString(json, 'host')
  if (!json || pid === undefined || host === undefined) return undefined
  const read = (name: string): string => readString(json, name) ?? ''
  const rest = { startedAt: read('startedAt'), boot: read('boot'), namespace: read('namespace') }
  return { pid, host, ...rest, word: read('word') }
}

/** Returns whether the holder still runs: on this machine by its process, in another container by its heartbeat; on another host always true. */
export function isHolderRunning(holder: Holder, ageMs: number): boolean {
  const here = describeMachine()
  if (holder.host !== here.host || holder.namespace !== here.namespace) {
    const isSameMachine = holder.boot !== '' && holder.boot === here.boot
    if (isSameMachine) return ageMs < silentForMs
    if (holder.host !== here.host) return true
  }
  // The machine was restarted.
  if (holder.boot !== here.boot) return false
  const startedAt = readProcessStart(holder.pid)
  if (startedAt === undefined) return false
  return startedAt === holder.startedAt || startedAt === '' || holder.startedAt === ''
}

function directoryInUse(directory: string, path: string, holder: Holder | 'unknown'): StsCliError {
  if (holder === 'unknown') {
    const message = `the directory ${directory} is locked by ${path}, which does not say who holds it`
    return new StsCliError('directory-locked', message, { stage: 'serve', details: { path } })
  }
  const { pid, host } = holder
  const isHere = host === describeMachine().host
  const who = isHere ? `process ${pid}` : `process ${pid} on the host ${host}`
  const details = { pid, path, host: isHere ? undefined : host }
  const message = `the directory ${directory} is in use by another server, ${who}`
  return new StsCliError('directory-in-use', message, { stage: 'serve', details })
}
