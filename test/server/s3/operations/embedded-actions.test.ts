import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  root,
  startMs,
  texts,
  type Ask,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import { encodeForm, makeFields } from '../../../support/server/upload-forms.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/a', { body: 'plain' })
  await s3.send('PUT', '/photos/t', { body: 'x', headers: { 'x-amz-tagging': 'team=blue' } })
  s3.asked.length = 0
})
afterEach(() => s3.close())

const say = ({ action, object }: Harness['asked'][number]): string => `${action} ${object}`
const tagging = '<Tagging><TagSet></TagSet></Tagging>'

describe('the actions that the embedded store asks for', () => {
  it.each<[string, string, Ask, string[]]>([
    ['PUT', 'b', { headers: { 'x-amz-tagging': 'a=b' } }, ['PutObject b', 'PutObjectTagging b']],
    ['PUT', 'b?x-amz-tagging=a%3Db', {}, ['PutObject b', 'PutObjectTagging b']],
    ['PUT', 'b', { headers: { 'x-amz-acl': 'private' } }, ['PutObject b']],
    [
      'POST',
      'b?uploads',
      { headers: { 'x-amz-tagging': 'a=b' } },
      ['PutObject b', 'PutObjectTagging b'],
    ],
    ['PUT', 'b', { headers: { 'x-amz-copy-source': 'photos/a' } }, ['PutObject b', 'GetObject a']],
    [
      'PUT',
      'b',
      { headers: { 'x-amz-copy-source': 'photos/t' } },
      ['PutObject b', 'GetObject t', 'GetObjectTagging t', 'PutObjectTagging b'],
    ],
    [
      'PUT',
      'b',
      { headers: { 'x-amz-copy-source': 'photos/t?versionId=null' } },
      ['PutObject b', 'GetObjectVersion t', 'GetObjectVersionTagging t', 'PutObjectTagging b'],
    ],
    [
      'PUT',
      'b',
      { headers: { 'x-amz-copy-source': 'photos/t', 'x-amz-tagging-directive': 'REPLACE' } },
      ['PutObject b', 'GetObject t'],
    ],
    [
      'PUT',
      'b',
      {
        headers: {
          'x-amz-copy-source': 'photos/a',
          'x-amz-tagging-directive': 'REPLACE',
          'x-amz-tagging': 'a=b',
        },
      },
      ['PutObject b', 'PutObjectTagging b', 'GetObject a'],
    ],
    ['GET', 'a?versionId=null', {}, ['GetObjectVersion a']],
    ['HEAD', 'a?versionId=null', {}, ['GetObjectVersion a']],
    ['GET', 'a?tagging&versionId=null', {}, ['GetObjectVersionTagging a']],
    ['PUT', 'a?tagging&versionId=null', { body: tagging }, ['PutObjectVersionTagging a']],
    ['DELETE', 'a?tagging&versionId=null', {}, ['DeleteObjectVersionTagging a']],
    ['DELETE', 'a?versionId=null', {}, ['DeleteObjectVersion a']],
    [
      'GET',
      'a?attributes&versionId=null',
      { headers: { 'x-amz-object-attributes': 'ETag' } },
      ['GetObjectVersionAttributes a', 'GetObjectVersion a'],
    ],
  ])('%s %s %j needs each of the actions %j', async (method, target, ask, names) => {
    const actions = names.map((name) => `s3:${name}`)
    for (const refused of actions) {
      s3.allow = (request) => say(request) !== refused
      expect((await s3.send(method, `/photos/${target}`, ask)).status).toBe(403)
    }
    const { entries } = await s3.objects.listObjects('photos', {
      prefix: '',
      delimiter: '',
      after: '',
      limit: 9,
    })
    expect(entries.map(({ name }) => name)).toEqual(['a', 't'])
    s3.asked.length = 0
    s3.allow = () => true
    expect((await s3.send(method, `/photos/${target}`, ask)).status).toBeLessThan(300)
    expect(s3.asked.map(say)).toEqual(actions)
  })

  it('tags in an upload form need s3:PutObjectTagging, as in a PUT', async () => {
    const xml = '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>'
    const fields = makeFields({ signer: root, nowMs: startMs, fields: { key: 'b', tagging: xml } })
    const { headers, body } = await encodeForm(fields, 'a photo')
    const ask = { isAnonymous: true, headers, body }
    s3.allow = ({ action }) => action !== 's3:PutObjectTagging'
    expect((await s3.send('POST', '/photos', ask)).code).toBe('AccessDenied')
    s3.allow = () => true
    expect((await s3.send('POST', '/photos', ask)).status).toBe(204)
    expect(texts((await s3.send('GET', '/photos/b?tagging')).text, 'Key')).toEqual(['k'])
  })

  it('a copy refuses tags without the directive that replaces them', async () => {
    const headers = { 'x-amz-copy-source': 'photos/a', 'x-amz-tagging': 'a=b' }
    expect((await s3.send('PUT', '/photos/b', { headers })).code).toBe('InvalidArgument')
  })

  it('multi-delete needs s3:DeleteObjectVersion for a key with a version, and checks the condition of each key', async () => {
    const version = '<Object><Key>a</Key><VersionId>null</VersionId></Object>'
    const condition = '<Object><Key>t</Key><ETag>"other"</ETag></Object>'
    const body = `<Delete>${version}${condition}</Delete>`
    const digest = createHash('md5').update(body).digest('base64')
    const ask = { body, headers: { 'content-md5': digest } }
    s3.allow = ({ action }) => action !== 's3:DeleteObjectVersion'
    const refused = await s3.send('POST', '/photos?delete', ask)
    expect(texts(refused.text, 'Code')).toEqual(['AccessDenied', 'PreconditionFailed'])
    s3.allow = () => true
    const { text } = await s3.send('POST', '/photos?delete', ask)
    expect(texts(text, 'Code')).toEqual(['PreconditionFailed'])
    expect((await s3.send('HEAD', '/photos/a')).status).toBe(404)
    expect((await s3.send('HEAD', '/photos/t')).status).toBe(200)
  })
})
