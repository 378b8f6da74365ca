/** Versions of a key, held to a model of AWS's rules ("How S3 Versioning works"). */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKeyLocks } from '../../../../src/server/s3/filesystem/key-locks.ts'
import {
  openStoreIndex,
  type StoreIndex,
} from '../../../../src/server/s3/filesystem/store-index.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import { createFastFileSystem } from '../../../../src/server/s3/filesystem/fast-file-system.ts'
import type { ObjectContent } from '../../../../src/server/s3/body/object-content.ts'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'

const bucket = 'photos'
const metadata = { contentType: 'text/plain', headers: {}, userMetadata: {} }

function makeContent(text: string): ObjectContent {
  return {
    chunks: (async function* () {
      yield Buffer.from(text)
    })(),
    describe: () => ({ etag: createHash('md5').update(text).digest('hex') }),
  }
}

/** A version in the model, the newest first. */
interface ModelVersion {
  readonly id: string
  readonly text: string | undefined
  tags?: Record<string, string> | undefined
}

let folder: string
let store: ObjectStore
let nowMs: number
const open = (): Promise<ObjectStore> =>
  openFilesystemStore(folder, { nowMs: () => nowMs, isOnlyOne: true })
const readText = async (key: string, versionId?: string): Promise<string | undefined> => {
  const object = await store.openObject(bucket, key, versionId)
  return object && (await object.readAll()).toString()
}
const put = (key: string, text: string) =>
  store.putObject(bucket, key, makeContent(text), { metadata })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sts-cli-versions-'))
  nowMs = 1_700_000_000_000
  store = await open()
  await store.createBucket(bucket)
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

describe('a bucket with versioning', () => {
  // `a` and `a/b` cannot both be plain files.
  const keys = ['a', 'a/b', 'a\0b', 'a//', 'ä']
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      key: fc.constantFrom(...keys),
      large: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('delete' as const), key: fc.constantFrom(...keys) }),
    fc.record({
      kind: fc.constantFrom('deleteVersion' as const, 'tag' as const),
      key: fc.constantFrom(...keys),
      at: fc.nat(8),
    }),
    fc.record({
      kind: fc.constant('set' as const),
      status: fc.constantFrom('Enabled', 'Suspended'),
    }),
    fc.record({ kind: fc.constantFrom('reopen' as const, 'settle' as const, 'wait' as const) }),
  )

  it('any sequence of changes leaves the versions that AWS would have', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        runs += 1
        await store.close()
        await rm(folder, { recursive: true })
        store = await open()
        await store.createBucket(bucket)
        let status: string | undefined
        const model = new Map<string, ModelVersion[]>(keys.map((key) => [key, []]))
        let count = 0
        const replaceNull = (versions: ModelVersion[]): ModelVersion[] =>
          status === 'Enabled' ? versions : versions.filter(({ id }) => id !== 'null')
        for (const change of steps) {
          if (change.kind === 'set') {
            status = change.status
            await store.writeBucketDocument(bucket, 'versioning', status)
            continue
          }
          if (change.kind === 'wait') nowMs += 1
          if (change.kind === 'reopen') {
            await store.close()
            store = await open()
          }
          if (!('key' in change)) continue
          const { key } = change
          const versions = model.get(key) ?? []
          if (change.kind === 'put') {
            const text = change.large ? 'x'.repeat(200_000) + (count += 1) : `text ${(count += 1)}`
            const info = await put(key, text)
            const id = info.versionId ?? 'null'
            expect(id === 'null').toBe(status !== 'Enabled')
            model.set(key, [{ id, text }, ...replaceNull(versions)])
          } else if (change.kind === 'delete') {
            const result = await store.deleteObject(bucket, key)
            expect(result.isDeleteMarker).toBe(status === undefined ? undefined : true)
            const marker = { id: result.versionId ?? 'null', text: undefined }
            model.set(key, status === undefined ? [] : [marker, ...replaceNull(versions)])
          } else {
            const version = versions[change.at % Math.max(1, versions.length)]
            if (version === undefined) continue
            if (change.kind === 'deleteVersion') {
              const result = await store.deleteObject(bucket, key, { versionId: version.id })
              expect(result.isDeleteMarker ?? false).toBe(version.text === undefined)
              model.set(
                key,
                versions.filter((other) => other !== version),
              )
            } else if (version.text !== undefined) {
              const tags = { at: String((count += 1)) }
              expect(await store.replaceTags(bucket, key, tags, version.id)).toBe(true)
              version.tags = tags
            }
          }
        }
        await expectModel(model)
      }),
      { numRuns: 60 },
    )
    expect(runs).toBeGreaterThan(1)
  }, 120_000)

  async function expectModel(model: Map<string, ModelVersion[]>): Promise<void> {
    const { entries } = await listAll({ prefix: '', delimiter: '', limit: 1000 })
    const expected = [...model.entries()]
      .toSorted(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
      .flatMap(([key, versions]) =>
        versions.map(({ id, text }, index) => ({
          key,
          id,
          isMarker: text === undefined,
          isLatest: index === 0,
        })),
      )
    expect(entries.map(summarize)).toEqual(expected)
    for (const limit of [1, 3]) {
      const pages = await listAll({ prefix: '', delimiter: '', limit })
      expect(pages.entries.map(summarize)).toEqual(expected)
    }
    for (const [key, versions] of model) {
      for (const { id, text, tags } of versions) {
        if (text === undefined) {
          const refusal = { code: 'MethodNotAllowed', headers: { 'x-amz-delete-marker': 'true' } }
          await expect(store.statObject(bucket, key, id)).rejects.toMatchObject(refusal)
          continue
        }
        expect(await readText(key, id)).toBe(text)
        expect((await store.statObject(bucket, key, id))?.metadata.tags).toEqual(tags)
      }
      const [newest] = versions
      if (newest && newest.text === undefined) {
        const refusal = { code: 'NoSuchKey', headers: { 'x-amz-version-id': newest.id } }
        await expect(store.openObject(bucket, key)).rejects.toMatchObject(refusal)
      } else expect(await readText(key)).toBe(newest?.text)
    }
    const files = await readdir(join(folder, '.sts-cli'), { recursive: true, withFileTypes: true })
    const kept = files.filter((file) => file.isFile() && file.parentPath.includes('/versions/'))
    const older = [...model.values()].flatMap((versions) => versions.slice(1))
    expect(kept.length).toBe(older.filter(({ text }) => text !== undefined).length)
  }
})

