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

/** Returns the id of a process that has ended. */
function findDeadPid(): number {
  return spawnSync('true').pid
}

/** Returns the path of the claim file that a process makes before it removes the lock with this text. */
function claimOf(text: string): string {
  return `${file}.${text.replaceAll(/[^A-Za-z0-9]/g, '_')}.claim`
}

describe('lock', () => {
  it('a lock admits one holder at a time and its file is removed afterwards', async () => {
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

  it('a lock file is readable only by its owner', async () => {
    await lock(async () => {
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await stat(directory)).mode & 0o777).toBe(0o700)
    })
  })

  it('a lock is released when its work fails, and the error is passed on', async () => {
    await expect(
      lock(async () => {
        throw new Error('as the test says')
      }),
    ).rejects.toThrow('as the test says')
    expect(await readdir(directory)).toEqual([])
  })

  it('a lock is taken over from a process that has ended', async () => {
    await leaveLock(`${findDeadPid()} ${hostname()}\n`)
    expect(await lock(async () => 'done')).toBe('done')
    expect(await readdir(directory)).toEqual([])
  })

  it('a lock without a sign of life for a minute is taken over, even if its process id is in use again', async () => {
    await leaveLock(`${process.pid} ${hostname()} word\n`, 61_000)
    expect(await lock(async () => 'done')).toBe('done')
    expect(await readdir(directory)).toEqual([])
  })

  it('a held lock updates the time of its file, so that long work keeps it', async () => {
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

  it('a lock file always names its holder, even with many contenders', async () => {
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

  it('a holder does not release a lock that another process took over', async () => {
    await lock(async () => {
      await writeFile(file, `${process.pid} ${hostname()} another\n`)
    })
    expect(await readFile(file, 'utf8')).toContain('another')
  })

  it('a lock is released by a signal, which then ends the process', async () => {
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

  it('an abandoned lock is left alone while another process holds the claim to remove it', async () => {
    const text = `${findDeadPid()} ${hostname()} word\n`
    await leaveLock(text)
    await writeFile(claimOf(text), '')
    await expect(lock(async () => 'two at once', 100)).rejects.toThrow('holds the lock')
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('a claim older than a minute belongs to a killed process and does not keep an abandoned lock', async () => {
    const text = `${findDeadPid()} ${hostname()} word\n`
    await leaveLock(text)
    await writeFile(claimOf(text), '')
    const then = Date.now() / 1000 - 61
    await utimes(claimOf(text), then, then)
    expect(await lock(async () => 'done')).toBe('done')
    expect(await readdir(directory)).toEqual([])
  })

  it('a lock of another host, or without a holder, is taken over after five minutes', async () => {
    await leaveLock('1 another-host\n', 301_000)
    expect(await lock(async () => 'done')).toBe('done')
    await leaveLock('', 301_000)
    expect(await lock(async () => 'done')).toBe('done')
  })

  it.each([
    ['a running process', `${process.pid} ${hostname()}\n`],
    ['another host', '1 another-host\n'],
    ['a holder that has not written yet', ''],
  ])('a lock of %s is respected until the timeout', async (_whose, text) => {
    await leaveLock(text)
    await expect(lock(async () => 'done', 1)).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      reason: 'profile-locked',
      details: { path: file },
    })
    expect(await readdir(directory)).toEqual(['default.lock'])
  })

  it('withLock works without a lock where no lock file can be created', async () => {
    await writeFile(directory, 'a file where the folder should be')
    expect(await lock(async () => 'done', 1)).toBe('done')
  })

  it('the name of a lock file stays in the folder', async () => {
    await withLock({ directory, name: '../a b', timeoutMs: 1000, io }, async () => {
      expect(await readdir(directory)).toEqual(['___a_b.lock'])
    })
  })
})

describe('parallel commands', () => {
  it('parallel commands for one profile make one request to the identity provider', async () => {
    const stage = await openStage()
    const runs = await Promise.all(Array.from({ length: 20 }, () => stage.ask(['creds'])))
    expect(new Set(runs.map(({ code, stdout }) => `${code} ${stdout}`)).size).toBe(1)
    expect(runs[0]?.code).toBe(0)
    expect(stage.idp.seen).toHaveLength(1)
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('parallel logins share the credentials that one of them got', async () => {
    const stage = await openStage()
    await stage.ask(['login', '-q'])
    const now = startMs + 1000
    await Promise.all(Array.from({ length: 20 }, () => stage.ask(['login', '-q'], { now })))
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('parallel commands for two profiles make two requests', async () => {
    const stage = await openStage()
    const profiles = ['a', 'b', 'a', 'b']
    for (const profile of ['a', 'b']) await stage.ask(['login', '-q', '-p', profile])
    const now = startMs + 3_600_000
    stage.sts.answer = stsAnswer(undefined, { expirationText: '2026-11-23T19:00:00Z' })
    await Promise.all(profiles.map((profile) => stage.ask(['creds', '-p', profile], { now })))
    expect(stage.idp.seen).toHaveLength(4)
  })
})
