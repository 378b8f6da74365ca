/**
 * One server a directory: `.sts-cli/lock` says who. The file is made by a link to a finished one, which fails where there is one
 * already. A lock whose holder is dead is never removed, for two that did so could remove each other's; it is followed: the
 * next holder makes `lock.<hash of the dead one's text>`, which again only one can. When the lock itself still says the same
 * after that, the place is won, and only then does the winner put its own text in the place of the dead one's.
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
import { cannotKeep, prepareFolder } from './prepare-folder.ts'
import { chooseStagingPath } from './staging.ts'

/** The calls that taking a lock is made of. */
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
  /** No two locks have the same. */
  readonly word: string
}

export interface LockOptions {
  /** Real path of a store's root with its own folder in it. */
  readonly root: string
  readonly self: Holder
  readonly files: LockFiles
  isRunning(holder: Holder, ageMs: number): boolean
}

/** Where the holder cannot be asked, its lock is touched this often, and is given up when that has not been for long. */
const heartbeatMs = 5000
const silentForMs = 30_000
/** Others come and go while we look: by then it is theirs. */
const maxTries = 100

/**
 * Takes the directory for this process, which holds it until it gives it back or ends.
 *
 * @param directory is made when it is missing.
 * @returns Gives it back.
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
    throw cannotKeep(directory, error)
  }
  if (holder !== undefined) throw isInUse(directory, lockPath(root), holder)
  const heartbeat = setInterval(() => {
    const now = new Date()
    promises.utimes(lockPath(root), now, now).catch(() => {})
  }, heartbeatMs).unref()
  return async () => {
    clearInterval(heartbeat)
    await releaseLock(options)
  }
}

/** @returns Undefined when the lock is ours, else whose it is. @throws Node's own error. */
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

/** Takes away our own lock, and no other's. */
export async function releaseLock({ root, self, files }: LockOptions): Promise<void> {
  const path = lockPath(root)
  if ((await readText(files, path)) === writeHolder(self)) await files.rm(path, { force: true })
}

function lockPath(root: string): string {
  return join(root, privateFolder, 'lock')
}

/** Goes from the lock over those that are dead to the end, and takes that. */
async function followChain(
  options: LockOptions,
  draft: string,
): Promise<'ours' | 'again' | 'unknown' | Holder> {
  const { root, files } = options
  const first = lockPath(root)
  let path = first
  let firstText: string | undefined
  // each turn passes one dead holder
  for (;;) {
    const made = await makeWhole(options, draft, path)
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
      // somebody had passed the same dead one before us, and the lock is theirs, or was
      await files.rm(path, { force: true })
      return 'again'
    }
    await files.rename(draft, first)
  }
  await removeFollowers(options)
  return 'ours'
}

/** With our own text in the lock, what followed the dead means nothing any more. */
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

/** Nobody ever sees a lock without its holder's name, nor does a loss of power leave one. */
async function makeWhole(
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
    // the holder clears the staging folder at its start
    if (code === 'ENOENT') return 'gone'
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS')
      throw error
  }
  // a file system that knows no links
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

/** Milliseconds since the lock was touched; none for one that is gone. */
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

/** A process of this machine is asked for; one in another container shows by its heartbeat; one of another host is believed to run. */
export function isHolderRunning(holder: Holder, ageMs: number): boolean {
  const here = describeMachine()
  if (holder.host !== here.host || holder.namespace !== here.namespace) {
    const isSameMachine = holder.boot !== '' && holder.boot === here.boot
    if (isSameMachine) return ageMs < silentForMs
    if (holder.host !== here.host) return true
  }
  // the machine was started anew
  if (holder.boot !== here.boot) return false
  const startedAt = readProcessStart(holder.pid)
  if (startedAt === undefined) return false
  return startedAt === holder.startedAt || startedAt === '' || holder.startedAt === ''
}

function isInUse(directory: string, path: string, holder: Holder | 'unknown'): StsCliError {
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
