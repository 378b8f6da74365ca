/** The old or the new object is complete after a crash or a power loss between any two steps of a write. */
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import type { ContentFacts, ObjectContent } from '../../../../src/server/s3/body/object-content.ts'
import type {
  ObjectMetadata,
  ObjectStore,
  UploadInfo,
} from '../../../../src/server/s3/request/object-store.ts'
import {
  createFragileDisk,
  Crash,
  type FragileDisk,
  type Places,
} from '../../../support/server/fragile-disk.ts'
import type { StoreIndex } from '../../../../src/server/s3/filesystem/store-index.ts'
import type { IndexContent } from '../../../support/server/memory-index.ts'

const beforeMs = Date.parse('2026-11-23T16:33:27Z')
const afterMs = beforeMs + 60_000
const bucket = 'photos'

/** The scratch folder is in memory where the system has /dev/shm: the tests need no disk, and they make thousands of files. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const oldMetadata: ObjectMetadata = {
  contentType: 'text/plain',
  headers: { 'cache-control': 'no-cache' },
  userMetadata: { is: 'old' },
  tags: { state: 'old' },
}
const newMetadata: ObjectMetadata = {
  contentType: 'image/png',
  headers: {},
  userMetadata: { is: 'new' },
  tags: { state: 'new' },
}

function makeContent(text: string, facts: Partial<ContentFacts> = {}): ObjectContent {
  const checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT' } as const
  const value = createHash('sha256').update(text).digest('base64')
  const etag = createHash('md5').update(text).digest('hex')
  return {
    chunks: (async function* () {
      yield Buffer.from(text)
    })(),
    describe: () => ({ etag, checksum: { ...checksum, value }, ...facts }),
  }
}

const putOld = (store: ObjectStore, key: string, text = `old bytes of ${key}`): Promise<unknown> =>
  store.putObject(bucket, key, makeContent(text), { metadata: oldMetadata })
const putNew = (
  store: ObjectStore,
  key: string,
  text = `other, new bytes of ${key}`,
): Promise<unknown> => store.putObject(bucket, key, makeContent(text), { metadata: newMetadata })

interface Scenario {
  readonly key?: string
  prepare?(store: ObjectStore, root: string): Promise<unknown>
  change(store: ObjectStore): Promise<unknown>
  /** The clock does not move between the two. */
  readonly isInOneMoment?: boolean
}

async function beginUpload(store: ObjectStore): Promise<void> {
  const upload = await store.createUpload(bucket, 'a/b', { metadata: newMetadata })
  await store.putPart(upload, 1, makeContent('first part'))
  await store.putPart(upload, 2, makeContent('second part'))
}

async function findUpload(store: ObjectStore): Promise<UploadInfo> {
  const [upload] = await store.listUploads(bucket)
  if (!upload) throw new Error('there is no upload')
  return upload
}

/** Completes the upload in the same way as `completeMultipartUpload`. */
async function complete(store: ObjectStore): Promise<void> {
  const upload = await findUpload(store)
  const parts = await store.listParts(upload)
  const facts = { etag: 'd41d8cd98f00b204e9800998ecf8427e-2', partSizes: [10, 11] }
  await store.completeUpload(upload, parts, { facts })
}

/** Copies an object in the same way as `copyObject`. */
async function copy(store: ObjectStore, from: string, to: string): Promise<void> {
  const source = await store.openObject(bucket, from)
  if (!source) throw new Error('there is no source')
  const content = { object: source, range: undefined, facts: source.info, algorithm: undefined }
  try {
    await store.copyObject(bucket, to, content, { metadata: source.info.metadata })
  } finally {
    await source.close()
  }
}