type Entries = Awaited<ReturnType<ObjectStore['listVersions']>>['entries']

function summarize(entry: Entries[number]) {
  if (entry.kind === 'prefix') return entry
  const { name: key, isLatest } = entry
  const isMarker = entry.kind === 'marker'
  const id = entry.kind === 'marker' ? entry.versionId : (entry.info.versionId ?? 'null')
  return { key, id, isMarker, isLatest }
}

/** Lists all pages. */
async function listAll(options: {
  prefix: string
  delimiter: string
  limit: number
}): Promise<{ entries: Entries[number][] }> {
  const entries: Entries[number][] = []
  let marker: { keyMarker: string; versionIdMarker?: string } = { keyMarker: '' }
  for (;;) {
    const page = await store.listVersions(bucket, { ...options, ...marker })
    entries.push(...page.entries)
    const last = page.entries.at(-1)
    if (!page.isTruncated || !last) return { entries }
    const id =
      last.kind === 'prefix'
        ? undefined
        : last.kind === 'marker'
          ? last.versionId
          : (last.info.versionId ?? 'null')
    marker = { keyMarker: last.name, ...(id === undefined ? {} : { versionIdMarker: id }) }
  }
}

it('a list of versions rolls keys up to a delimiter, on every size of page', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/1', 'd']) await put(key, key)
  for (const key of ['a/1', 'c/1', 'd']) await store.deleteObject(bucket, key)
  const expected = ['a/', 'b', 'c/', 'd', 'd']
  for (const limit of [1, 2, 3, 1000]) {
    const { entries } = await listAll({ prefix: '', delimiter: '/', limit })
    expect(entries.map(({ name }) => name)).toEqual(expected)
  }
  const { entries } = await listAll({ prefix: 'c/', delimiter: '/', limit: 1 })
  expect(entries.map(({ name }) => name)).toEqual(['c/1', 'c/1', 'c/1'])
})

