/** Settings of a bucket that are stored as documents: public access block, ownership, tags and default encryption. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  s3.asked.length = 0
})
afterEach(() => s3.close())

const namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const put = (query: string, body: string): Promise<Answer> =>
  s3.send('PUT', `/photos?${query}`, { body })

const block = (content: string): string =>
  `<PublicAccessBlockConfiguration${namespace}>${content}</PublicAccessBlockConfiguration>`
const ownership = (name: string): string =>
  `<OwnershipControls${namespace}><Rule><ObjectOwnership>${name}</ObjectOwnership></Rule></OwnershipControls>`
const tag = (name: string, value: string): string =>
  `<Tag><Key>${name}</Key><Value>${value}</Value></Tag>`
const tagging = (...tags: string[]): string =>
  `<Tagging${namespace}><TagSet>${tags.join('')}</TagSet></Tagging>`
const encryption = (content: string): string =>
  `<ServerSideEncryptionConfiguration${namespace}><Rule>${content}</Rule></ServerSideEncryptionConfiguration>`
const byDefault = (content: string): string =>
  `<ApplyServerSideEncryptionByDefault>${content}</ApplyServerSideEncryptionByDefault>`
const aes = byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>')

describe('a setting of a bucket', () => {
  it.each([
    [
      'publicAccessBlock',
      block(
        '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>',
      ),
      'GetBucketPublicAccessBlock',
      'PutBucketPublicAccessBlock',
      200,
    ],
    [
      'ownershipControls',
      ownership('BucketOwnerPreferred'),
      'GetBucketOwnershipControls',
      'PutBucketOwnershipControls',
      200,
    ],
    [
      'tagging',
      tagging(tag('team', 'blue + green'), tag('a', '')),
      'GetBucketTagging',
      'PutBucketTagging',
      204,
    ],
    [
      'encryption',
      encryption(`${aes}<BucketKeyEnabled>true</BucketKeyEnabled>`),
      'GetEncryptionConfiguration',
      'PutEncryptionConfiguration',
      200,
    ],
  ])(
    '?%s is stored, returned and removed, each by its own action, and goes with its bucket',
    async (query, document, readAction, writeAction, status) => {
      expect((await put(query, document)).status).toBe(status)
      const answer = await s3.send('GET', `/photos?${query}`)
      expect(answer.status).toBe(200)
      expect(answer.text).toContain(document)
      expect((await s3.send('DELETE', `/photos?${query}`)).status).toBe(204)
      expect((await s3.send('DELETE', `/photos?${query}`)).status).toBe(204)
      expect((await s3.send('GET', `/photos?${query}`)).status).toBe(404)
      const [write, read, remove] = s3.asked.map(({ action }) => action)
      expect([read, write, remove]).toEqual([
        `s3:${readAction}`,
        `s3:${writeAction}`,
        `s3:${writeAction}`,
      ])
      await put(query, document)
      await s3.send('DELETE', '/photos')
      await s3.send('PUT', '/photos')
      expect((await s3.send('GET', `/photos?${query}`)).status).toBe(404)
      for (const method of ['GET', 'PUT', 'DELETE'])
        expect((await s3.send(method, `/nothing-here?${query}`, { body: document })).code).toBe(
          'NoSuchBucket',
        )
    },
  )

  it.each([
    ['publicAccessBlock', '', 'MalformedXML'],
    ['publicAccessBlock', '<Other/>', 'MalformedXML'],
    ['publicAccessBlock', block('<BlockPublicAcls>yes</BlockPublicAcls>'), 'MalformedXML'],
    ['publicAccessBlock', block('<BlockAcls>true</BlockAcls>'), 'MalformedXML'],
    ['ownershipControls', ownership('Nobody'), 'MalformedXML'],
    ['ownershipControls', '<OwnershipControls/>', 'MalformedXML'],
    ['tagging', '<Tagging/>', 'MalformedXML'],
    ['tagging', tagging(tag('a', 'b'), tag('a', 'c')), 'InvalidTag'],
    ['tagging', tagging(tag('', 'b')), 'InvalidTag'],
    ['tagging', tagging(tag('a'.repeat(129), 'b')), 'InvalidTag'],
    ['tagging', tagging(tag('a', 'b'.repeat(257))), 'InvalidTag'],
    ['tagging', tagging(tag('aws:a', 'b')), 'InvalidTag'],
    [
      'tagging',
      tagging(...Array.from({ length: 51 }, (_, at) => tag(`a${at}`, 'b'))),
      'BadRequest',
    ],
    ['encryption', encryption(''), 'MalformedXML'],
    ['encryption', encryption(aes) + 'x', 'MalformedXML'],
    ['encryption', encryption(byDefault('<SSEAlgorithm>AES128</SSEAlgorithm>')), 'MalformedXML'],
    ['encryption', encryption(byDefault('<SSEAlgorithm>aws:kms</SSEAlgorithm>')), 'NotImplemented'],
    [
      'encryption',
      encryption(byDefault('<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>')),
      'NotImplemented',
    ],
    [
      'encryption',
      encryption(
        byDefault('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>a</KMSMasterKeyID>'),
      ),
      'InvalidArgument',
    ],
  ])('?%s refuses %s with %s, and nothing is set', async (query, document, code) => {
    expect((await put(query, document)).code).toBe(code)
    expect((await s3.send('GET', `/photos?${query}`)).status).toBe(404)
  })

  it('is found at once as it is read, and is none for a bucket that is gone or never was', async () => {
    await put('tagging', tagging(tag('a', 'b')))
    const read = await s3.objects.readBucketDocument('photos', 'tagging')
    expect(read).toContain('<Key>a</Key>')
    expect(s3.objects.findBucketDocument('photos', 'tagging')).toBe(read)
    await s3.send('DELETE', '/photos')
    for (const bucket of ['photos', 'nothing-here'])
      expect(s3.objects.findBucketDocument(bucket, 'tagging')).toBeUndefined()
  })

  it('fifty tags of a bucket are accepted', async () => {
    const fifty = Array.from({ length: 50 }, (_, at) => tag(`a${at}`, 'b'))
    expect((await put('tagging', tagging(...fifty))).status).toBe(204)
  })

  it.each(
    'accelerate analytics inventory metrics intelligent-tiering replication website'.split(' '),
  )('PUT ?%s is NotImplemented by its name', async (query) => {
    const answer = await put(query, '<A/>')
    expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(answer.text).toContain(query)
  })
})

describe('the ownership of a bucket', () => {
  it.each(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'])(
    'x-amz-object-ownership: %s of CreateBucket is its setting',
    async (name) => {
      const headers = { 'x-amz-object-ownership': name }
      expect((await s3.send('PUT', '/owned', { headers })).status).toBe(200)
      expect((await s3.send('GET', '/owned?ownershipControls')).text).toContain(ownership(name))
    },
  )

  it('a wrong one is refused, and there is no bucket', async () => {
    const headers = { 'x-amz-object-ownership': 'Nobody' }
    const answer = await s3.send('PUT', '/owned', { headers })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
    expect(answer.text).toContain('Invalid x-amz-object-ownership header: Nobody')
    const acl = { 'x-amz-object-ownership': 'BucketOwnerEnforced', 'x-amz-acl': 'public-read' }
    expect((await s3.send('PUT', '/owned', { headers: acl })).code).toBe(
      'InvalidBucketAclWithObjectOwnership',
    )
    expect((await s3.send('HEAD', '/owned')).status).toBe(404)
  })

  it('BucketOwnerEnforced refuses every ACL but that of the owner with an upload', async () => {
    const code = async (target: string, headers: Record<string, string>): Promise<unknown> =>
      (await s3.send('PUT', target, { headers })).code
    expect(await code('/photos?acl', { 'x-amz-acl': 'private' })).toBeUndefined()
    await put('ownershipControls', ownership('BucketOwnerEnforced'))
    const refused = 'AccessControlListNotSupported'
    expect(await code('/photos?acl', { 'x-amz-acl': 'private' })).toBe(refused)
    expect(await code('/photos/a', { 'x-amz-acl': 'public-read' })).toBe(refused)
    expect(await code('/photos/a', { 'x-amz-acl': 'private' })).toBe(refused)
    expect(await code('/photos/a', { 'x-amz-acl': 'bucket-owner-full-control' })).toBeUndefined()
    expect(await code('/photos/a', {})).toBeUndefined()
    expect(await code('/photos/a?acl', { 'x-amz-acl': 'bucket-owner-full-control' })).toBe(refused)
    expect((await s3.send('GET', '/photos?acl')).status).toBe(200)
    await put('ownershipControls', ownership('ObjectWriter'))
    expect(await code('/photos?acl', { 'x-amz-acl': 'private' })).toBeUndefined()
  })
})

describe('a public access block', () => {
  it('refuses public ACLs with BlockPublicAcls, and no others', async () => {
    const code = async (target: string, acl: string): Promise<unknown> =>
      (await s3.send('PUT', target, { headers: { 'x-amz-acl': acl } })).code
    await put('publicAccessBlock', block('<BlockPublicAcls>true</BlockPublicAcls>'))
    for (const acl of ['public-read', 'public-read-write', 'authenticated-read'])
      for (const target of ['/photos?acl', '/photos/a'])
        expect(await code(target, acl)).toBe('AccessDenied')
    expect(await code('/photos/a', 'private')).toBeUndefined()
    expect(await code('/photos?acl', 'private')).toBeUndefined()
    await s3.send('DELETE', '/photos?publicAccessBlock')
    expect(await code('/photos/a', 'public-read')).toBeUndefined()
    expect(await code('/photos?acl', 'public-read')).toBe('AccessControlListNotSupported')
  })
})

describe('grants in headers', () => {
  const owner = 'ef6433a1d22562cec9405ce7e216022749d3d8fef50bf8aaf1aaf0299412d763'

  it.each([
    [`id=${owner}`, undefined],
    [`id="${owner}"`, undefined],
    [`id="${owner}", id=${owner}`, undefined],
    [`id=${owner},id=${'a'.repeat(64)}`, 'AccessControlListNotSupported'],
    ['uri="http://acs.amazonaws.com/groups/global/AllUsers"', 'AccessControlListNotSupported'],
    ['emailAddress=a@example.com', 'AccessControlListNotSupported'],
    [owner, 'InvalidArgument'],
    ['', 'InvalidArgument'],
  ])('x-amz-grant-full-control: %s answers %s', async (value, code) => {
    await s3.send('PUT', '/photos/a', { body: 'x' })
    const headers = { 'x-amz-grant-full-control': value }
    for (const target of ['/photos?acl', '/photos/a?acl', '/photos/a'])
      expect((await s3.send('PUT', target, { headers })).code).toBe(code)
  })

  it('without full control the owner would lose rights, and a canned ACL besides is refused', async () => {
    const send = (headers: Record<string, string>): Promise<Answer> =>
      s3.send('PUT', '/photos?acl', { headers })
    expect((await send({ 'x-amz-grant-read': `id=${owner}` })).code).toBe(
      'AccessControlListNotSupported',
    )
    expect((await send({ 'x-amz-grant-nothing': `id=${owner}` })).code).toBe('InvalidArgument')
    const both = { 'x-amz-grant-full-control': `id=${owner}`, 'x-amz-acl': 'private' }
    expect((await send(both)).code).toBe('InvalidRequest')
  })
})