async function beginUploadOfOnePart(store: ObjectStore): Promise<void> {
  const upload = await store.createUpload(bucket, 'a/b', { metadata: newMetadata })
  await store.putPart(upload, 3, makeContent('the only part'))
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'a put of a new key': { change: (store) => putNew(store, 'a/b') },
  'a put of a new key in existing folders': {
    key: 'other/new',
    change: (store) => putNew(store, 'other/new'),
  },
  'a put of a new key that cannot be a plain file': {
    key: 'a//b/',
    change: (store) => putNew(store, 'a//b/'),
  },
  'an overwrite': {
    prepare: (store) => putOld(store, 'a/b'),
    change: (store) => putNew(store, 'a/b'),
  },
  'an overwrite with the same size and time': {
    prepare: (store) => putOld(store, 'a/b', 'before'),
    change: (store) => putNew(store, 'a/b', 'behind'),
    isInOneMoment: true,
  },
  'an overwrite of a key that cannot be a plain file': {
    key: 'a//b',
    prepare: (store) => putOld(store, 'a//b'),
    change: (store) => putNew(store, 'a//b'),
  },
  'an overwrite of a file that was put there by hand': {
    prepare: async (_store, root) => {
      await mkdir(join(root, bucket, 'a'))
      await writeFile(join(root, bucket, 'a/b'), 'by hand')
      await utimes(join(root, bucket, 'a/b'), beforeMs / 1000, beforeMs / 1000)
    },
    change: (store) => putNew(store, 'a/b'),
  },
  'an overwrite of a key that can now be a plain file': {
    key: 'a',
    prepare: async (store) => {
      await putOld(store, 'a/b')
      await putOld(store, 'a')
      await store.deleteObject(bucket, 'a/b')
    },
    change: (store) => putNew(store, 'a'),
  },
  'a copy to a new key': { change: (store) => copy(store, 'other/one', 'a/b') },
  'a copy onto an existing key': {
    prepare: (store) => putOld(store, 'a/b'),
    change: (store) => copy(store, 'other/one', 'a/b'),
  },
  'the completion of an upload': { prepare: beginUpload, change: complete },
  'the completion of an upload of one part': { prepare: beginUploadOfOnePart, change: complete },
  'the completion of an upload onto an existing key': {
    prepare: async (store) => {
      await putOld(store, 'a/b')
      await beginUpload(store)
    },
    change: complete,
  },
  'the start of an upload': {
    change: (store) => store.createUpload(bucket, 'a/b', { metadata: newMetadata }),
  },
  'an upload of a part': {
    prepare: beginUpload,
    change: async (store) => store.putPart(await findUpload(store), 3, makeContent('third part')),
  },
  'a part that replaces another': {
    prepare: beginUpload,
    change: async (store) => store.putPart(await findUpload(store), 2, makeContent('better part')),
  },
  'the removal of an upload': {
    prepare: beginUpload,
    change: async (store) => store.removeUpload(await findUpload(store)),
  },
  'a delete': {
    prepare: (store) => putOld(store, 'a/b'),
    change: (store) => store.deleteObject(bucket, 'a/b'),
  },
  'a delete of a key that cannot be a plain file': {
    key: 'a//b',
    prepare: (store) => putOld(store, 'a//b'),
    change: (store) => store.deleteObject(bucket, 'a//b'),
  },
  'a delete of a key that an earlier crash left in two places': {
    key: 'a',
    prepare: async (store, root) => {
      await putOld(store, 'a/b')
      await putOld(store, 'a')
      await store.deleteObject(bucket, 'a/b')
      await writeFile(join(root, bucket, 'a'), 'newer')
      await utimes(join(root, bucket, 'a'), beforeMs / 1000, beforeMs / 1000)
    },
    change: (store) => store.deleteObject(bucket, 'a'),
  },
  'a change of tags': {
    prepare: (store) => putOld(store, 'a/b'),
    change: (store) => store.replaceTags(bucket, 'a/b', { state: 'changed' }),
  },
  'a change of tags right after an overwrite': {
    prepare: async (store) => {
      await putOld(store, 'a/b')
      await putNew(store, 'a/b')
    },
    change: (store) => store.replaceTags(bucket, 'a/b', undefined),
  },
}

/** Makes a bucket with versioning, and two versions of a key in it. */
async function putTwoVersions(store: ObjectStore): Promise<void> {
  await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
  await putOld(store, 'a/b')
  await putNew(store, 'a/b', 'second version')
}

