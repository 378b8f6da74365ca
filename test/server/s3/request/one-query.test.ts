/** What a signature covers, what a policy is asked and what is done must be read out of a query in the same way. */
import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  root,
  startMs,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/a', { body: 'abc', headers: { 'x-amz-tagging': 'secret=yes' } })
})
afterEach(() => s3.close())

/** A URL that somebody presigned with version 2 for `/photos/a`, with a parameter put before those that were signed. */
function useUrl(method: string, added: string, body?: string): Promise<Answer> {
  const expires = Math.floor(startMs / 1000) + 60
  const text = `${method}\n\n\n${expires}\n/photos/a`
  const Signature = createHmac('sha1', root.secretAccessKey).update(text).digest('base64')
  const signed = { AWSAccessKeyId: root.accessKeyId, Signature, Expires: String(expires) }
  const query = new URLSearchParams(signed).toString()
  return s3.send(method, `/photos/a?${added}${query}`, { isAnonymous: true, body })
}

describe('a URL that was presigned with version 2', () => {
  it('does what it was signed for', async () => {
    expect((await useUrl('GET', '')).text).toBe('abc')
  })

  it.each([
    '?tagging',
    '?attributes',
    '?uploadId=x',
    '?acl',
    '?versionId=null',
    '??tagging',
    '%3Ftagging',
  ])('does nothing else with ?%s put before its parameters', async (added) => {
    const { status, text } = await useUrl('GET', `${added}&`)
    expect({ status, text }).toMatchObject({
      status: 501,
      text: expect.stringContaining('<Code>NotImplemented</Code>'),
    })
  })

  it('writes no tags with ??tagging put before its parameters', async () => {
    const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
    expect((await useUrl('PUT', '?tagging&', tags)).status).toBe(501)
    expect((await s3.send('GET', '/photos/a?tagging')).text).toContain('<Value>yes</Value>')
  })
})

describe('a query with a malformed escape', () => {
  it.each(['prefix=%ZZ', 'prefix=%73ecret/%Z', '%ff=x'])(
    'is refused before a policy is asked: %s',
    async (query) => {
      const { status, code, facts } = await s3.send('GET', `/photos?${query}`)
      expect([status, code]).toEqual([400, 'InvalidArgument'])
      expect(facts.decisions.total).toBe(0)
    },
  )
})
