/** The disk is full, read-only, forbidden, broken or overloaded: S3 answers with an error, the log names the place, health reports not ready. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  nodeFileSystem,
  type FileSystem,
} from '../../../../src/server/s3/filesystem/file-system.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import { openHarness, type Harness } from '../../../support/server/s3-harness.ts'
import { makeDiskError } from '../../../support/server/fragile-disk.ts'

type Call = keyof FileSystem
interface Failure {
  readonly code: string
  readonly isHit: (call: Call, path: string) => boolean
}

let failure: Failure | undefined
let calls: string[]

/** The real disk, except for the calls that fail. */
const fs: FileSystem = new Proxy(
  { ...nodeFileSystem },
  {
    get: (target, name: Call) => {
      if (!(name in target)) return undefined
      return async (...values: [string, ...unknown[]]) => {
        const call: Call = name === 'open' && values[1] !== 'wx' ? 'readFile' : name
        calls.push(`${call} ${values[0]}`)
        if (failure?.isHit(call, values[0])) {
          throw makeDiskError(failure.code, `${name} ${values[0]}`)
        }
        return Reflect.apply(target[name] as (...given: unknown[]) => unknown, target, values)
      }
    },
  },
)

const changing = new Set<Call>(['open', 'rename', 'mkdir', 'rm', 'rmdir'])
const failWrites = (code: string): void => {
  failure = { code, isHit: (call) => changing.has(call) }
}

beforeEach(() => {
  failure = undefined
  calls = []
})

describe('a request that fails on the disk', () => {
  let s3: Harness
  let logged: { facts: object; message: string }[]

  beforeEach(async () => {
    logged = []
    const note = (facts: object, message: string): void => void logged.push({ facts, message })
    s3 = await openHarness({ fs, log: { info: () => {}, warn: note, error: note } })
    await s3.send('PUT', '/photos')
    await s3.send('PUT', '/photos/secret-name', { body: 'before' })
  })
  afterEach(() => s3.close())

  it.each([
    ['ENOSPC', 507, 'XMinioStorageFull'],
    ['EDQUOT', 507, 'XMinioStorageFull'],
    ['EROFS', 503, 'XMinioBackendDown'],
    ['EACCES', 503, 'XMinioBackendDown'],
    ['EIO', 503, 'XMinioBackendDown'],
    ['EMFILE', 503, 'SlowDown'],
    ['ENFILE', 503, 'SlowDown'],
  ])('a disk error %s gets the status %i and the code %s', async (code, status, word) => {
    failWrites(code)
    const asked: [string, string, object][] = [
      ['PUT', '/photos/secret-name', { body: 'after' }],
      ['PUT', '/photos/new', { body: 'after' }],
      ['PUT', '/photos/copy', { headers: { 'x-amz-copy-source': '/photos/secret-name' } }],
      ['DELETE', '/photos/secret-name', {}],
      ['POST', '/photos/secret-name?uploads=', {}],
      ['PUT', '/videos', {}],
    ]
    for (const [method, target, ask] of asked) {
      const answer = await s3.send(method, target, ask)
      expect([target, answer.status, answer.code]).toEqual([target, status, word])
      expect(answer.text).not.toContain(s3.folder)
    }
    expect(logged.map(({ message }) => message)).toEqual(asked.map(() => 'the storage failed'))
    for (const { facts } of logged) {
      expect(facts).toMatchObject({ code, at: expect.stringMatching(/^(a|an|the) /) })
      expect(JSON.stringify(facts)).not.toContain('secret-name')
    }

    failure = undefined
    expect((await s3.send('GET', '/photos/secret-name')).text).toBe('before')
    expect((await s3.send('GET', '/photos/new')).status).toBe(404)
    expect((await s3.send('PUT', '/photos/new', { body: 'x' })).status).toBe(200)
    expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
  })

  it.each([
    ['GET', '/photos/secret-name'],
    ['HEAD', '/photos/secret-name'],
    ['GET', '/photos/'],
    ['GET', '/'],
  ])('a disk error is not reported as a missing object: %s %s', async (method, target) => {
    failure = { code: 'EIO', isHit: (call) => !changing.has(call) }
    expect(await s3.send(method, target)).toMatchObject({ status: 503 })
  })
})

describe('readiness', () => {
  let s3: Harness
  beforeEach(async () => {
    s3 = await openHarness({ fs })
    calls = []
  })
  afterEach(() => s3.close())
  const countWrites = (): number => calls.filter((call) => call.startsWith('open ')).length

  it('the readiness check writes to the disk at most every 5 seconds, however often it is called', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => s3.checkReady()))
    expect(answers).toEqual(answers.map(() => true))
    expect(countWrites()).toBe(1)
    s3.clock.nowMs += 4999
    await s3.checkReady()
    expect(countWrites()).toBe(1)
    s3.clock.nowMs += 1
    await s3.checkReady()
    expect(countWrites()).toBe(2)
    s3.clock.nowMs -= 3_600_000
    await s3.checkReady()
    expect(countWrites()).toBe(3)
    expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
  })

  it.each(['EROFS', 'EIO', 'ENOSPC', 'EACCES'])('readiness fails with error %s', async (code) => {
    expect(await s3.checkReady()).toBe(true)
    failWrites(code)
    s3.clock.nowMs += 5000
    expect(await s3.checkReady()).toBe(false)
    failure = undefined
    s3.clock.nowMs += 5000
    expect(await s3.checkReady()).toBe(true)
  })
})

describe('a start on a failing disk', () => {
  it.each([
    ['EROFS', 73, 'the file system is read-only', 'directory-unwritable'],
    ['EACCES', 73, 'permission denied', 'directory-unwritable'],
    ['ENOSPC', 73, 'no space left', 'disk-full'],
    ['EIO', 74, 'EIO', 'disk-failed'],
  ])('a start on a disk that reports %s exits with %i', async (code, exitCode, why, reason) => {
    const folder = await mkdtemp(join(tmpdir(), 'sts-cli-disk-'))
    try {
      // the folders exist from an earlier start
      await openFilesystemStore(folder, { nowMs: () => 0 })
      failure = { code, isHit: (call) => call === 'open' }
      await expect(openFilesystemStore(folder, { nowMs: () => 0, fs })).rejects.toMatchObject({
        exitCode,
        message: `cannot keep objects in ${folder} (${why})`,
        reason,
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
