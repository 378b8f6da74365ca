/**
 * A disk that stops between two steps. Below it are real files; it adds a count of the calls that change something, a
 * crash before any one of them, after which nothing answers, and the effect of a power loss: it removes names whose folder
 * was not synced, and the bytes and times of files that were not synced.
 */
import * as real from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  nodeFileSystem,
  type FileSystem,
  type StoreFile,
} from '../../../src/server/s3/filesystem/file-system.ts'
import type { StoreIndex } from '../../../src/server/s3/filesystem/store-index.ts'
import { createMemoryIndex, type IndexContent } from './memory-index.ts'

/** Thrown by every call after the crash. The store does not know this class, so it does not handle it. */
export class Crash extends Error {}

export interface Places {
  readonly root: string
  readonly shadows: string
}

interface Change {
  /** The change is on disk once this folder is synced. */
  readonly folder: string
  readonly undo: () => Promise<unknown>
}

interface Written {
  /** A second name of the file, outside the store. */
  readonly shadow: string
  readonly ino: bigint
  lost: 'bytes' | 'times' | 'nothing'
}

export interface FragileDisk {
  readonly fs: FileSystem
  /** A commit to it is one step, and on disk afterwards. */
  readonly index: StoreIndex
  /** The changes so far, by name. */
  readonly steps: readonly string[]
  /** Allows this many further steps; before the next one, the process crashes. */
  endAfter(steps: number): void
  /** Allows this many further steps; only the next one fails, with a disk error. */
  failAfter(steps: number, code: string): void
  /** Loses what was not synced, in the chosen folders, and in files. The process is over. */
  losePower(isLost: (folder: string) => boolean): Promise<void>
  /** Closes the files that the dead process had open. */
  close(): Promise<void>
}

/**
 * @param shadows A folder on the same file system, outside the store, for files that may have to be restored.

 */
