/** Lists are right, whoever changes a folder, and a page reads no more than it shows. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  nodeFileSystem,
  type FileSystem,
} from '../../../../src/server/s3/filesystem/file-system.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'
import type { ListOptions } from '../../../../src/server/s3/request/object-lists.ts'

const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const options = { prefix: '', delimiter: '', after: '', limit: 1000 }
const metadata = { contentType: 'text/plain', headers: {}, userMetadata: {} }

let root: string
let store: ObjectStore
let fileClockMs: number
let calls: string[]

const fs: FileSystem = new Proxy(
  { ...nodeFileSystem },
  {
    get: (target, name: keyof FileSystem) => {
      if (!(name in target)) return undefined
      return (...values: unknown[]): unknown => {
        calls.push(name)
        return Reflect.apply(target[name] as (...given: unknown[]) => unknown, target, values)
      }
    },
  },
)

const open = (maxBytes?: number): Promise<ObjectStore> =>
  openFilesystemStore(root, {
    nowMs: () => 1_000_000_000_000,
    fs,
    listings: { fileClockMs: () => fileClockMs, maxBytes },
  })

beforeEach(async () => {
  calls = []
  // Long after every time that the file system notes.
  fileClockMs = Number.MAX_SAFE_INTEGER
  root = await mkdtemp(join(scratch, 'sts-cli-listings-'))
  store = await open()
  await store.createBucket('photos')
})
afterEach(() => rm(root, { recursive: true }))

const put = (key: string): Promise<unknown> =>
  store.putObject(
    'photos',
    key,
    {
      chunks: (async function* () {
        yield Buffer.from(key)
      })(),
      describe: () => ({ etag: 'd41d8cd98f00b204e9800998ecf8427e' }),
    },
    { metadata },
  )

async function list(given: Partial<ListOptions> = {}, from = store): Promise<string[]> {
  const { entries } = await from.listObjects('photos', { ...options, ...given })
  return entries.map(({ name }) => name)
}

/** Lists the slow way: every key, compared byte by byte. */
function listNaively(
  keys: readonly string[],
  { prefix, delimiter, after, limit }: ListOptions,
): { names: string[]; isTruncated: boolean } {
  const compare = (left: string, right: string): number =>
    Buffer.compare(Buffer.from(left), Buffer.from(right))
  const names = new Set<string>()
  for (const key of keys.toSorted(compare)) {
    if (!key.startsWith(prefix)) continue
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const name = at === -1 ? key : key.slice(0, at + delimiter.length)
    if (compare(name, after) > 0) names.add(name)
  }
  return { names: [...names].slice(0, limit), isTruncated: names.size > limit }
}