/** Removes the version of `a/b` at a place of its list, the newest first. */
async function removeVersion(store: ObjectStore, at: number): Promise<void> {
  const options = { prefix: 'a/b', delimiter: '', keyMarker: '', limit: 10 }
  const entry = (await store.listVersions(bucket, options)).entries[at]
  if (!entry || entry.kind === 'prefix') throw new Error('there is no such version')
  const versionId = entry.kind === 'marker' ? entry.versionId : entry.info.versionId
  await store.deleteObject(bucket, 'a/b', { versionId })
}

const versionScenarios: Readonly<Record<string, Scenario>> = {
  'an overwrite that keeps the older version': {
    prepare: async (store) => {
      await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
      await putOld(store, 'a/b')
    },
    change: (store) => putNew(store, 'a/b'),
  },
  'an overwrite that keeps a file that was put there by hand': {
    prepare: async (store, root) => {
      await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
      await mkdir(join(root, bucket, 'a'))
      await writeFile(join(root, bucket, 'a/b'), 'by hand')
      await utimes(join(root, bucket, 'a/b'), beforeMs / 1000, beforeMs / 1000)
    },
    change: (store) => putNew(store, 'a/b'),
  },
  'an overwrite of the version null': {
    prepare: async (store) => {
      await putOld(store, 'a/b')
      await putTwoVersions(store)
      await store.writeBucketDocument(bucket, 'versioning', 'Suspended')
    },
    change: (store) => putNew(store, 'a/b', 'the new null'),
  },
  'a delete marker': {
    prepare: putTwoVersions,
    change: (store) => store.deleteObject(bucket, 'a/b'),
  },
  'the removal of the current version': {
    prepare: putTwoVersions,
    change: (store) => removeVersion(store, 0),
  },
  'the removal of an older version': {
    prepare: putTwoVersions,
    change: (store) => removeVersion(store, 1),
  },
  'the removal of a delete marker': {
    prepare: async (store) => {
      await putTwoVersions(store)
      await store.deleteObject(bucket, 'a/b')
    },
    change: (store) => removeVersion(store, 0),
  },
  'the removal of the only version': {
    prepare: async (store) => {
      await store.writeBucketDocument(bucket, 'versioning', 'Enabled')
      await putOld(store, 'a/b')
    },
    change: (store) => removeVersion(store, 0),
  },
  'a change of the tags of an older version': {
    prepare: putTwoVersions,
    async change(store) {
      const options = { prefix: 'a/b', delimiter: '', keyMarker: '', limit: 10 }
      const [, entry] = (await store.listVersions(bucket, options)).entries
      if (entry?.kind !== 'object') throw new Error('there is no older version')
      await store.replaceTags(bucket, 'a/b', { state: 'changed' }, entry.info.versionId)
    },
  },
}

/** What a crash loses, as a function that says which folders had not reached the disk with their names. */
const losses: Readonly<Record<string, ((folder: string) => boolean) | undefined>> = {
  'no power loss': undefined,
  'a power loss': () => true,
  'a power loss after the versions are on disk': (folder) => !folder.includes('/versions'),
  'a power loss after the current files are on disk': (folder) => folder.includes('/versions'),
}

interface Run {
  readonly root: string
  readonly disk: FragileDisk
  readonly store: ObjectStore
  /** Opens the store as the next process does. */
  reopen(): Promise<ObjectStore>
}

/** Opens a store, and then more stores on the same folder. */
async function withStore<T>(
  places: Places,
  nowMs: number,
  content: IndexContent,
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const disks: FragileDisk[] = []
  const open = async (ms: number): Promise<{ disk: FragileDisk; store: ObjectStore }> => {
    const shadows = join(places.shadows, String(disks.length))
    await mkdir(shadows, { recursive: true })
    const disk = createFragileDisk({ root: places.root, shadows }, content)
    disks.push(disk)
    const openIndex = async (): Promise<StoreIndex> => disk.index
    const options = { nowMs: () => ms, fs: disk.fs, openIndex, isOnlyOne: true }
    return { disk, store: await openFilesystemStore(places.root, options) }
  }
  try {
    const reopen = async (): Promise<ObjectStore> => (await open(afterMs + 1000)).store
    return await use({ ...(await open(nowMs)), root: places.root, reopen })
  } finally {
    for (const disk of disks) await disk.close()
  }
}

