import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

const put = (key: string, headers: Record<string, string> = {}): Promise<Answer> =>
  s3.send('PUT', `/photos/${key}`, { body: 'Hello, World', headers })

const tagging = (pairs: [string, string][]): string =>
  `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${pairs
    .map(([name, value]) => `<Tag><Key>${name}</Key><Value>${value}</Value></Tag>`)
    .join('')}</TagSet></Tagging>`

async function readTags(key: string): Promise<[string, string][]> {
  const { text } = await s3.send('GET', `/photos/${key}?tagging`)
  const values = texts(text, 'Value')
  return texts(text, 'Key').map((name, index) => [name, values[index] ?? ''])
}

describe('the tags of an object', () => {
  it('an object has the tags that it was written with until others replace them', async () => {
    await put('a', { 'x-amz-tagging': 'team=blue&stage=test' })
    expect(await readTags('a')).toEqual([
      ['team', 'blue'],
      ['stage', 'test'],
    ])

    const body = tagging([['team', 'red + green']])
    expect((await s3.send('PUT', '/photos/a?tagging', { body })).status).toBe(200)
    expect(await readTags('a')).toEqual([['team', 'red + green']])
    expect((await s3.send('HEAD', '/photos/a')).headers['x-amz-tagging-count']).toBe('1')

    expect((await s3.send('DELETE', '/photos/a?tagging=')).status).toBe(204)
    expect(await readTags('a')).toEqual([])
  })

  it('a change of tags does not change the bytes, the ETag, the metadata or the time of an object', async () => {
    await put('a', { 'x-amz-meta-who': 'me', 'content-type': 'text/plain' })
    const before = await s3.send('GET', '/photos/a')
    s3.clock.nowMs += 60_000
    await s3.send('PUT', '/photos/a?tagging', { body: tagging([['team', 'blue']]) })

    const after = await s3.send('GET', '/photos/a')
    expect(after.text).toBe('Hello, World')
    expect(after.headers).toEqual({ ...before.headers, 'x-amz-tagging-count': '1' })
  })

  it('tags can be set on a file that was put there by hand', async () => {
    await writeFile(join(s3.folder, 'photos', 'by-hand'), 'x')
    const { etag } = (await s3.send('HEAD', '/photos/by-hand')).headers
    await s3.send('PUT', '/photos/by-hand?tagging', { body: tagging([['team', 'blue']]) })

    expect(await readTags('by-hand')).toEqual([['team', 'blue']])
    expect((await s3.send('HEAD', '/photos/by-hand')).headers['etag']).toBe(etag)
  })

  it.each([
    [
      'a repeated name',
      tagging([
        ['a', '1'],
        ['a', '2'],
      ]),
      'InvalidTag',
    ],
    ['11 tags', tagging(Array.from({ length: 11 }, (_, i) => [`t${i}`, ''])), 'BadRequest'],
    ['an empty name', tagging([['', '1']]), 'InvalidTag'],
    ['a name of 129 characters', tagging([['a'.repeat(129), '1']]), 'InvalidTag'],
    ['a value of 257 characters', tagging([['a', 'v'.repeat(257)]]), 'InvalidTag'],
    ['a Tag without a Key', '<Tagging><TagSet><Tag/></TagSet></Tagging>', 'MalformedXML'],
    ['no TagSet', '<Tagging/>', 'MalformedXML'],
    ['another document', '<Delete/>', 'MalformedXML'],
    ['a body that is not XML', 'team=blue', 'MalformedXML'],
  ])('the tags of an object are unchanged after a PUT with %s', async (_what, body, code) => {
    await put('a', { 'x-amz-tagging': 'team=blue' })
    expect(await s3.send('PUT', '/photos/a?tagging', { body })).toMatchObject({ status: 400, code })
    expect(await readTags('a')).toEqual([['team', 'blue']])
  })

  it.each(['GET', 'PUT', 'DELETE'])('%s of tags needs an existing object', async (method) => {
    const ask = method === 'PUT' ? { body: tagging([]) } : {}
    for (const [path, code] of [
      ['/photos/none', 'NoSuchKey'],
      ['/none-such/a', 'NoSuchBucket'],
    ] as const)
      expect(await s3.send(method, `${path}?tagging`, ask)).toMatchObject({ status: 404, code })
  })

  it.each([
    ['GET', 's3:GetObjectTagging'],
    ['PUT', 's3:PutObjectTagging'],
    ['DELETE', 's3:DeleteObjectTagging'],
  ])('%s of tags needs the action %s', async (method, action) => {
    await put('a')
    s3.allow = (request) => request.action !== action
    expect(await s3.send(method, '/photos/a?tagging', { body: tagging([]) })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    })
    expect(s3.asked.at(-1)).toMatchObject({ action, bucket: 'photos', object: 'a' })
  })
})

