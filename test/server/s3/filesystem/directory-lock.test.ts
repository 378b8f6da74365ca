/** Only one server uses a directory, whatever its path is and however many start at once. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as promises from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeMachine, readProcessStart } from '../../../../src/base/process/process-start.ts'
import {
  isHolderRunning,
  lockDirectory,
  releaseLock,
  takeLock,
  type Holder,
  type LockFiles,
} from '../../../../src/server/s3/filesystem/directory-lock.ts'
import { startServer } from '../../../../src/server/start-server.ts'

let folder: string
let lock: string

beforeEach(async () => {
  folder = await promises.realpath(await promises.mkdtemp(join(tmpdir(), 'sts-cli-lock-')))
  lock = join(folder, '.sts-cli/lock')
  await promises.mkdir(join(folder, '.sts-cli/tmp'), { recursive: true })
})
afterEach(() => promises.rm(folder, { recursive: true }))

const self = (): Holder => ({
  pid: process.pid,
  startedAt: readProcessStart(process.pid) ?? '',
  ...describeMachine(),
  word: 'a word',
})
const leaveLock = (holder: object): Promise<void> =>
  promises.writeFile(lock, `${JSON.stringify(holder)}\n`)

/** Starts a process that does nothing; the test kills it, and waits for it or not. */
async function startProcess(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  await once(child, 'spawn')
  return { child, pid: child.pid ?? 0 }
}

describe('a directory in use', () => {
  it('a second server on the same directory is refused with the process of the first, which keeps running', async () => {
    await using first = await startServer({ directory: folder, buckets: ['photos'] })
    const link = `${folder}-link`
    await promises.symlink(folder, link)
    try {
      for (const name of [folder, `${folder}/`, `${folder}/.sts-cli/..`, link]) {
        const second = startServer({ directory: name, buckets: ['videos'] })
        await expect(second).rejects.toMatchObject({
          code: 'ERR_CONFIG',
          exitCode: 78,
          message: expect.stringContaining(`in use by another server, process ${process.pid}`),
          reason: 'directory-in-use',
          details: { pid: process.pid, host: undefined },
        })
      }
    } finally {
      await promises.rm(link)
    }
    expect((await fetch(new URL('/minio/health/ready', first.url))).status).toBe(200)
    expect((await promises.readdir(folder)).toSorted()).toEqual(['.sts-cli', 'photos'])
  })

  it('a directory can be used again after its server has stopped', async () => {
    await (await startServer({ directory: folder })).stop()
    expect(await promises.readdir(join(folder, '.sts-cli'))).toEqual(['index', 'tmp'])
    await (await startServer({ directory: folder })).stop()
  })

  it('a start removes half-written files from the directory, and nothing else', async () => {
    await promises.mkdir(join(folder, '.sts-cli/uploads/photos/x'), { recursive: true })
    await promises.mkdir(join(folder, '.sts-cli/tmp/tree/below'), { recursive: true })
    for (const name of ['tmp/half', 'tmp/tree/below/half', 'uploads/photos/x/1.part'])
      await promises.writeFile(join(folder, '.sts-cli', name), 'half')
    await using server = await startServer({ directory: folder })
    expect((await fetch(new URL('/minio/health/ready', server.url))).status).toBe(200)
    expect(await promises.readdir(join(folder, '.sts-cli/tmp'))).toEqual([])
    expect(await promises.readdir(join(folder, '.sts-cli/uploads/photos/x'))).toEqual(['1.part'])
  })

  it('a second server that is refused removes nothing from the directory', async () => {
    const first = await startServer({ directory: folder })
    await promises.writeFile(join(folder, '.sts-cli/tmp/half'), 'of the first')
    await expect(startServer({ directory: folder })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    expect(await promises.readdir(join(folder, '.sts-cli/tmp'))).toEqual(['half'])
    await first.stop()
  })
})

describe('a lock', () => {
  it('a lock of a killed process is taken over at once', async () => {
    const { child, pid } = await startProcess()
    const startedAt = readProcessStart(pid)
    await leaveLock({ ...self(), pid, startedAt })
    await expect(lockDirectory(folder)).rejects.toThrow(`process ${pid}`)

    child.kill('SIGKILL')
    await once(child, 'exit')
    const release = await lockDirectory(folder)
    await expect(lockDirectory(folder)).rejects.toThrow(`process ${process.pid}`)
    await release()
    expect(await promises.readdir(join(folder, '.sts-cli'))).toEqual(['tmp'])
  })

  it('a lock is taken over if another process has its process ID now', async () => {
    if (process.platform !== 'linux') return
    await leaveLock({ ...self(), startedAt: '1' })
    const release = await lockDirectory(folder)
    expect(await promises.readFile(lock, 'utf8')).toContain(describeMachine().boot)
    await release()
  })

  it('a lock from an earlier boot of this machine is taken over', async () => {
    if (process.platform !== 'linux') return
    await leaveLock({ ...self(), boot: 'an earlier one' })
    const release = await lockDirectory(folder)
    expect(await promises.readFile(lock, 'utf8')).toContain(describeMachine().boot)
    await release()
  })

  it('a lock of another host is refused, and the error has the file to remove', async () => {
    const holder = { ...self(), host: 'far.example.com', boot: 'another', pid: 7 }
    await leaveLock(holder)
    await expect(lockDirectory(folder)).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('process 7 on the host far.example.com'),
      details: { pid: 7, host: 'far.example.com', path: lock },
    })
    expect(JSON.parse(await promises.readFile(lock, 'utf8'))).toEqual(holder)
  })

  it.each(['', 'x', '{}', '{"pid":1}', '[]'])('a lock file with %j is refused', async (text) => {
    await promises.writeFile(lock, text)
    await expect(lockDirectory(folder)).rejects.toMatchObject({
      exitCode: 78,
      reason: 'directory-locked',
      details: { path: lock },
    })
    expect(await promises.readFile(lock, 'utf8')).toBe(text)
  })

  it('a lock of another container on this machine is valid while its heartbeat is recent', () => {
    const here = describeMachine()
    const there = { ...self(), ...here, host: 'container', boot: here.boot, namespace: 'pid:[1]' }
    if (here.boot === '') return
    expect(isHolderRunning(there, 4000)).toBe(true)
    expect(isHolderRunning(there, 60_000)).toBe(false)
    expect(isHolderRunning({ ...there, host: hostname() }, 4000)).toBe(true)
  })
})