/** Prepares a scenario once; every run of it starts with new names (hard links) of the same files. */
async function prepareScenario({ prepare, isInOneMoment }: Scenario, folder: string) {
  const template = join(folder, 'template')
  const templateIndex: IndexContent = new Map()
  await withStore(
    { root: template, shadows: join(folder, 'made') },
    beforeMs,
    templateIndex,
    async ({ store }) => {
      await store.createBucket(bucket)
      await putOld(store, 'other/one')
      await putOld(store, '.')
      await prepare?.(store, template)
    },
  )
  let runs = 0
  return <T>(use: (run: Run) => Promise<T>): Promise<T> => {
    const own = join(folder, String((runs += 1)))
    const places = { root: join(own, 'store'), shadows: join(own, 'shadows') }
    linkTree(template, places.root)
    const index: IndexContent = new Map(templateIndex)
    return withStore(places, isInOneMoment === true ? beforeMs : afterMs, index, use)
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) linkTree(source, target)
    else linkSync(source, target)
  }
}

/** Returns everything that a client can see of one key, of its uploads and of the other keys. */
async function describeStore(store: ObjectStore, key: string) {
  // A key whose newest version is a delete marker has no object.
  const stored = await store.statObject(bucket, key).catch(() => undefined)
  const info = stored && withoutId(stored)
  const object = await store.openObject(bucket, key).catch(() => undefined)
  const bytes = object && (await object.readAll()).toString()
  const { entries } = await store.listObjects(bucket, {
    prefix: '',
    delimiter: '',
    after: '',
    limit: 1000,
  })
  const uploads = await Promise.all(
    (await store.listUploads(bucket)).map(async (upload) => {
      const parts = await store.listParts(upload)
      // A part of this store has the path of its file.
      const texts = parts.map((part) => readFile(String(Reflect.get(part, 'path')), 'utf8'))
      const named = parts.map((part) => ({ ...part, path: undefined, generation: undefined }))
      return { ...upload, uploadId: undefined, parts: named, texts: await Promise.all(texts) }
    }),
  )
  const own = entries
    .filter(({ name }) => name === key)
    .map((entry) => entry.kind === 'object' && withoutId(entry.info))
  const versions = await describeVersions(store, key)
  const rest = await Promise.all(
    entries
      .filter(({ name }) => name !== key)
      .map(async (entry) => {
        const opened = await store.openObject(bucket, entry.name)
        return { entry, text: opened && (await opened.readAll()).toString() }
      }),
  )
  return { object: { info, bytes, own, versions }, uploads, rest }
}

/** IDs are random. */
function withoutId<T extends { readonly versionId?: string | undefined }>(info: T) {
  const { versionId, ...rest } = info
  return { ...rest, isNull: versionId === 'null', hasId: versionId !== undefined }
}

async function describeVersions(store: ObjectStore, key: string) {
  const options = { prefix: key, delimiter: '', keyMarker: '', limit: 10 }
  const { entries } = await store.listVersions(bucket, options)
  return Promise.all(
    entries
      .filter(({ name }) => name === key)
      .map(async (entry) => {
        if (entry.kind !== 'object') return entry.kind === 'marker' ? withoutId(entry) : entry
        const { info, isLatest } = entry
        const object = await store.openObject(bucket, key, info.versionId)
        return {
          info: withoutId(info),
          isLatest,
          text: object && (await object.readAll()).toString(),
        }
      }),
  )
}

type Description = Awaited<ReturnType<typeof describeStore>>

async function checkWhole(
  found: Description,
  {
    before,
    after,
    outcome,
  }: { before: Description; after: Description; outcome: 'done' | 'ended' },
): Promise<void> {
  expect(found.rest).toEqual(before.rest)
  if (outcome === 'done') {
    expect(found).toEqual(after)
    return
  }
  expect([before.object, after.object]).toContainEqual(found.object)
  expect([before.uploads, after.uploads]).toContainEqual(found.uploads)
  // the new object is there before its upload is removed
  if (found.uploads.length < before.uploads.length) expect(found.object).toEqual(after.object)
}