it('a bucket with versions or delete markers cannot be deleted', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  await put('a', 'a')
  const { versionId } = await store.deleteObject(bucket, 'a')
  await expect(store.deleteBucket(bucket)).rejects.toMatchObject({ code: 'BucketNotEmpty' })
  const { entries } = await listAll({ prefix: '', delimiter: '', limit: 10 })
  expect(entries.map(summarize)).toMatchObject([
    { isMarker: true, id: versionId },
    { isMarker: false },
  ])
  for (const entry of entries.map(summarize))
    if ('id' in entry) await store.deleteObject(bucket, 'a', { versionId: entry.id })
  await store.deleteBucket(bucket)
  expect(await store.listBuckets()).toEqual([])
})

it('a file that was put there by hand becomes the version null when it is replaced', async () => {
  const { writeFile } = await import('node:fs/promises')
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  await writeFile(join(folder, bucket, 'note'), 'by hand')
  const info = await put('note', 'by a client')
  expect(await readText('note')).toBe('by a client')
  expect(await readText('note', 'null')).toBe('by hand')
  await store.deleteObject(bucket, 'note', { versionId: info.versionId })
  expect(await readText('note')).toBe('by hand')
})

it('unknown versions are refused, and their removal succeeds', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  await put('a', 'a')
  const unknown = '0'.repeat(32)
  await expect(store.openObject(bucket, 'a', unknown)).rejects.toMatchObject({
    code: 'NoSuchVersion',
  })
  expect(await store.deleteObject(bucket, 'a', { versionId: unknown })).toEqual({
    versionId: unknown,
  })
  expect(await readText('a')).toBe('a')
})

const page = { prefix: '', delimiter: '', after: '', limit: 9 }

/** Opens the store again, with a disk on which the renames of versions wait. */
async function openWaiting(): Promise<{ reached: Promise<void>; go: () => void }> {
  await store.close()
  const fs = createFastFileSystem()
  let go = (): void => {}
  let reach = (): void => {}
  const waiting = new Promise<void>((resolve) => (go = resolve))
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const rename: typeof fs.rename = async (from, to) => {
    if (String(from).includes('/versions/')) {
      reach()
      await waiting
    }
    await fs.rename(from, to)
  }
  store = await openFilesystemStore(folder, {
    nowMs: () => nowMs,
    isOnlyOne: true,
    fs: { ...fs, rename },
  })
  return { reached, go }
}

for (const removed of ['the newest version', 'a delete marker'])
  it(`the version that becomes current can be read at any time while ${removed} is removed`, async () => {
    await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
    const { versionId } = await put('a', 'older')
    const newest =
      removed === 'a delete marker'
        ? await store.deleteObject(bucket, 'a')
        : await put('a', 'newest')
    const { reached, go } = await openWaiting()
    const removal = store.deleteObject(bucket, 'a', { versionId: newest.versionId })
    await reached
    expect(await readText('a', versionId)).toBe('older')
    expect((await store.statObject(bucket, 'a', versionId))?.versionId).toBe(versionId)
    go()
    await removal
    expect(await readText('a', versionId)).toBe('older')
    expect(await readText('a')).toBe('older')
  })

it('a version that a dead process was making current again is kept by the next write of another process', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  const { versionId } = await put('a', 'older')
  const marker = await store.deleteObject(bucket, 'a')
  const { reached } = await openWaiting()
  void store.deleteObject(bucket, 'a', { versionId: marker.versionId })
  await reached
  const other = await openFilesystemStore(folder, { nowMs: () => nowMs })
  expect((await other.statObject(bucket, 'a'))?.versionId).toBe(versionId)
  await other.putObject(bucket, 'a', makeContent('newest'), { metadata })
  const object = await other.openObject(bucket, 'a', versionId)
  expect((await object?.readAll())?.toString()).toBe('older')
  await other.close()
})

it('a bucket is not empty while a dead process was making a version current again', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  const { versionId } = await put('a', 'older')
  const marker = await store.deleteObject(bucket, 'a')
  const { reached } = await openWaiting()
  void store.deleteObject(bucket, 'a', { versionId: marker.versionId })
  await reached
  const other = await openFilesystemStore(folder, { nowMs: () => nowMs })
  await expect(other.deleteBucket(bucket)).rejects.toMatchObject({ code: 'BucketNotEmpty' })
  expect((await other.listObjects(bucket, page)).entries).toMatchObject([{ name: 'a' }])
  await other.deleteObject(bucket, 'a', { versionId })
  await other.deleteBucket(bucket)
  await other.close()
})