/** Runs synchronously, so that only the scheduler decides the order. */
const immediate = {
  link: (from: string, to: string) => fs.linkSync(from, to),
  rename: (from: string, to: string) => fs.renameSync(from, to),
  rm: (path: string) => fs.rmSync(path, { force: true }),
  stat: (path: string) => fs.statSync(path),
  readdir: (path: string) => fs.readdirSync(path),
  readFile: (path: string) => fs.readFileSync(path, 'utf8'),
  open: (path: string) => {
    const descriptor = fs.openSync(path, 'wx')
    return {
      writeFile: async (text: string) => fs.writeFileSync(descriptor, text),
      sync: async () => {},
      close: async () => fs.closeSync(descriptor),
    }
  },
}

/** Calls whose order the scheduler chooses; the calls of a dead process never return. */
function schedule(wait: () => Promise<unknown>, isDead: () => boolean): LockFiles {
  const calls = Object.entries(immediate).map(([name, call]) => {
    const later = async (...values: string[]): Promise<unknown> => {
      await wait()
      if (isDead()) await new Promise(() => {})
      return (call as (...given: string[]) => unknown)(...values)
    }
    return [name, later]
  })
  return Object.fromEntries(calls) as LockFiles
}

const contenders = ['a', 'b', 'c', 'd']

interface Play {
  readonly scheduler: fc.Scheduler
  /** What each process does once it holds the lock. */
  readonly fates: readonly string[]
  /** The turn of the scheduler in which a process dies, by the name of the process. */
  readonly deaths: Readonly<Record<string, number>>
  /** The number of holders that are already dead. */
  readonly dead: number
}

async function play({ scheduler, fates, deaths, dead }: Play) {
  const root = await promises.mkdtemp(join(folder, 'run-'))
  await promises.mkdir(join(root, '.sts-cli/tmp'), { recursive: true })
  const alive = new Set<string>()
  const holding = new Set<string>()
  let most = 0
  let taken = 0
  const wait = (): Promise<unknown> => scheduler.schedule(Promise.resolve())
  const makeOptions = (word: string, files: LockFiles) => ({
    root,
    self: { ...self(), word },
    files,
    isRunning: (holder: Holder) => alive.has(holder.word),
  })
  for (const word of ['x', 'y'].slice(0, dead)) await takeLock(makeOptions(word, promises))

  contenders.forEach((word) => alive.add(word))
  for (const [index, word] of contenders.entries()) {
    const options = makeOptions(
      word,
      schedule(wait, () => !alive.has(word)),
    )
    const compete = async (): Promise<void> => {
      if ((await takeLock(options)) !== undefined) return
      taken += 1
      holding.add(word)
      most = Math.max(most, [...holding].filter((name) => alive.has(name)).length)
      if (fates[index] === 'dies') alive.delete(word)
      if (fates[index] !== 'gives back') return
      await wait()
      if (!alive.has(word)) return
      holding.delete(word)
      await releaseLock(options)
    }
    void compete()
  }
  for (let turn = 0; scheduler.count() > 0; turn += 1) {
    for (const word of contenders) if (deaths[word] === turn) alive.delete(word)
    await scheduler.waitOne()
    await new Promise((resolve) => setImmediate(resolve))
  }
  alive.clear()
  alive.add('next')
  const next = await takeLock(makeOptions('next', promises))
  return { most, taken, next, names: await promises.readdir(join(root, '.sts-cli')) }
}

it('at most one process holds the lock, in whatever order processes try, die and release it', async () => {
  const fate = fc.constantFrom('keeps', 'gives back', 'dies')
  const fates = fc.array(fate, { minLength: contenders.length, maxLength: contenders.length })
  const deaths = fc.dictionary(fc.constantFrom(...contenders), fc.nat({ max: 60 }), { maxKeys: 2 })
  const plays = fc.record({ scheduler: fc.scheduler(), fates, deaths, dead: fc.nat({ max: 2 }) })
  await fc.assert(
    fc.asyncProperty(plays, async (drawn) => {
      const { most, taken, next, names } = await play(drawn)
      expect(most).toBeLessThanOrEqual(1)
      if (Object.keys(drawn.deaths).length === 0) expect(taken).toBeGreaterThan(0)
      // a process that starts when all others are dead gets the lock at once
      expect(next).toBeUndefined()
      expect(names.toSorted()).toEqual(['lock', 'tmp'])
    }),
    { numRuns: 300 },
  )
}, 60_000)
