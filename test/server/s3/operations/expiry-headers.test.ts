import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  openHarness,
  md5,
  startMs,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
const dayMs = 24 * 60 * 60 * 1000
const inDays = (days: number): string =>
  new Date((Math.floor(startMs / dayMs) + days) * dayMs).toUTCString()

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  const rule = (id: string, filter: string, action: string): string =>
    `<Rule><ID>${id}</ID><Filter>${filter}</Filter><Status>Enabled</Status>${action}</Rule>`
  const body = `<LifecycleConfiguration>${[
    rule('a &quot;b&quot; é', '<Prefix>logs/</Prefix>', '<Expiration><Days>2</Days></Expiration>'),
    rule(
      'tag',
      '<Tag><Key>a</Key><Value>b</Value></Tag>',
      '<Expiration><Days>1</Days></Expiration>',
    ),
    rule(
      'parts',
      '',
      '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
    ),
  ].join('')}</LifecycleConfiguration>`
  const digest = Buffer.from(md5(body), 'hex').toString('base64')
  await s3.send('PUT', '/photos?lifecycle', { body, headers: { 'content-md5': digest } })
})
afterEach(() => s3.close())

const byPrefix = `expiry-date="${inDays(3)}", rule-id="a%20%22b%22%20%C3%A9"`
const byTag = `expiry-date="${inDays(2)}", rule-id="tag"`
const said = ({ headers }: Answer): string | undefined => headers['x-amz-expiration']

it('writes and reads say when a rule will expire the object, at midnight UTC, by the rule that is first', async () => {
  expect(said(await s3.send('PUT', '/photos/logs/a', { body: 'x' }))).toBe(byPrefix)
  expect(said(await s3.send('GET', '/photos/logs/a'))).toBe(byPrefix)
  expect(said(await s3.send('HEAD', '/photos/logs/a'))).toBe(byPrefix)
  const headers = { 'x-amz-tagging': 'a=b' }
  expect(said(await s3.send('PUT', '/photos/logs/t', { body: 'x', headers }))).toBe(byTag)
  await s3.send('DELETE', '/photos/logs/t?tagging')
  expect(said(await s3.send('HEAD', '/photos/logs/t'))).toBe(byPrefix)
  const copy = { 'x-amz-copy-source': 'photos/logs/a' }
  expect(said(await s3.send('PUT', '/photos/logs/b', { headers: copy }))).toBe(byPrefix)
  expect(said(await s3.send('PUT', '/photos/other', { headers: copy }))).toBeUndefined()
})

it('an upload says when it is removed, and its completion when the object expires', async () => {
  const begun = await s3.send('POST', '/photos/logs/a?uploads')
  const abortion = { 'x-amz-abort-date': inDays(2), 'x-amz-abort-rule-id': 'parts' }
  expect(begun.headers).toMatchObject(abortion)
  const [uploadId = ''] = texts(begun.text, 'UploadId')
  const target = `/photos/logs/a?uploadId=${uploadId}`
  expect((await s3.send('GET', target)).headers).toMatchObject(abortion)
  await s3.send('PUT', `${target}&partNumber=1`, { body: 'x' })
  const part = `<Part><PartNumber>1</PartNumber><ETag>${md5('x')}</ETag></Part>`
  const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
  expect(said(await s3.send('POST', target, { body }))).toBe(byPrefix)
})

it('in a bucket without rules nothing expires, and a damaged document does not make objects unreadable', async () => {
  await s3.send('PUT', '/photos/logs/a', { body: 'x' })
  await s3.objects.writeBucketDocument('photos', 'lifecycle', 'damaged')
  expect(await s3.send('GET', '/photos/logs/a')).toMatchObject({ status: 200, text: 'x' })
  await s3.send('DELETE', '/photos?lifecycle')
  expect(said(await s3.send('GET', '/photos/logs/a'))).toBeUndefined()
})
