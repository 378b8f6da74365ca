import { spawnSync } from 'node:child_process'
import { mkdir, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { withLock } from '../../src/client/with-lock.ts'
import { createIo, makeFolder, openStage, startMs, stsAnswer } from '../support/commands/harness.ts'

let directory: string
let file: string

beforeEach(async () => {
  directory = path.join(await makeFolder(), 'cache')
  file = path.join(directory, 'default.lock')
})

const io = createIo()
const lock = <T>(work: () => Promise<T>, timeoutMs = 10_000): Promise<T> =>
  withLock({ directory, name: 'default', timeoutMs, io }, work)

async function leaveLock(text: string, ageMs = 0): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(file, text)
  const then = (Date.now() - ageMs) / 1000
  await utimes(file, then, then)
}

/** The id of a process that has ended. */
function findDeadPid(): number {
  return spawnSync('true').pid
}

describe('the lock', () => {
  it('lets one work at a time, and is gone afterwards', async () => {
    let working = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, (working += 1))
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      working -= 1
    }
    await Promise.all(Array.from({ length: 5 }, () => lock(work)))
    expect(most).toBe(1)
    expect(await readdir(directory)).toEqual([])
  })

  it('is for its owner alone and names process and host', async () => {
    await lock(async () => {
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await stat(directory)).mode & 0o777).toBe(0o700)
    })
  })

  it('is released when the work fails, and the failure passes', async () => {
    await expect(
      lock(async () => {
        throw new Error('as the test says')
      }),
    ).rejects.toThrow('as the test says')
    expect(await readdir(directory)).toEqual([])
  })

  it('is taken over from a process that is gone', async () => {
    await leaveLock(`${findDeadPid()} ${hostname()}\n`)
    expect(await lock(async () => 'done')).toBe('done')
    expect(await readdir(directory)).toEqual([])
  })

  it('is taken over from a process that left it alone for a minute, though its number lives again', async () => {
    await leaveLock(`${process.pid} ${hostname()} word\n`, 61_000)
    expect(await lock(async () => 'done')).toBe('done')
    expect(await readdir(directory)).toEqual([])
  })

  it('is touched while it is held, so that long work keeps it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      await lock(async () => {
        const longAgo = Date.now() / 1000 - 55
        await utimes(file, longAgo, longAgo)
        vi.advanceTimersByTime(10_000)
        expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(50_000)
      })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is never seen without its holder’s name, however many want it', async () => {
    const seen = new Set<string>()
    await Promise.all(
      Array.from({ length: 8 }, () =>
        lock(async () => {
          seen.add((await readFile(file, 'utf8')).replace(/ \w+\n$/, ''))
        }),
      ),
    )
    expect([...seen]).toEqual([`${process.pid} ${hostname()}`])
  })

  it('that somebody else took over is not released by the one who had it', async () => {
    await lock(async () => {
      await writeFile(file, `${process.pid} ${hostname()} another\n`)
    })
    expect(await readFile(file, 'utf8')).toContain('another')
  })

  it('is released by a signal, which then ends the process', async () => {
    const listeners: ((name: NodeJS.Signals) => void)[] = []
    const ended: string[] = []
    const signalled = {
      listenForSignals: (
        names: readonly NodeJS.Signals[],
        listener: (name: NodeJS.Signals) => void,
      ) => {
        expect(names).toEqual(['SIGINT', 'SIGTERM', 'SIGHUP'])
        listeners.push(listener)
        return () => void listeners.pop()
      },
      endBySignal: (name: NodeJS.Signals) => void ended.push(name),
    }
    await withLock({ directory, name: 'default', timeoutMs: 1, io: signalled }, async () => {
      for (const listener of listeners) listener('SIGINT')
      expect(await readdir(directory)).toEqual([])
    })
    expect(ended).toEqual(['SIGINT'])
    expect(listeners).toEqual([])
  })

  it('is taken over from another host, or from nobody, after five minutes', async () => {
    await leaveLock('1 another-host\n', 301_000)
    expect(await lock(async () => 'done')).toBe('done')
    await leaveLock('', 301_000)
    expect(await lock(async () => 'done')).toBe('done')
  })

  it.each([
    ['a process that lives', `${process.pid} ${hostname()}\n`],
    ['another host', '1 another-host\n'],
    ['one who has not written yet', ''],
  ])('of %s is respected until the time is up', async (_whose, text) => {
    await leaveLock(text)
    await expect(lock(async () => 'done', 1)).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      hint: `if none runs, remove ${file}`,
    })
    expect(await readdir(directory)).toEqual(['default.lock'])
  })

  it('is done without where there can be none', async () => {
    await writeFile(directory, 'a file where the folder should be')
    expect(await lock(async () => 'done', 1)).toBe('done')
  })

  it('has a name that stays in the folder', async () => {
    await withLock({ directory, name: '../a b', timeoutMs: 1000, io }, async () => {
      expect(await readdir(directory)).toEqual(['___a_b.lock'])
    })
  })
})

describe('parallel runs', () => {
  it('of one profile make one call to the identity provider', async () => {
    const stage = await openStage()
    const runs = await Promise.all(Array.from({ length: 20 }, () => stage.ask(['creds'])))
    expect(new Set(runs.map(({ code, stdout }) => `${code} ${stdout}`)).size).toBe(1)
    expect(runs[0]?.code).toBe(0)
    expect(stage.idp.seen).toHaveLength(1)
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('that all want new credentials share those that were got while they waited', async () => {
    const stage = await openStage()
    await stage.ask(['login', '-q'])
    const now = startMs + 1000
    await Promise.all(Array.from({ length: 20 }, () => stage.ask(['login', '-q'], { now })))
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('of two profiles make two', async () => {
    const stage = await openStage()
    const profiles = ['a', 'b', 'a', 'b']
    for (const profile of ['a', 'b']) await stage.ask(['login', '-q', '-p', profile])
    const now = startMs + 3_600_000
    stage.sts.answer = stsAnswer(undefined, { expirationText: '2026-11-23T19:00:00Z' })
    await Promise.all(profiles.map((profile) => stage.ask(['creds', '-p', profile], { now })))
    expect(stage.idp.seen).toHaveLength(4)
  })
})
