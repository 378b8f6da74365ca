import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  root,
  startMs,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import { openMemoryLog } from '../../../support/server/etcd-harness.ts'
import { encodeForm, makeFields } from '../../../support/server/upload-forms.ts'

let s3: Harness
const memory = openMemoryLog()

beforeEach(async () => {
  memory.lines.splice(0)
  s3 = await openHarness({ log: memory.log })
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/a', { body: 'x' })
  s3.asked.length = 0
})
afterEach(() => s3.close())

const canned =
  'private public-read public-read-write authenticated-read aws-exec-read bucket-owner-read bucket-owner-full-control log-delivery-write'.split(
    ' ',
  )
const targets = ['/photos', '/photos/a']

/** Each request that takes a canned ACL besides what it does. */
const writes: readonly [string, (headers: Record<string, string>) => Promise<Answer>][] = [
  ['PutObject', (headers) => s3.send('PUT', '/photos/b', { body: 'x', headers })],
  ['CreateMultipartUpload', (headers) => s3.send('POST', '/photos/b?uploads', { headers })],
  ['CreateBucket', (headers) => s3.send('PUT', '/others', { headers })],
  [
    'CopyObject',
    (headers) =>
      s3.send('PUT', '/photos/b', { headers: { ...headers, 'x-amz-copy-source': 'photos/a' } }),
  ],
]
const ownerOf = async (): Promise<string> =>
  texts((await s3.send('GET', '/photos?acl')).text, 'ID')[0] ?? ''
