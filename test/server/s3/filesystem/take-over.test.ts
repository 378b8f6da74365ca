/** A folder of version 0.1.0 is taken over at the first start: its objects keep what was known about them. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'

let folder: string
const stores: ObjectStore[] = []
const open = async (): Promise<ObjectStore> => {
  const store = await openFilesystemStore(folder, { nowMs: () => Date.now(), isOnlyOne: true })
  stores.push(store)
  return store
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sts-cli-take-over-'))
  await mkdir(join(folder, 'photos/a'), { recursive: true })
  await writeFile(join(folder, 'photos/a/b'), 'bytes')
  await writeFile(join(folder, 'photos/by-hand'), 'by hand')
  const { size, mtimeNs, ino } = await stat(join(folder, 'photos/a/b'), { bigint: true })
  const file = { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) }
  const metadata = {
    contentType: 'text/plain',
    headers: {},
    userMetadata: { of: '0.1.0' },
    tags: { a: 'b' },
  }
  const record = { file, facts: { etag: 'an etag' }, metadata }
  await writeRecord('a/b', { version: 1, key: 'a/b', records: [record] })
  await writeRecord('broken', 'not an object')
  await writeUnder('settings/photos/location', 'eu-west-1')
  await writeUnder('settings/photos/cors.xml', '<CORSConfiguration/>')
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  await rm(folder, { recursive: true })
})

async function writeUnder(path: string, text: string): Promise<void> {
  const file = join(folder, '.sts-cli', path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

async function writeRecord(key: string, json: unknown): Promise<void> {
  const name = createHash('sha256').update(key).digest('hex')
  await writeUnder(
    `metadata/photos/${name.slice(0, 2)}/${name.slice(2)}.json`,
    JSON.stringify(json),
  )
}

it('objects, tags and settings of 0.1.0 are there after the first start, and its files are gone', async () => {
  const store = await open()
  expect(await store.statObject('photos', 'a/b')).toMatchObject({
    etag: 'an etag',
    metadata: { contentType: 'text/plain', userMetadata: { of: '0.1.0' }, tags: { a: 'b' } },
  })
  expect(await store.findLocation('photos')).toBe('eu-west-1')
  expect(await store.readBucketDocument('photos', 'cors')).toBe('<CORSConfiguration/>')
  const { entries } = await store.listObjects('photos', {
    prefix: '',
    delimiter: '',
    after: '',
    limit: 9,
  })
  expect(entries.map(({ name }) => name)).toEqual(['a/b', 'by-hand'])
  expect((await readdir(join(folder, '.sts-cli'))).toSorted()).toEqual(['index', 'tmp'])
})

it('what was changed since is not overwritten by records that could not be removed', async () => {
  const first = await open()
  await first.replaceTags('photos', 'a/b', { newer: 'yes' })
  await first.close()
  stores.splice(0)
  const { size, mtimeNs, ino } = await stat(join(folder, 'photos/a/b'), { bigint: true })
  const file = { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) }
  const metadata = {
    contentType: 'text/plain',
    headers: {},
    userMetadata: {},
    tags: { older: 'yes' },
  }
  await writeRecord('a/b', {
    version: 1,
    key: 'a/b',
    records: [{ file, facts: { etag: 'x' }, metadata }],
  })
  const again = await open()
  expect(await again.statObject('photos', 'a/b')).toMatchObject({
    metadata: { tags: { newer: 'yes' } },
  })
})
