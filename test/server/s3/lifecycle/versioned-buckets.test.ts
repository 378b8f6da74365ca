import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog } from '../../../../src/base/log.ts'
import { runPass } from '../../../../src/server/s3/lifecycle/run-pass.ts'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'
import {
  openHarness,
  md5,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
const dayMs = 24 * 60 * 60 * 1000

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  await setVersioning('Enabled')
})
afterEach(() => s3.close())

function setVersioning(status: string): Promise<Answer> {
  const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`
  return s3.send('PUT', '/photos?versioning', { body })
}

async function setRules(...actions: string[]): Promise<void> {
  const rules = actions.map((action) => `<Rule><Filter/><Status>Enabled</Status>${action}</Rule>`)
  const body = `<LifecycleConfiguration>${rules.join('')}</LifecycleConfiguration>`
  const digest = Buffer.from(md5(body), 'hex').toString('base64')
  const headers = { 'content-md5': digest }
  expect((await s3.send('PUT', '/photos?lifecycle', { body, headers })).text).toBe('')
}

const afterDays = '<Expiration><Days>1</Days></Expiration>'
const noncurrent =
  '<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>'
const markers =
  '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>'

function pass(objects: ObjectStore = s3.objects) {
  const { signal } = new AbortController()
  return runPass({ objects, nowMs: () => s3.clock.nowMs, log: silentLog, signal })
}

const write = async (key: string, body: string): Promise<string> =>
  (await s3.send('PUT', `/photos/${key}`, { body })).headers['x-amz-version-id'] ?? ''

/** Returns the version IDs of objects, and the number of delete markers. */
async function list(): Promise<{ objects: string[]; markers: number }> {
  const { text } = await s3.send('GET', '/photos?versions')
  const [, ...versions] = text.split(/<Version>/)
  const objects = versions.map((xml) => texts(xml, 'VersionId')[0] ?? '')
  return { objects, markers: text.split('<DeleteMarker>').length - 1 }
}

it('a current version expires behind a delete marker, then goes as a noncurrent one, and the marker at last', async () => {
  await setRules(afterDays, noncurrent)
  const first = await write('a', 'x')
  s3.clock.nowMs += 3 * dayMs
  expect(await pass()).toEqual({ expired: 1, noncurrent: 0, marker: 0, upload: 0 })
  expect(await list()).toEqual({ objects: [first], markers: 1 })
  expect((await s3.send('GET', '/photos/a')).status).toBe(404)
  expect((await s3.send('GET', `/photos/a?versionId=${first}`)).text).toBe('x')
  expect(await pass()).toEqual({ expired: 0, noncurrent: 0, marker: 0, upload: 0 })
  s3.clock.nowMs += 3 * dayMs
  expect(await pass()).toEqual({ expired: 0, noncurrent: 1, marker: 0, upload: 0 })
  expect(await pass()).toEqual({ expired: 0, noncurrent: 0, marker: 1, upload: 0 })
  expect(await list()).toEqual({ objects: [], markers: 0 })
})

it('noncurrent versions go by the time at which they became noncurrent, from a list of many pages', async () => {
  await setRules(noncurrent)
  for (const key of ['a', 'b', 'c']) for (const body of ['1', '2', '3']) await write(key, body)
  s3.clock.nowMs += 3 * dayMs
  const kept = await Promise.all(['a', 'b', 'c'].map((key) => write(key, 'new')))
  const objects: ObjectStore = {
    ...s3.objects,
    listVersions: (bucket, options) => s3.objects.listVersions(bucket, { ...options, limit: 2 }),
  }
  // The third of each became noncurrent just now.
  expect((await pass(objects)).noncurrent).toBe(6)
  expect((await list()).objects).toHaveLength(6)
  s3.clock.nowMs += 3 * dayMs
  expect((await pass(objects)).noncurrent).toBe(3)
  expect((await list()).objects.toSorted()).toEqual(kept.toSorted())
})

it('delete markers that hide nothing go at once by their own rule, and others stay', async () => {
  await setRules(markers)
  await write('a', 'x')
  for (const key of ['a', 'gone']) await s3.send('DELETE', `/photos/${key}`)
  expect(await list()).toMatchObject({ markers: 2 })
  expect((await pass()).marker).toBe(1)
  expect(await list()).toMatchObject({ objects: [expect.any(String)], markers: 1 })
})

it('with suspended versioning a null version becomes a null marker, and older versions stay', async () => {
  const old = await write('a', 'old')
  await setVersioning('Suspended')
  await setRules(afterDays)
  expect(await write('a', 'null')).toBe('')
  s3.clock.nowMs += 3 * dayMs
  expect((await pass()).expired).toBe(1)
  expect(await list()).toEqual({ objects: [old], markers: 1 })
  expect((await s3.send('GET', `/photos/a?versionId=${old}`)).text).toBe('old')
})

it('an object that takes the place of a null marker between the list and the removal stays', async () => {
  await setVersioning('Suspended')
  await setRules(markers)
  await s3.send('DELETE', '/photos/a')
  const objects: ObjectStore = {
    ...s3.objects,
    async listVersions(bucket, options) {
      const page = await s3.objects.listVersions(bucket, options)
      await write('a', 'new')
      return page
    },
  }
  expect((await pass(objects)).marker).toBe(0)
  expect((await s3.send('GET', '/photos/a')).text).toBe('new')
})

it('a bucket that gets versioning while it is listed loses no version for good', async () => {
  await s3.send('PUT', '/photos/a', { body: 'x' })
  await setRules(afterDays)
  s3.clock.nowMs += 3 * dayMs
  const objects: ObjectStore = {
    ...s3.objects,
    // What the pass saw before the bucket had versioning.
    readBucketDocument: async (bucket, name) =>
      name === 'versioning' ? undefined : s3.objects.readBucketDocument(bucket, name),
  }
  expect((await pass(objects)).expired).toBe(1)
  expect(await list()).toEqual({ objects: [expect.any(String)], markers: 1 })
})

/** Returns the store, in which something happens after a list. */
function afterList(work: () => Promise<unknown>): ObjectStore {
  return {
    ...s3.objects,
    async listVersions(bucket, options) {
      const page = await s3.objects.listVersions(bucket, options)
      await work()
      return page
    },
  }
}

it('a noncurrent version that became current between the list and the removal stays', async () => {
  await setRules(noncurrent)
  const old = await write('a', 'old')
  const marker = (await s3.send('DELETE', '/photos/a')).headers['x-amz-version-id'] ?? ''
  s3.clock.nowMs += 3 * dayMs
  const restored = afterList(() => s3.send('DELETE', `/photos/a?versionId=${marker}`))
  expect((await pass(restored)).noncurrent).toBe(0)
  expect((await s3.send('GET', '/photos/a')).text).toBe('old')
  expect(await list()).toEqual({ objects: [old], markers: 0 })
})

it('a delete marker that has come to hide an object between the list and the removal stays', async () => {
  await setVersioning('Suspended')
  await s3.send('DELETE', '/photos/a')
  await setRules(markers)
  const hidden = afterList(async () => {
    await setVersioning('Enabled')
    await write('a', 'secret')
    await setVersioning('Suspended')
    await s3.send('DELETE', '/photos/a')
  })
  expect((await pass(hidden)).marker).toBe(0)
  expect((await s3.send('GET', '/photos/a')).status).toBe(404)
})