const grant = (grantee: string, permission = 'FULL_CONTROL'): string =>
  `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
const policy = (grants: string, owner = ''): string =>
  `<AccessControlPolicy>${owner}<AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`

describe('canned ACLs with a write', () => {
  it.each(writes)('%s takes every canned ACL, and needs no permission for it', async (_, write) => {
    for (const acl of canned) {
      s3.asked.length = 0
      expect((await write({ 'x-amz-acl': acl })).status).toBe(200)
      expect(s3.asked.map(({ action }) => action).join()).not.toContain('Acl')
      await s3.send('DELETE', '/others')
    }
  })

  it.each(writes)('%s refuses what is no canned ACL, and grants', async (_, write) => {
    for (const acl of ['pubic-read', 'PRIVATE', '']) {
      const answer = await write({ 'x-amz-acl': acl })
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
      expect(texts(answer.text, 'ArgumentName')).toEqual(['x-amz-acl'])
    }
    for (const name of ['read', 'write', 'read-acp', 'write-acp', 'full-control']) {
      const answer = await write({ [`x-amz-grant-${name}`]: 'uri="http://acs.amazonaws.com/x"' })
      expect(answer).toMatchObject({ status: 400, code: 'AccessControlListNotSupported' })
    }
    expect((await s3.send('HEAD', '/photos/b')).status).toBe(404)
    expect((await s3.send('HEAD', '/others')).status).toBe(404)
  })

  it('an upload form takes a canned ACL', async () => {
    const fields = makeFields({
      signer: root,
      nowMs: startMs,
      fields: { key: 'b', acl: 'public-read' },
    })
    const { headers, body } = await encodeForm(fields, 'x')
    const answer = await s3.send('POST', '/photos', { isAnonymous: true, headers, body })
    expect(answer.status).toBe(204)
  })

  it('a public ACL makes nothing public, and the log says so once a bucket', async () => {
    const put = (target: string, acl: string) =>
      s3.send('PUT', target, { body: 'x', headers: { 'x-amz-acl': acl } })
    await put('/photos/b', 'private')
    await put('/photos/b', 'bucket-owner-full-control')
    expect(memory.lines).toEqual([])
    for (const key of ['c', 'd', 'e']) await put(`/photos/${key}`, 'public-read')
    await put('/others', 'public-read-write')
    const message = 'canned ACLs have no effect: only policies give access'
    expect(memory.lines).toMatchObject([
      { level: 'warn', facts: { bucket: 'photos', acl: 'public-read' }, message },
      { level: 'warn', facts: { bucket: 'others', acl: 'public-read-write' }, message },
    ])
    expect((await s3.send('GET', '/photos/c', { isAnonymous: true })).status).toBe(403)
    const { text } = await s3.send('GET', '/photos/c?acl')
    expect(texts(text, 'Permission')).toEqual(['FULL_CONTROL'])
  })

  it('a denied write is not noted in the log', async () => {
    s3.allow = () => false
    await s3.send('PUT', '/photos/b', { body: 'x', headers: { 'x-amz-acl': 'public-read' } })
    expect(memory.lines).toEqual([])
  })
})

describe('?acl', () => {
  it.each(targets)('GET %s?acl gives the owner all rights, and nobody else any', async (target) => {
    const { status, text } = await s3.send('GET', `${target}?acl`)
    expect(status).toBe(200)
    expect(new Set(texts(text, 'ID')).size).toBe(1)
    expect(texts(text, 'Permission')).toEqual(['FULL_CONTROL'])
    expect(text).toContain('xsi:type="CanonicalUser"')
    const action = target === '/photos' ? 's3:GetBucketAcl' : 's3:GetObjectAcl'
    expect(s3.asked.map((question) => question.action)).toEqual([action])
  })

  it.each(targets)('PUT %s?acl takes what is so already', async (target) => {
    const put = async (ask: object): Promise<number> =>
      (await s3.send('PUT', `${target}?acl`, ask)).status
    for (const acl of ['private', 'bucket-owner-read', 'bucket-owner-full-control'])
      expect(await put({ headers: { 'x-amz-acl': acl } })).toBe(200)
    const id = await ownerOf()
    expect(await put({ body: policy(grant(`<ID>${id}</ID>`)) })).toBe(200)
    // what GET gave is taken back
    expect(await put({ body: (await s3.send('GET', `${target}?acl`)).text })).toBe(200)
  })

  it.each(targets)('PUT %s?acl refuses what would give somebody a right', async (target) => {
    const id = `<ID>${await ownerOf()}</ID>`
    const group = '<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>'
    const asks = [
      ...canned
        .filter((acl) => !/^(private|bucket-owner-.*)$/.test(acl))
        .map((acl) => ({ headers: { 'x-amz-acl': acl } })),
      { headers: { 'x-amz-grant-read': 'id="1"' } },
      { body: policy(grant(id) + grant(group, 'READ')) },
      { body: policy(grant(id) + grant(id + group, 'READ')) },
      { body: policy(grant('<ID>somebody</ID>')) },
      { body: policy(grant('<EmailAddress>a@b.example</EmailAddress>')) },
      { body: policy('') },
      { body: policy(grant(id, 'READ')) },
      { body: policy(grant(id), '<Owner><ID>somebody</ID></Owner>') },
    ]
    for (const ask of asks)
      expect(await s3.send('PUT', `${target}?acl`, ask)).toMatchObject({
        status: 400,
        code: 'AccessControlListNotSupported',
      })
  })

  it.each<[string, string, Record<string, string>]>([
    ['MissingSecurityHeader', '', {}],
    ['MalformedACLError', '<a', {}],
    ['MalformedACLError', '<Other/>', {}],
    ['MalformedACLError', '<AccessControlPolicy/>', {}],
    ['MalformedACLError', policy('<Grant/>'), {}],
    ['MalformedACLError', policy(grant('<ID>1</ID>', 'EVERYTHING')), {}],
    ['UnexpectedContent', policy(''), { 'x-amz-acl': 'private' }],
    ['InvalidArgument', '', { 'x-amz-acl': 'pubic-read' }],
  ])('PUT ?acl is refused with %s for the body %j', async (code, body, headers) => {
    for (const target of targets)
      expect(await s3.send('PUT', `${target}?acl`, { body, headers })).toMatchObject({
        status: 400,
        code,
      })
  })

  it('an ACL has its own action, and is of something that is there', async () => {
    const headers = { 'x-amz-acl': 'private' }
    for (const target of ['/photos?acl', '/photos/a?acl', '/photos/a?acl&versionId=null'])
      await s3.send('PUT', target, { headers })
    expect(s3.asked.map(({ action }) => action)).toEqual([
      's3:PutBucketAcl',
      's3:PutObjectAcl',
      's3:PutObjectVersionAcl',
    ])
    for (const method of ['GET', 'PUT']) {
      const ask = method === 'PUT' ? { headers } : {}
      expect((await s3.send(method, '/nothing-here?acl', ask)).code).toBe('NoSuchBucket')
      expect((await s3.send(method, '/nothing-here/a?acl', ask)).code).toBe('NoSuchBucket')
      expect((await s3.send(method, '/photos/nothing?acl', ask)).code).toBe('NoSuchKey')
    }
  })

  it('no list of grants is taken that names anybody but the owner', async () => {
    const id = await ownerOf()
    const anyGrantee = fc.constantFrom(
      `<ID>${id}</ID>`,
      `<ID>${id}</ID><DisplayName>x</DisplayName>`,
      `<ID>${id}0</ID>`,
      '<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>',
      '',
    )
    const permissions = fc.constantFrom('FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyGrantee, permissions), { maxLength: 4 }),
        async (list) => {
          const body = policy(
            list.map(([grantee, permission]) => grant(grantee, permission)).join(''),
          )
          const isOwners = list.every(([grantee]) => grantee.startsWith(`<ID>${id}</ID>`))
          const isFull = list.some(([, permission]) => permission === 'FULL_CONTROL')
          const { status } = await s3.send('PUT', '/photos/a?acl', { body })
          expect(status).toBe(isOwners && isFull ? 200 : 400)
        },
      ),
      { numRuns: 60 },
    )
  })
})