describe.each(Object.entries({ ...scenarios, ...versionScenarios }))('%s', (title, scenario) => {
  const key = scenario.key ?? 'a/b'
  let folder: string
  let run: Awaited<ReturnType<typeof prepareScenario>>
  let before: Description
  let after: Description
  let steps: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(scratch, 'sts-cli-crash-'))
    run = await prepareScenario(scenario, folder)
    before = await run(({ store }) => describeStore(store, key))
    await run(async ({ store, disk }) => {
      const stepsOfStart = disk.steps.length
      await scenario.change(store)
      steps = disk.steps.slice(stepsOfStart)
      after = await describeStore(store, key)
    })
  })
  afterAll(() => rm(folder, { recursive: true }))

  it.concurrent.each(Object.entries(losses))(
    `${title} is complete or absent after a crash at any step, with %s`,
    async (_loss, isLost) => {
      expect(after).not.toEqual(before)
      for (let step = 0; step <= steps.length; step += 1) {
        // a power loss leaves the same of an unsynced file, whatever was written to it
        if (isLost && /^(open|write|utimes) /.test(steps[step - 1] ?? '')) continue
        await run(async ({ root, disk, store: first, reopen }) => {
          disk.endAfter(step)
          const outcome = await scenario.change(first).then(
            () => 'done' as const,
            () => 'ended' as const,
          )
          // What is left to clean up does not delay the answer.
          if (step === steps.length) expect(outcome).toBe('done')
          if (isLost) await disk.losePower(isLost)
          const store = await reopen()
          expect(await readdir(join(root, '.sts-cli/tmp'))).toEqual([])
          await checkWhole(await describeStore(store, key), { before, after, outcome })
          if (!isLost) await checkUse({ store, reopen }, key, before.rest)
        })
      }
    },
    60_000,
  )

  it(`${title} is complete or absent after a disk error at any step, and leaves nothing behind`, async () => {
    for (let step = 0; step < steps.length; step += 1) {
      await run(async ({ root, disk, store, reopen }) => {
        const files = listFiles(root)
        disk.failAfter(step, 'EIO')
        const refusal: unknown = await scenario.change(store).catch((error: unknown) => error)
        disk.failAfter(-1, '')
        // the same process continues
        const found = await describeStore(store, key)
        await checkWhole(found, { before, after, outcome: 'ended' })
        if (refusal instanceof Error) expect(refusal).toMatchObject({ code: 'XMinioBackendDown' })
        else expect(found).toEqual(after)
        // the next start removes what the store did but could not clean up
        if (isDeepStrictEqual(found, before)) {
          expect(listFiles(root).filter((name) => !files.includes(name))).toEqual([])
        }
        expect(await describeStore(await reopen(), key)).toEqual(found)
        await checkUse({ store, reopen }, key, before.rest)
      })
    }
  }, 60_000)
})

/** Returns every file of the store, and every folder that a client could see. */
function listFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || !entry.parentPath.includes('.sts-cli'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

/** Checks that the key can be written, read and deleted as if nothing had happened. */
async function checkUse(
  { store, reopen }: Pick<Run, 'store' | 'reopen'>,
  key: string,
  rest: Description['rest'],
): Promise<void> {
  await putNew(store, key, 'later')
  const object = { bytes: 'later', info: { metadata: newMetadata } }
  expect(await describeStore(store, key)).toMatchObject({ object, rest })
  await store.deleteObject(bucket, key)
  const found = await describeStore(await reopen(), key)
  expect(found).toMatchObject({ object: { info: undefined, bytes: undefined, own: [] }, rest })
}

it('the test disk refuses every call after a crash, also the calls that would clean up', async () => {
  const folder = await mkdtemp(join(scratch, 'sts-cli-crash-'))
  const run = await prepareScenario({ change: async () => {} }, folder)
  await run(async ({ store, disk }) => {
    disk.endAfter(1)
    await expect(putNew(store, 'a')).rejects.toBeInstanceOf(Crash)
    await expect(store.listBuckets()).rejects.toBeInstanceOf(Crash)
    await expect(store.deleteObject(bucket, 'other/one')).rejects.toBeInstanceOf(Crash)
  })
  await rm(folder, { recursive: true })
})
