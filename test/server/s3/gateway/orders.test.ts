import { describe, expect, it, onTestFinished } from 'vitest'
import { openHarness, root, startMs } from '../../../support/server/s3-harness.ts'
import { encodeForm, makeFields } from '../../../support/server/upload-forms.ts'
import { ask, codeOf } from '../../../support/server/recorded-pass.ts'
import { keys, startUpstream } from '../../../support/server/scripted-upstream.ts'

describe('user metadata that servers obey', () => {
  const orders = [
    'x-amz-meta-snowball-auto-extract',
    'x-amz-meta-minio-snowball-prefix',
    'x-amz-meta-minio-snowball-ignore-dirs',
    'x-amz-meta-minio-snowball-ignore-errors',
    'x-amz-meta-snowball_auto_extract',
    'x-amz-meta-scal-location-constraint',
    'x-amz-meta-mdonly',
  ]

  it.each(orders)('the gateway refuses the metadata %s wherever it appears', async (name) => {
    const headers = { [name]: 'true' }
    const copy = { 'x-amz-copy-source': '/photos/b', 'x-amz-metadata-directive': 'REPLACE' }
    for (const outcome of [
      await ask('PUT', '/photos/a', { headers }),
      await ask('PUT', `/photos/a?${name}=true`),
      await ask('PUT', `/photos/a?${name.toUpperCase()}=true`),
      await ask('POST', '/photos/a?uploads', { headers }),
      await ask('PUT', '/photos/a?partNumber=1&uploadId=u', { headers }),
      await ask('PUT', '/photos/a', { headers: { ...copy, ...headers } }),
    ]) {
      expect(outcome.reply.status).toBe(501)
      expect(codeOf(outcome)).toBe('NotImplemented')
      expect(String(outcome.reply.body)).toContain(name)
      expect(outcome.sent).toEqual([])
    }
  })

  it('the gateway refuses metadata that servers obey in an upload form too', async () => {
    const upstream = await startUpstream()
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    for (const name of orders) {
      const fields = makeFields({
        signer: root,
        nowMs: startMs,
        fields: { key: 'a', [name]: 'true' },
      })
      const { headers, body } = await encodeForm(fields, 'x')
      const answer = await s3.send('POST', '/photos', { headers, body, isAnonymous: true })
      expect(answer.code).toBe('NotImplemented')
    }
    expect(upstream.seen).toEqual([])
  })

  it('the gateway passes on metadata with a similar name', async () => {
    const headers = {
      'x-amz-meta-colour': 'blue',
      'x-amz-meta-snowballs': '3',
      'x-amz-meta-x-amz-key-v2': 'of an encryption client',
      'x-amz-meta-s3cmd-attrs': 'uid:1000',
    }
    const { sent } = await ask('PUT', '/photos/a', { headers })
    expect(sent[0]?.headers).toMatchObject(headers)
  })
})

describe('the ACL private', () => {
  const headers = { 'x-amz-acl': 'private' }

  it.each([
    ['/photos/a?acl', 's3:PutObjectAcl'],
    ['/photos?acl', 's3:PutBucketAcl'],
    ['/photos/a?acl&versionId=v', 's3:PutObjectVersionAcl'],
  ])('PUT %s with the ACL private sends that ACL on', async (target, action) => {
    const { sent, allowed } = await ask('PUT', target, { headers })
    expect(sent[0]?.headers['x-amz-acl']).toBe('private')
    expect(allowed.map((need) => need.action)).toEqual([action])
  })

  it.each([
    ['PUT', '/photos/a', {}],
    ['PUT', '/photos', {}],
    ['POST', '/photos/a?uploads', {}],
    ['PUT', '/photos/a', { 'x-amz-copy-source': '/photos/b' }],
  ] as const)('%s %s drops the ACL private, the default anyway', async (method, target, more) => {
    const { sent, allowed } = await ask(method, target, { headers: { ...headers, ...more } })
    expect(sent).toHaveLength(1)
    expect(sent[0]?.headers['x-amz-acl']).toBeUndefined()
    expect(allowed.filter(({ action }) => action.endsWith('Acl'))).toEqual([])
  })
})

describe('other canned ACLs', () => {
  const writes = [
    ['PUT', '/photos/a', {}],
    ['PUT', '/photos', {}],
    ['POST', '/photos/a?uploads', {}],
    ['PUT', '/photos/a', { 'x-amz-copy-source': '/photos/b' }],
    ['PUT', '/photos/a?acl', {}],
  ] as const
  const canned = ['public-read', 'public-read-write', 'authenticated-read', 'log-delivery-write']

  it.each(writes)('%s %s makes nothing public without the right to', async (...write) => {
    const [method, target, more] = write
    for (const acl of [...canned, 'bucket-owner-full-control']) {
      const headers = { ...more, 'x-amz-acl': acl }
      const isAllowed = ({ action }: { action: string }): boolean => !action.endsWith('Acl')
      for (const given of [
        await ask(method, target, { headers, isAllowed }),
        await ask(method, `${target}${target.includes('?') ? '&' : '?'}x-amz-acl=${acl}`, {
          headers: more,
          isAllowed,
        }),
      ]) {
        expect(codeOf(given)).toBe('AccessDenied')
        expect(given.sent).toEqual([])
      }
    }
  })

  it.each(writes)('%s %s is refused with an ACL that S3 does not have', async (...write) => {
    const [method, target, more] = write
    const { sent, ...refused } = await ask(method, target, {
      headers: { ...more, 'x-amz-acl': 'pubic-read' },
    })
    expect(codeOf({ sent, ...refused })).toBe('InvalidArgument')
    expect(sent).toEqual([])
  })
})
