import { spawnSync } from 'node:child_process'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  findCacheDirectory,
  deleteCachedCredentials,
  readCachedCredentials,
  writeCachedCredentials,
  type CachedCredentials,
} from '../../src/client/credential-cache.ts'
import { makeFolder, startMs } from '../support/commands/harness.ts'

let directory: string

beforeEach(async () => {
  directory = path.join(await makeFolder(), 'deep', 'sts-cli')
})

function makeCached(over: Partial<CachedCredentials> = {}): CachedCredentials {
  return {
    version: 2,
    origin: {},
    accessKeyId: 'AKEY',
    secretAccessKey: 'secret',
    sessionToken: 'token',
    issuedAtMs: startMs,
    expiresAtMs: startMs + 3_600_000,
    expirationText: '2026-11-23T17:00:00Z',
    stsEndpoint: 'http://127.0.0.1:9000',
    profile: 'default',
    inputs: 'digest',
    ...over,
  }
}

const file = (): string => path.join(directory, 'profile-default.json')

describe('what is remembered', () => {
  it('comes back whole', () => {
    const value = makeCached()
    writeCachedCredentials(directory, value)
    expect(readCachedCredentials(directory, 'default')).toEqual(value)
    expect(readCachedCredentials(directory, 'other')).toBeUndefined()
  })

  it('is for its owner alone, file and folder, and leaves no other file', async () => {
    writeCachedCredentials(directory, makeCached())
    writeCachedCredentials(directory, makeCached({ accessKeyId: 'NEWER' }))
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(await readdir(directory)).toEqual(['profile-default.json'])
    expect(readCachedCredentials(directory, 'default')?.accessKeyId).toBe('NEWER')
  })

  it('is forgotten once', () => {
    writeCachedCredentials(directory, makeCached())
    expect(deleteCachedCredentials(directory, 'default')).toBe(true)
    expect(deleteCachedCredentials(directory, 'default')).toBe(false)
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it.each([
    ['../../etc/passwd'],
    ['a/b'],
    ['ü.ñ 😀'],
    [''],
    ['CON'],
    ['%41'],
    ['x'.repeat(150)],
    ['.'],
  ])('stays in the folder under the profile %j', async (profile) => {
    writeCachedCredentials(directory, makeCached({ profile }))
    expect(readCachedCredentials(directory, profile)?.profile).toBe(profile)
    expect(await readdir(directory)).toHaveLength(1)
  })

  it.each([
    [`${'x'.repeat(150)}1`, `${'x'.repeat(150)}2`],
    ['éa', '\u0e9a'],
  ])('of one profile is never another’s, even where their files are one', (one, two) => {
    writeCachedCredentials(directory, makeCached({ profile: one }))
    expect(readCachedCredentials(directory, one)).toBeDefined()
    expect(readCachedCredentials(directory, two)).toBeUndefined()
  })

  it('cannot be written where a file is in the way, and says what to do', async () => {
    await mkdir(path.dirname(directory))
    await writeFile(directory, '')
    expect(() => writeCachedCredentials(directory, makeCached())).toThrow(
      expect.objectContaining({
        code: 'ERR_CANNOT_CREATE',
        hint: 'use --cache none, or point XDG_CACHE_HOME at a folder you can write',
      }),
    )
  })
})

describe('a file is ignored', () => {
  beforeEach(() => writeCachedCredentials(directory, makeCached()))

  it.each([0o640, 0o604, 0o620, 0o610])('that others may reach: %o', async (mode) => {
    await chmod(file(), mode)
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it('that belongs to another user', () => {
    const own = process.getuid?.() ?? 0
    const who = vi.spyOn(process, 'getuid').mockReturnValue(own + 1)
    try {
      expect(readCachedCredentials(directory, 'default')).toBeUndefined()
      who.mockReturnValue(own)
      expect(readCachedCredentials(directory, 'default')).toBeDefined()
    } finally {
      who.mockRestore()
    }
  })

  it('that is a link', async () => {
    await rename(file(), path.join(directory, 'elsewhere.json'))
    await symlink(path.join(directory, 'elsewhere.json'), file())
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it.each([
    ['empty', () => ''],
    ['cut short', (text: string) => text.slice(0, -10)],
    ['no object', () => '[]'],
    ['null', () => 'null'],
    ['of a newer version', (text: string) => text.replace('"version":2', '"version":3')],
    ['of an older version', (text: string) => text.replace('"version":2', '"version":1')],
    ['without its origin', (text: string) => text.replace('"origin"', '"other"')],
    [
      'with an origin that is none',
      (text: string) => text.replace('"origin":{', '"origin":{"a":1'),
    ],
    ['without a member', (text: string) => text.replace('"sessionToken"', '"other"')],
    ['with a number for a text', (text: string) => text.replace('"AKEY"', '5')],
    ['with a text for a time', (text: string) => text.replace(`${startMs},`, '"soon",')],
    ['with a time beyond all times', (text: string) => text.replace(`${startMs},`, '1e300,')],
    ['longer than any answer', (text: string) => text.padEnd(128 * 1024 + 1)],
  ])('that is %s', async (_what, damage) => {
    const text = await readFile(file(), 'utf8')
    const damaged = damage(text)
    expect(damaged).not.toBe(text)
    await writeFile(file(), damaged)
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it('that is a folder', async () => {
    deleteCachedCredentials(directory, 'default')
    await mkdir(file())
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })
})

describe('what a killed process left', () => {
  const old = Date.now() / 1000 - 61

  async function leave(pid: number, ageSeconds: number): Promise<string> {
    await mkdir(directory, { recursive: true })
    const name = `profile-default.json.${pid}.x1y2.tmp`
    await writeFile(path.join(directory, name), '{"secretAccessKey":"half')
    const then = Date.now() / 1000 - ageSeconds
    await utimes(path.join(directory, name), then, then)
    return name
  }

  it.each<[string, () => unknown]>([
    ['writes', () => writeCachedCredentials(directory, makeCached({ profile: 'other' }))],
    ['forgets', () => deleteCachedCredentials(directory, 'other')],
  ])('goes with the next one that %s', async (_does, act) => {
    await leave(spawnSync('true').pid, 61)
    act()
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('stays while its process lives, and for a minute', async () => {
    const kept = [await leave(process.pid, 61), await leave(spawnSync('true').pid, 5)]
    writeCachedCredentials(directory, makeCached())
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual(
      kept.toSorted(),
    )
  })

  it('is told from other people’s files', async () => {
    writeCachedCredentials(directory, makeCached())
    const others = ['notes.tmp', 'profile-default.json.tmp', 'a.12x.b.tmp']
    for (const name of others) {
      await writeFile(path.join(directory, name), '')
      await utimes(path.join(directory, name), old, old)
    }
    deleteCachedCredentials(directory, 'default')
    expect((await readdir(directory)).toSorted()).toEqual(others.toSorted())
  })
})

describe('the folder', () => {
  it.each<[Record<string, string>, NodeJS.Platform, string | undefined]>([
    [{ HOME: '/h' }, 'linux', '/h/.cache/sts-cli'],
    [{ HOME: '/h', XDG_CACHE_HOME: '/x' }, 'darwin', '/x/sts-cli'],
    [{ HOME: '/h', XDG_CACHE_HOME: 'relative' }, 'linux', '/h/.cache/sts-cli'],
    [{ HOME: '/h', XDG_CACHE_HOME: '' }, 'linux', '/h/.cache/sts-cli'],
    [{ HOME: '' }, 'linux', undefined],
    [{}, 'linux', undefined],
    [{ HOME: '/h', LOCALAPPDATA: 'C:\\L' }, 'win32', 'C:\\L\\sts-cli'],
    [{ HOME: '/h' }, 'win32', undefined],
  ])('of %j on %s is %s', (env, platform, expected) => {
    expect(findCacheDirectory(env, platform)).toBe(expected)
  })
})
