/**
 * The file system by synchronous calls. Most calls of a store take microseconds, because what they ask for is in the kernel's caches; through
 * Node's thread pool each costs ten times that in processor time. Calls that wait for the disk by their nature stay asynchronous: syncs, large reads and
 * large writes. Where other calls are slow too, as on a network file system, all become asynchronous.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import * as promises from 'node:fs/promises'
import { promisify } from 'node:util'
import { errorCode } from '../../../base/error-code.ts'
import { FastFile } from './fast-file.ts'
import { createPace, type Pace } from './pace.ts'
import type { FileSystem, QuickCalls } from './file-system.ts'

/** Returns the calls of `node:fs/promises`, made synchronously until they are found to be slow. */
export function createFastFileSystem(pace: Pace = createPace(() => performance.now())): FileSystem {
  const choose =
    <Args extends unknown[], T>(
      quick: (...args: Args) => T,
      slow: (...args: Args) => Promise<T>,
    ): ((...args: Args) => Promise<T>) =>
    async (...args) =>
      pace.isSlow() ? slow(...args) : pace.time(() => quick(...args))
  const quickCalls: QuickCalls = {
    realpath: (path) => pace.time(() => fs.realpathSync.native(path)),
    lstat: (path) => pace.time(() => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })),
    open(path, flags) {
      const handle = new FastFile(
        pace.time(() => fs.openSync(path, flags)),
        pace,
      )
      return { handle, stats: handle.statAtOnce() }
    },
  }
  /** Renames under way that replace a file. */
  let replacing = 0
  return {
    ...promises,
    findQuickCalls: () => (pace.isSlow() ? undefined : quickCalls),
    lstat: choose(fs.lstatSync as never, promises.lstat as never) as FileSystem['lstat'],
    mkdir: choose(fs.mkdirSync as never, promises.mkdir as never) as FileSystem['mkdir'],
    realpath: choose(
      fs.realpathSync.native as never,
      promises.realpath as never,
    ) as FileSystem['realpath'],
    link: choose(fs.linkSync, promises.link),
    async rename(from, to) {
      if (!pace.isSlow() && !fs.existsSync(to)) return fs.renameSync(from, to)
      // ext4 begins to write a file to disk when it takes another one's name. For a millisecond or more nobody creates a file in its folder.
      replacing += 1
      try {
        await promises.rename(from, to)
      } finally {
        replacing -= 1
      }
    },
    syncAll,
    rmdir: choose(fs.rmdirSync as never, promises.rmdir as never) as FileSystem['rmdir'],
    async open(path, given, mode) {
      const flags = given === undefined || given === 'r' ? readFlags : given
      if (pace.isSlow()) return promises.open(path, flags, mode)
      if (flags !== 'wx') {
        const fd = pace.time(() => fs.openSync(path, flags, mode))
        return new FastFile(fd, pace)
      }
      const fd =
        replacing === 0 ? fs.openSync(path, flags, mode) : await openLater(path, flags, mode)
      return new FastFile(fd, pace)
    },
  }
}

/** O_NONBLOCK: a synchronous open of a named pipe, in the place of a file, would stop the server for ever. */
const readFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK

const openLater = promisify<string, string, number | undefined, number>(fs.open)

/** Linux's command that syncs one file system (coreutils, busybox). Node has no call for it. */
const syncCommands = ['/bin/sync', '/usr/bin/sync']

/** Syncs the file system of a path. @returns False where there is no such command, or it failed. */
async function syncAll(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  for (const command of syncCommands) {
    const error = await new Promise<Error | null>((resolve) => {
      execFile(command, ['-f', path], { env: {} }, resolve)
    })
    if (error === null) return true
    if (errorCode(error) !== 'ENOENT') return false
  }
  return false
}