describe('the attributes of an object', () => {
  const ask = (names: string, more: Record<string, string> = {}): Promise<Answer> =>
    s3.send('GET', '/photos/a?attributes', {
      headers: { 'x-amz-object-attributes': names, ...more },
    })

  it('GetObjectAttributes returns the requested attributes, in the order that S3 uses', async () => {
    const { headers } = await put('a', { 'x-amz-checksum-crc32': 'JluGxg==' })
    expect(headers['etag']).toBe('"82bb413746aee42f89dea2b59614f9ef"')

    expect((await ask('ObjectSize, ETag,StorageClass,Checksum,ObjectParts')).text).toContain(
      '<ETag>82bb413746aee42f89dea2b59614f9ef</ETag>' +
        '<Checksum><ChecksumCRC32>JluGxg==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></Checksum>' +
        '<StorageClass>STANDARD</StorageClass><ObjectSize>12</ObjectSize></GetObjectAttributesResponse>',
    )
    expect((await ask('ObjectSize')).text).toContain('/"><ObjectSize>12</ObjectSize></')
  })

  it('GetObjectAttributes returns the parts of an upload, one page at a time', async () => {
    const begun = await s3.send('POST', '/photos/a?uploads')
    const [uploadId] = texts(begun.text, 'UploadId')
    const sizes = [5 << 20, 5 << 20, 7]
    const parts: string[] = []
    for (const [index, size] of sizes.entries()) {
      const target = `/photos/a?partNumber=${index + 1}&uploadId=${uploadId ?? ''}`
      const { headers } = await s3.send('PUT', target, { body: Buffer.alloc(size) })
      const number = `<PartNumber>${index + 1}</PartNumber>`
      parts.push(`<Part>${number}<ETag>${headers['etag'] ?? ''}</ETag></Part>`)
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    await s3.send('POST', `/photos/a?uploadId=${uploadId ?? ''}`, { body })

    const first = (await ask('ObjectParts', { 'x-amz-max-parts': '2' })).text
    expect(texts(first, 'Size')).toEqual(['5242880', '5242880'])
    expect([texts(first, 'PartsCount'), texts(first, 'IsTruncated')]).toEqual([['3'], ['true']])
    const [marker = ''] = texts(first, 'NextPartNumberMarker')
    const rest = (await ask('ObjectParts', { 'x-amz-part-number-marker': marker })).text
    expect([texts(rest, 'PartNumber'), texts(rest, 'Size')]).toEqual([['3'], ['7']])
    expect(texts(rest, 'IsTruncated')).toEqual(['false'])
  })

  it.each([
    ['no attribute', '', 'InvalidRequest'],
    ['an unknown attribute', 'ETag,Secret', 'InvalidArgument'],
  ])('GetObjectAttributes is refused if %s is named', async (_what, names, code) => {
    await put('a')
    expect(await ask(names)).toMatchObject({ status: 400, code })
  })

  it('GetObjectAttributes needs both permissions, as AWS documents', async () => {
    await put('a')
    for (const denied of ['s3:GetObjectAttributes', 's3:GetObject']) {
      s3.allow = ({ action }) => action !== denied
      expect(await ask('ETag')).toMatchObject({ status: 403, code: 'AccessDenied' })
    }
  })
})
