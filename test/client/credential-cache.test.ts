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

describe('cache entry', () => {
  it('a cache entry reads back unchanged', () => {
    const value = makeCached()
    writeCachedCredentials(directory, value)
    expect(readCachedCredentials(directory, 'default')).toEqual(value)
    expect(readCachedCredentials(directory, 'other')).toBeUndefined()
  })

  it('the cache file and folder are readable only by their owner, without temporary files', async () => {
    writeCachedCredentials(directory, makeCached())
    writeCachedCredentials(directory, makeCached({ accessKeyId: 'NEWER' }))
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(await readdir(directory)).toEqual(['profile-default.json'])
    expect(readCachedCredentials(directory, 'default')?.accessKeyId).toBe('NEWER')
  })

  it('a cache entry is deleted once', () => {
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
  ])('a cache entry stays in the folder under the profile %j', async (profile) => {
    writeCachedCredentials(directory, makeCached({ profile }))
    expect(readCachedCredentials(directory, profile)?.profile).toBe(profile)
    expect(await readdir(directory)).toHaveLength(1)
  })

  it.each([
    [`${'x'.repeat(150)}1`, `${'x'.repeat(150)}2`],
    ['éa', '\u0e9a'],
  ])('a profile never reads the entry of another, even with the same file name', (one, two) => {
    writeCachedCredentials(directory, makeCached({ profile: one }))
    expect(readCachedCredentials(directory, one)).toBeDefined()
    expect(readCachedCredentials(directory, two)).toBeUndefined()
  })

  it('writing to a cache folder that is a file fails with a hint', async () => {
    await mkdir(path.dirname(directory))
    await writeFile(directory, '')
    expect(() => writeCachedCredentials(directory, makeCached())).toThrow(
      expect.objectContaining({
        code: 'ERR_CANNOT_CREATE',
        reason: 'cache-unwritable',
      }),
    )
  })
})

describe('ignored cache file', () => {
  beforeEach(() => writeCachedCredentials(directory, makeCached()))

  it.each([0o640, 0o604, 0o620, 0o610])(
    'a cache file that others can access is ignored: mode %i (decimal)',
    async (mode) => {
      await chmod(file(), mode)
      expect(readCachedCredentials(directory, 'default')).toBeUndefined()
    },
  )

  it('a cache file of another user is ignored', () => {
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

  it('a symbolic link in place of a cache file is ignored', async () => {
    await rename(file(), path.join(directory, 'elsewhere.json'))
    await symlink(path.join(directory, 'elsewhere.json'), file())
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it.each([
    ['that is empty', () => ''],
    ['that is cut short', (text: string) => text.slice(0, -10)],
    ['that is a list', () => '[]'],
    ['that is null', () => 'null'],
    ['of a newer version', (text: string) => text.replace('"version":2', '"version":3')],
    ['of an older version', (text: string) => text.replace('"version":2', '"version":1')],
    ['without its origin', (text: string) => text.replace('"origin"', '"other"')],
    [
      'with an origin that is invalid',
      (text: string) => text.replace('"origin":{', '"origin":{"a":1'),
    ],
    ['without a member', (text: string) => text.replace('"sessionToken"', '"other"')],
    ['with a number for a text', (text: string) => text.replace('"AKEY"', '5')],
    ['with a text for a time', (text: string) => text.replace(`${startMs},`, '"soon",')],
    ['with a time out of range', (text: string) => text.replace(`${startMs},`, '1e300,')],
    ['that is too long', (text: string) => text.padEnd(128 * 1024 + 1)],
  ])('a cache file %s is ignored', async (_what, damage) => {
    const text = await readFile(file(), 'utf8')
    const damaged = damage(text)
    expect(damaged).not.toBe(text)
    await writeFile(file(), damaged)
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })

  it('a folder in place of a cache file is ignored', async () => {
    deleteCachedCredentials(directory, 'default')
    await mkdir(file())
    expect(readCachedCredentials(directory, 'default')).toBeUndefined()
  })
})

describe('files of a killed process', () => {
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
    ['a write', () => writeCachedCredentials(directory, makeCached({ profile: 'other' }))],
    ['a deletion', () => deleteCachedCredentials(directory, 'other')],
  ])('%s removes temporary files of ended processes', async (_does, act) => {
    await leave(spawnSync('true').pid, 61)
    act()
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('a temporary file stays while its process runs, and for a minute', async () => {
    const kept = [await leave(process.pid, 61), await leave(spawnSync('true').pid, 5)]
    writeCachedCredentials(directory, makeCached())
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual(
      kept.toSorted(),
    )
  })

  it('a deletion leaves files with similar names', async () => {
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