export function createFragileDisk({ root, shadows }: Places, content: IndexContent): FragileDisk {
  const steps: string[] = []
  const handles: StoreFile[] = []
  const staging = join(root, '.sts-cli/tmp')
  let changes: Change[] = []
  const written: Written[] = []
  let isOver = false
  let endBefore = Number.POSITIVE_INFINITY
  let failure: { readonly at: number; readonly code: string } | undefined
  let shadowCount = 0

  const look = (): void => {
    if (isOver) throw new Crash('the process is dead')
  }
  const step = (name: string): void => {
    look()
    if (steps.length >= endBefore) {
      isOver = true
      throw new Crash(`ended before ${name}`)
    }
    steps.push(name)
    if (failure?.at === steps.length) throw makeDiskError(failure.code, name)
  }
  // The next start removes the staging folder's files, whether they were synced or not.
  const note = (path: string, undo: Change['undo']): void => {
    if (dirname(path) !== staging) changes.push({ folder: dirname(path), undo })
  }
  const keepShadow = async (path: string): Promise<string | undefined> => {
    const shadow = join(shadows, String((shadowCount += 1)))
    return real.link(path, shadow).then(
      () => shadow,
      () => undefined,
    )
  }

  const rename: FileSystem['rename'] = async (from, to) => {
    step(`rename ${String(to)}`)
    const [source, target] = [String(from), String(to)]
    const isFolder = (await real.lstat(source)).isDirectory()
    const shadow = isFolder ? undefined : await keepShadow(target)
    // A rename moves a name in one step: where it is undone, the file has its old name again.
    const moved = isFolder || dirname(source) === staging ? undefined : await keepShadow(source)
    await real.rename(source, target)
    if (isFolder)
      note(dirname(source) === staging ? target : source, () => real.rename(target, source))
    else
      note(target, async () => {
        await real.rm(target)
        if (shadow !== undefined) await real.link(shadow, target)
        if (moved !== undefined) await real.link(moved, source)
      })
  }

  const open: FileSystem['open'] = async (path, flags, mode) => {
    const name = String(path)
    const isNew = flags === 'wx'
    if (isNew) step(`open ${name}`)
    else look()
    const handle = await nodeFileSystem.open(path, flags, mode)
    handles.push(handle)
    const shadow = isNew ? await keepShadow(name) : undefined
    if (shadow !== undefined) {
      const { ino } = await handle.stat({ bigint: true })
      written.push({ shadow, ino, lost: 'bytes' })
    }
    const sync = async (kind: 'sync' | 'datasync'): Promise<void> => {
      step(`${kind} ${name}`)
      const { ino } = await handle.stat({ bigint: true })
      const synced = written.filter((other) => other.ino === ino)
      for (const other of synced) other.lost = kind === 'sync' ? 'nothing' : 'times'
      if (synced.length === 0) changes = changes.filter(({ folder }) => folder !== name)
    }
    return wrap(handle, {
      sync: () => sync('sync'),
      datasync: () => sync('datasync'),
      write: () => step(`write ${name}`),
      writeFile: () => step(`write ${name}`),
      utimes: () => step(`utimes ${name}`),
      look,
    })
  }

  const fs: FileSystem = {
    ...mapCalls({ ...nodeFileSystem }, look),
    rename,
    open,
    mkdir: (async (path: string, options?: { mode?: number; recursive?: boolean }) => {
      if (options?.recursive === true) return real.mkdir(path, options)
      step(`mkdir ${path}`)
      await real.mkdir(path, options)
      note(path, () => real.rm(path, { recursive: true }))
      return undefined
    }) as FileSystem['mkdir'],
    async link(path, to) {
      step(`link ${String(to)}`)
      await real.link(path, to)
      note(String(to), () => real.rm(to))
    },
    async copyFile(from, to, mode) {
      step(`copyFile ${String(to)}`)
      await real.copyFile(from, to, mode)
      note(String(to), () => real.rm(to))
    },
    async rmdir(path) {
      step(`rmdir ${String(path)}`)
      await real.rmdir(path)
      note(String(path), () => real.mkdir(path))
    },
    async rm(path, options) {
      step(`rm ${String(path)}`)
      const shadow = await keepShadow(String(path))
      await real.rm(path, options)
      if (shadow !== undefined) note(String(path), () => real.link(shadow, String(path)))
    },
  }

  const index = createMemoryIndex(content, {
    beforeCommit: () => step('commit'),
    beforeRead: look,
  })

  return {
    fs,
    index,
    steps,
    failAfter(count, code) {
      failure = { at: steps.length + count + 1, code }
    },
    endAfter(count) {
      endBefore = steps.length + count
    },
    async losePower(isLost) {
      isOver = true
      for (const { shadow, lost } of written) {
        if (lost === 'bytes') await real.truncate(shadow, 0)
        if (lost === 'times') await real.utimes(shadow, 0, 0)
      }
      for (const { folder, undo } of changes.toReversed()) if (isLost(folder)) await undo()
    },
    async close() {
      isOver = true
      await Promise.allSettled(handles.map((handle) => handle.close()))
    },
  }
}

/** Returns an error of the form that Node throws. */
export function makeDiskError(code: string, what: string): Error {
  const [syscall = '', ...path] = what.split(' ')
  const error = new Error(`${code}: the disk does not, ${what}`)
  return Object.assign(error, { code, syscall, path: path.join(' ') })
}

/** Wraps the calls that only read; they fail once the process is over. */
function mapCalls(calls: FileSystem, look: () => void): FileSystem {
  return new Proxy(calls, {
    get: (target, name) => {
      const call: unknown = Reflect.get(target, name)
      if (typeof call !== 'function') return call
      return async (...values: unknown[]) => {
        look()
        return call.apply(target, values) as unknown
      }
    },
  })
}

interface HandleSteps {
  readonly sync: () => Promise<void>
  readonly datasync: () => Promise<void>
  readonly write: () => void
  readonly writeFile: () => void
  readonly utimes: () => void
  readonly look: () => void
}

function wrap(handle: StoreFile, steps: HandleSteps): StoreFile {
  return new Proxy(handle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'sync' || name === 'datasync') return steps[name]
      return (...values: unknown[]) => {
        if (name === 'write' || name === 'writev') steps.write()
        else if (name === 'writeFile' || name === 'utimes') steps[name]()
        else steps.look()
        return value.apply(target, values) as unknown
      }
    },
  })
}
