/** The parts of an upload: their order, their pages, and what a page costs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Checksum, ObjectContent } from '../../../../src/server/s3/body/object-content.ts'
import {
  nodeFileSystem,
  type FileSystem,
} from '../../../../src/server/s3/filesystem/file-system.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import type { ObjectStore, UploadInfo } from '../../../../src/server/s3/request/object-store.ts'

let folder: string
let store: ObjectStore
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

beforeEach(async () => {
  calls = []
  folder = await mkdtemp(join(tmpdir(), 'sts-cli-parts-'))
  store = await openFilesystemStore(folder, { nowMs: () => 1_000_000, fs })
  await store.createBucket('photos')
})
afterEach(() => rm(folder, { recursive: true }))

const begin = (): Promise<UploadInfo> =>
  store.createUpload('photos', 'a', {
    metadata: { contentType: 'text/plain', headers: {}, userMetadata: {} },
  })

function makeContent(text: string, checksum?: Checksum): ObjectContent {
  return {
    chunks: (async function* () {
      yield Buffer.from(text)
    })(),
    describe: () => ({ etag: Buffer.from(text.padEnd(16, '.')).toString('hex'), checksum }),
  }
}

it('pages of the list of parts contain each part once, the newest of its number, in the order of the numbers', async () => {
  const uploads = fc.record({
    numbers: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 12 }),
    limit: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(uploads, async ({ numbers, limit }) => {
      const upload = await begin()
      const expected = new Map<number, unknown>()
      for (const [index, number] of numbers.entries())
        expected.set(number, await store.putPart(upload, number, makeContent(`version ${index}`)))
      const seen: unknown[] = []
      for (let after = 0; ;) {
        const page = await store.listParts(upload, { after, limit })
        seen.push(...page)
        if (page.length < limit) break
        after = page.at(-1)?.partNumber ?? 0
      }
      const inOrder = [...expected.keys()].toSorted((left, right) => left - right)
      expect(seen).toMatchObject(inOrder.map((number) => expected.get(number)))
      expect(await store.listParts(upload)).toEqual(seen)
    }),
    { numRuns: 20 },
  )
})

it('a listed part has the checksum that it was stored with, also for the next process', async () => {
  const upload = await begin()
  const checksum = { algorithm: 'CRC64NVME', value: 'AAECAwQFBgc=', type: 'FULL_OBJECT' } as const
  const part = await store.putPart(upload, 7, makeContent('with a checksum', checksum))
  const next = await openFilesystemStore(folder, { nowMs: () => 0 })
  expect(part).toMatchObject({ partNumber: 7, size: 15, checksum })
  expect(await next.listParts(upload)).toMatchObject([part])
})

it('a page of the list of parts opens no file, and reads only the folders of its own parts', async () => {
  const upload = await begin()
  for (let number = 50; number < 1000; number += 50)
    await store.putPart(upload, number, makeContent('part'))
  calls = []
  const page = await store.listParts(upload, { after: 449, limit: 4 })
  expect(page.map(({ partNumber }) => partNumber)).toEqual([450, 500, 550, 600])
  expect(calls).toEqual(['readdir', 'readdir', 'readdir', 'readdir'])
})