it('names beyond the limits of the index are in no list, and missing keys with many NULs are missing', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  await put('a', 'a')
  await store.deleteObject(bucket, 'a')
  const long = 'a'.repeat(5000)
  const all = { ...page, keyMarker: '', versionIdMarker: undefined }
  expect(await store.listVersions(bucket, { ...all, prefix: long })).toMatchObject({ entries: [] })
  expect(await store.listVersions(bucket, { ...all, keyMarker: long })).toMatchObject({
    entries: [],
  })
  const before = { ...all, keyMarker: '\0'.repeat(3000) }
  expect((await store.listVersions(bucket, before)).entries).toHaveLength(2)
  const ofVersion = { ...all, keyMarker: long, versionIdMarker: 'f'.repeat(1024) }
  expect(await store.listVersions(bucket, ofVersion)).toMatchObject({ entries: [] })
  const key = '\0'.repeat(1024)
  expect(await store.openObject(bucket, key)).toBeUndefined()
  const { versionId } = await put(key, 'x')
  await store.deleteObject(bucket, key, { versionId })
  expect(await store.openObject(bucket, key)).toBeUndefined()
})

/** Opens an index that shows each entry as it was first read, until it is refreshed: as lmdb does within one turn of the event loop. */
async function openTurn(path: string): Promise<StoreIndex> {
  const index = await openStoreIndex(path)
  let seen = new Map<string, Buffer | undefined>()
  const forget = (): void => {
    seen = new Map()
    index.refresh()
  }
  return {
    ...index,
    get(key) {
      const name = key.toString('latin1')
      if (!seen.has(name)) seen.set(name, index.get(key))
      return seen.get(name)
    },
    commit: async (changes) => (await index.commit(changes), forget()),
    refresh: forget,
  }
}

it('a process that gets a lock sees what the process before has written under it', async () => {
  await store.close()
  const sharedLocks = createKeyLocks()
  const options = { nowMs: () => nowMs, sharedLocks, openIndex: openTurn }
  store = await openFilesystemStore(folder, options)
  const other = await openFilesystemStore(folder, options)
  await store.writeBucketDocument(bucket, 'versioning', 'Suspended')
  await put('a', 'first')
  expect((await other.statObject(bucket, 'a'))?.versionId).toBe('null')
  await store.deleteObject(bucket, 'a')
  await other.putObject(bucket, 'a', makeContent('second'), { metadata })
  const { entries } = await listAll({ prefix: '', delimiter: '', limit: 10 })
  expect(entries.map(summarize)).toMatchObject([{ id: 'null', isMarker: false, isLatest: true }])
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  const { versionId } = await other.putObject(bucket, 'a', makeContent('third'), { metadata })
  expect(versionId).not.toBe('null')
  await other.close()
})

it('a list of common prefixes does not read the versions below them', async () => {
  await store.close()
  let read = 0
  store = await openFilesystemStore(folder, {
    nowMs: () => nowMs,
    async openIndex(path) {
      const index = await openStoreIndex(path)
      const list: StoreIndex['list'] = (range) => {
        const entries = [...index.list(range)]
        read += entries.length
        return entries
      }
      return { ...index, list }
    },
  })
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  for (let at = 10; at < 60; at += 1) {
    await put(`${at}/a`, 'x')
    await store.deleteObject(bucket, `${at}/a`)
  }
  read = 0
  const { entries } = await listAll({ prefix: '', delimiter: '/', limit: 1000 })
  expect(entries).toHaveLength(50)
  expect(read).toBeLessThan(150)
})

it('a version whose file was lost does not hold up the removal of others, and can be removed', async () => {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  const ids: (string | undefined)[] = []
  for (const text of ['oldest', 'lost', 'newest']) ids.push((await put('a', text)).versionId)
  const [oldest, lost, newest] = ids
  const versions = join(folder, '.sts-cli', 'versions', bucket)
  for (const name of await readdir(versions, { recursive: true })) {
    const path = join(versions, name)
    if ((await stat(path)).isFile() && (await readFile(path, 'utf8')) === 'lost') await rm(path)
  }
  await store.deleteObject(bucket, 'a', { versionId: newest })
  expect(await store.openObject(bucket, 'a')).toBeUndefined()
  await expect(store.openObject(bucket, 'a', lost)).rejects.toMatchObject({ code: 'NoSuchVersion' })
  await store.deleteObject(bucket, 'a', { versionId: lost })
  expect(await readText('a')).toBe('oldest')
  expect(await readText('a', oldest)).toBe('oldest')
})