it('a list is the one of all keys in byte order, whatever the prefix, the delimiter and the page', async () => {
  const piece = fc.constantFrom('a', 'b', 'ab', '-', '0', '.', '..', 'ü', '\uff21', '😀', 'A', '')
  const long = fc.constantFrom('x'.repeat(230), 'ü'.repeat(100))
  const key = fc
    .array(fc.oneof({ weight: 9, arbitrary: piece }, { weight: 1, arbitrary: long }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((pieces) => pieces.join('/'))
    .filter((text) => text !== '')
  const text = fc.oneof(
    key,
    piece,
    key.map((whole) => whole.slice(0, -1)),
  )
  const query = fc.record({
    prefix: fc.oneof(fc.constant(''), text),
    delimiter: fc.constantFrom('', '/', '-', 'a', 'b/', '/a'),
    limit: fc.integer({ min: 1, max: 5 }),
  })
  const cases = fc.record({
    keys: fc.uniqueArray(key, { minLength: 1, maxLength: 10 }),
    queries: fc.array(query, { minLength: 5, maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ keys, queries }) => {
      for (const name of keys) await put(name)
      for (const { prefix, delimiter, limit } of queries) {
        for (let after = ''; ;) {
          const given = { prefix, delimiter, limit, after }
          const { entries, isTruncated } = await store.listObjects('photos', given)
          const names = entries.map(({ name }) => name)
          expect({ given, names, isTruncated }).toEqual({ given, ...listNaively(keys, given) })
          if (!isTruncated) break
          after = names.at(-1) ?? ''
        }
      }
      for (const name of keys) await store.deleteObject('photos', name)
    }),
    { numRuns: 15 },
  )
}, 60_000)

it('a second page of a folder that did not change does not read the folder', async () => {
  for (const key of ['a', 'b', 'c', 'd']) await put(key)
  expect(await list({ limit: 2 })).toEqual(['a', 'b'])
  calls = []
  expect(await list({ limit: 2, after: 'b' })).toEqual(['c', 'd'])
  expect(calls).not.toContain('readdir')
  // The folders of the list, and the two objects.
  expect(calls.filter((call) => call === 'lstat').length).toBeLessThanOrEqual(6)
})

it('a list shows at once what other processes and people add, replace, rename and remove', async () => {
  const folder = join(root, 'photos')
  const second = await open()
  let seconds = 1000.5
  /** Makes the last change one of a later tick than the change before it. */
  const tick = (name = ''): Promise<void> => utimes(join(folder, name), (seconds += 1), seconds)
  await put('a')
  await tick()
  expect(await list()).toEqual(['a'])
  await writeFile(join(folder, 'b'), 'by hand')
  await tick()
  expect(await list()).toEqual(['a', 'b'])
  await rename(join(folder, 'b'), join(folder, 'c'))
  await tick()
  expect(await list()).toEqual(['a', 'c'])
  await second.deleteObject('photos', 'a')
  await tick()
  expect(await list()).toEqual(['c'])
  await rm(join(folder, 'c'))
  await mkdir(join(folder, 'c'))
  await writeFile(join(folder, 'c/d'), 'by hand')
  await tick()
  expect(await list()).toEqual(['c/d'])
  expect(await list({ delimiter: '/' })).toEqual(['c/'])
  await rm(join(folder, 'c/d'))
  await tick('c')
  expect(await list()).toEqual([])
  expect(await list({ delimiter: '/' })).toEqual([])
})

it('a listing that was read within a tick of the last change is not trusted, because another change may have the same time', async () => {
  const folder = join(root, 'photos')
  await put('a')
  const { mtime, mtimeMs, atime } = await stat(folder)
  for (const ageMs of [0, 40]) {
    fileClockMs = mtimeMs + ageMs
    await list()
    await writeFile(join(folder, `after ${ageMs}`), 'in the same tick')
    await utimes(folder, atime, mtime)
    expect(await list()).toContain(`after ${ageMs}`)
  }
  // Some file systems store whole seconds only.
  await utimes(folder, 1000, 1000)
  fileClockMs = 1_002_000
  await list()
  await writeFile(join(folder, 'z'), 'in the same second')
  await utimes(folder, 1000, 1000)
  expect(await list()).toContain('z')
})

it('the memory for listings is bounded: a folder that does not fit is read again', async () => {
  store = await open(850)
  for (const key of ['a/1', 'b/1', 'b/2', 'c/1', ...'123456789'.split('').map((n) => `d/${n}`)])
    await put(key)
  const readings = async (prefix: string): Promise<number> => {
    calls = []
    await list({ prefix })
    return calls.filter((call) => call === 'readdir').length
  }
  await list({ prefix: 'a/' })
  expect(await readings('a/')).toBe(0)
  await list({ prefix: 'b/' })
  await list({ prefix: 'c/' })
  // Two more folders took its place.
  expect(await readings('a/')).toBe(1)
  await list({ prefix: 'd/' })
  expect(await readings('d/')).toBe(1)
})

it('a file is listed whose folder got its former modification time back, as rsync and tar leave it', async () => {
  const folder = join(root, 'photos', 'trip')
  await put('trip/a')
  const { atime, mtime } = await stat(folder)
  await utimes(folder, atime, mtime)
  expect(await list({ prefix: 'trip/' })).toEqual(['trip/a'])
  await writeFile(join(folder, 'b'), '')
  await utimes(folder, atime, mtime)
  expect(await list({ prefix: 'trip/' })).toEqual(['trip/a', 'trip/b'])
})

it('a page whose objects were all deleted while it was read is the next one', async () => {
  for (const key of ['a', 'b', 'c']) await put(key)
  const deleting: FileSystem = {
    ...nodeFileSystem,
    readdir: (async (...given: Parameters<FileSystem['readdir']>) => {
      const entries = await nodeFileSystem.readdir(...given)
      await rm(join(root, 'photos', 'a'), { force: true })
      await rm(join(root, 'photos', 'b'), { force: true })
      return entries
    }) as FileSystem['readdir'],
  }
  const other = await openFilesystemStore(root, { nowMs: () => 1_000_000_000_000, fs: deleting })
  const page = await other.listObjects('photos', { ...options, limit: 1 })
  expect(page.entries.map(({ name }) => name)).toEqual(['c'])
})

it('the memory for listings counts the paths of their folders, which deep ones make long', async () => {
  const prefixes = Array.from({ length: 20 }, (_, index) => `${'x'.repeat(200)}/${index}/`)
  for (const prefix of prefixes) await put(`${prefix}a`)
  const small = await open(20 * 600)
  for (const prefix of prefixes) await list({ prefix }, small)
  calls = []
  for (const prefix of prefixes) await list({ prefix }, small)
  expect(calls.filter((name) => name === 'readdir').length).toBe(20)
})
