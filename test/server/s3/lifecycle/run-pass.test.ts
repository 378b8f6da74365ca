import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readLifecycleRules } from '../../../../src/server/s3/request/lifecycle-document.ts'
import { findPrefixes, runPass } from '../../../../src/server/s3/lifecycle/run-pass.ts'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'
import {
  openHarness,
  md5,
  startMs,
  texts,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
const dayMs = 24 * 60 * 60 * 1000
const logged: object[] = []
const log = {
  info: (facts: object, message: string): void => void logged.push({ ...facts, message }),
  warn: () => {},
  error: (facts: object, message: string): void => void logged.push({ ...facts, message }),
}

beforeEach(async () => {
  s3 = await openHarness()
  logged.length = 0
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

const wrap = (rules: string): string => `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`
const rule = (id: string, filter: string, action: string, status = 'Enabled'): string =>
  `<Rule><ID>${id}</ID><Filter>${filter}</Filter><Status>${status}</Status>${action}</Rule>`
const afterDays = (days: number): string => `<Expiration><Days>${days}</Days></Expiration>`
const prefix = (text: string): string => `<Prefix>${text}</Prefix>`

async function setRules(...rules: string[]): Promise<void> {
  const body = wrap(rules.join(''))
  const digest = Buffer.from(md5(body), 'hex').toString('base64')
  const answer = await s3.send('PUT', '/photos?lifecycle', {
    body,
    headers: { 'content-md5': digest },
  })
  expect(answer.text).toBe('')
}

function pass(objects: ObjectStore = s3.objects, signal = new AbortController().signal) {
  return runPass({ objects, nowMs: () => s3.clock.nowMs, log, signal })
}

async function listKeys(): Promise<string[]> {
  return texts((await s3.send('GET', '/photos?list-type=2')).text, 'Key')
}

describe('a lifecycle pass over objects', () => {
  it('objects expire at the midnight after their days, by the clock of the server, and others stay', async () => {
    await setRules(rule('logs', prefix('logs/'), afterDays(2)))
    for (const key of ['logs/a', 'logs/b', 'other'])
      await s3.send('PUT', `/photos/${key}`, { body: 'x' })
    const dueMs = (Math.floor(startMs / dayMs) + 3) * dayMs
    s3.clock.nowMs = dueMs - 1
    expect((await pass()).expired).toBe(0)
    expect(await listKeys()).toEqual(['logs/a', 'logs/b', 'other'])
    s3.clock.nowMs = dueMs
    expect(await pass()).toEqual({ expired: 2, noncurrent: 0, marker: 0, upload: 0 })
    expect(await listKeys()).toEqual(['other'])
    expect(logged).toMatchObject([{ bucket: 'photos', expired: 2 }])
    expect((await pass()).expired).toBe(0)
  })

  it('tags and sizes choose objects, a disabled rule none, and a date all that it names', async () => {
    await setRules(
      rule('tag', '<Tag><Key>keep</Key><Value>no</Value></Tag>', afterDays(1)),
      rule('size', '<ObjectSizeGreaterThan>2</ObjectSizeGreaterThan>', afterDays(1)),
      rule('off', '', afterDays(1), 'Disabled'),
      rule('date', prefix('d'), '<Expiration><Date>2026-12-24T00:00:00Z</Date></Expiration>'),
    )
    await s3.send('PUT', '/photos/tagged', { body: 'x', headers: { 'x-amz-tagging': 'keep=no' } })
    await s3.send('PUT', '/photos/kept', { body: 'x', headers: { 'x-amz-tagging': 'keep=yes' } })
    await s3.send('PUT', '/photos/large', { body: 'xxx' })
    await s3.send('PUT', '/photos/dated', { body: 'x' })
    s3.clock.nowMs += 3 * dayMs
    expect((await pass()).expired).toBe(2)
    expect(await listKeys()).toEqual(['dated', 'kept'])
    s3.clock.nowMs = Date.parse('2026-12-24T00:00:00Z')
    expect((await pass()).expired).toBe(1)
    expect(await listKeys()).toEqual(['kept'])
  })

  it('an object that is overwritten or tagged anew between the list and the removal stays', async () => {
    await setRules(rule('all', '<Tag><Key>old</Key><Value>1</Value></Tag>', afterDays(1)))
    for (const key of ['a', 'b', 'c'])
      await s3.send('PUT', `/photos/${key}`, { body: key, headers: { 'x-amz-tagging': 'old=1' } })
    s3.clock.nowMs += 3 * dayMs
    const objects: ObjectStore = {
      ...s3.objects,
      async listObjects(bucket, options) {
        const page = await s3.objects.listObjects(bucket, options)
        await s3.send('PUT', '/photos/a', { body: 'new', headers: { 'x-amz-tagging': 'old=1' } })
        await s3.send('DELETE', '/photos/b?tagging')
        return page
      },
    }
    expect((await pass(objects)).expired).toBe(1)
    expect(await listKeys()).toEqual(['a', 'b'])
    expect((await s3.send('GET', '/photos/a')).text).toBe('new')
  })

  it('all objects of a bucket with more than a page expire', async () => {
    await setRules(rule('all', '', afterDays(1)))
    for (let at = 0; at < 5; at += 1) await s3.send('PUT', `/photos/${at}`, { body: 'x' })
    s3.clock.nowMs += 3 * dayMs
    const objects: ObjectStore = {
      ...s3.objects,
      listObjects: (bucket, options) => s3.objects.listObjects(bucket, { ...options, limit: 2 }),
    }
    expect((await pass(objects)).expired).toBe(5)
    expect(await listKeys()).toEqual([])
  })

  it('uploads that nobody completed are removed days after they began', async () => {
    const abort =
      '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>'
    await setRules(rule('parts', prefix('a'), abort))
    for (const key of ['a', 'b']) await s3.send('POST', `/photos/${key}?uploads`)
    expect((await pass()).upload).toBe(0)
    s3.clock.nowMs += 2 * dayMs
    expect(await pass()).toEqual({ expired: 0, noncurrent: 0, marker: 0, upload: 1 })
    expect(texts((await s3.send('GET', '/photos?uploads')).text, 'Key')).toEqual(['b'])
  })

  it('a removal that fails is logged with its bucket and rule, and does not end the pass', async () => {
    await setRules(rule('all', '', afterDays(1)))
    for (const key of ['a', 'b', 'c']) await s3.send('PUT', `/photos/${key}`, { body: key })
    s3.clock.nowMs += 3 * dayMs
    const objects: ObjectStore = {
      ...s3.objects,
      deleteObject: (bucket, key, options) =>
        key === 'b'
          ? Promise.reject(new Error('EIO'))
          : s3.objects.deleteObject(bucket, key, options),
    }
    expect((await pass(objects)).expired).toBe(2)
    expect(await listKeys()).toEqual(['b'])
    expect(logged).toContainEqual(
      expect.objectContaining({ bucket: 'photos', rule: 'all', key: 'b', reason: 'Error: EIO' }),
    )
  })

  it('a disk that fails each removal ends the bucket, not the pass over the others', async () => {
    await setRules(rule('all', '', afterDays(1)))
    for (let at = 0; at < 15; at += 1) await s3.send('PUT', `/photos/${at}`, { body: 'x' })
    s3.clock.nowMs += 3 * dayMs
    const deleteObject = () => Promise.reject(new Error('EIO'))
    expect((await pass({ ...s3.objects, deleteObject })).expired).toBe(0)
    expect(logged).toHaveLength(11)
    expect(logged.at(-1)).toMatchObject({ bucket: 'photos', reason: 'Error: 10 removals failed' })
  })

  it('a pass that is stopped removes nothing more', async () => {
    await setRules(rule('all', '', afterDays(1)))
    for (const key of ['a', 'b', 'c']) await s3.send('PUT', `/photos/${key}`, { body: key })
    s3.clock.nowMs += 3 * dayMs
    const stop = new AbortController()
    const objects: ObjectStore = {
      ...s3.objects,
      deleteObject(bucket, key, options) {
        stop.abort()
        return s3.objects.deleteObject(bucket, key, options)
      },
    }
    expect((await pass(objects, stop.signal)).expired).toBe(1)
    expect(await listKeys()).toEqual(['b', 'c'])
  })
})

it('the prefixes that are listed cover every rule, and none of them is listed twice', () => {
  const anyPrefix = fc.stringMatching(/^[ab/]{0,4}$/)
  fc.assert(
    fc.property(fc.array(anyPrefix, { minLength: 1, maxLength: 6 }), (given) => {
      const document = given.map((text, at) => rule(`${at}`, prefix(text), afterDays(1))).join('')
      const found = findPrefixes(readLifecycleRules(wrap(document)))
      const isBelow = (text: string, other: string): boolean => text.startsWith(other)
      for (const text of given)
        expect(found.filter((other) => isBelow(text, other))).toHaveLength(1)
      for (const text of found)
        expect(found.filter((other) => isBelow(text, other))).toEqual([text])
    }),
  )
})
