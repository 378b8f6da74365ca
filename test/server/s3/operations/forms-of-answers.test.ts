/** Answers as AWS documents them: what is there, what is not, and the refusals of single arguments. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
beforeEach(async () => {
  s3 = await openHarness({ domains: ['s3.example.test'] })
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

async function complete(target: string, host: string): Promise<Answer> {
  const headers = { host }
  const begun = await s3.send('POST', `${target}?uploads`, { headers })
  const [id = ''] = texts(begun.text, 'UploadId')
  const upload = `uploadId=${encodeURIComponent(id)}`
  const part = await s3.send('PUT', `${target}?partNumber=1&${upload}`, { headers, body: 'x' })
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers['etag'] ?? ''}</ETag></Part></CompleteMultipartUpload>`
  return s3.send('POST', `${target}?${upload}`, { headers, body })
}

describe('the location of a completed upload', () => {
  it.each([
    ['/photos/a%20b/%C3%A9', '127.0.0.1:9000', 'http://127.0.0.1:9000/photos/a%20b/%C3%A9'],
    ['/a/b', 'photos.s3.example.test', 'http://photos.s3.example.test/a/b'],
    ['/photos/photos', 'photos.s3.example.test', 'http://photos.s3.example.test/photos/photos'],
  ])('for %s at %s is %s', async (target, host, url) => {
    const answer = await complete(target, host)
    expect(texts(answer.text, 'Location')).toEqual([url])
    expect((await s3.send('GET', target, { headers: { host } })).text).toBe('x')
  })
})

describe('lists', () => {
  it('have a Delimiter only if one was asked for, and always a Prefix and the Marker of version 1', async () => {
    for (const query of ['', 'list-type=2', 'delimiter=']) {
      const { text } = await s3.send('GET', `/photos?${query}`)
      expect(text).not.toContain('<Delimiter>')
      expect(text).toContain('<Prefix></Prefix>')
      expect(text.includes('<Marker></Marker>')).toBe(!query.includes('list-type'))
    }
    for (const query of ['delimiter=%2F', 'list-type=2&delimiter=%2F'])
      expect(texts((await s3.send('GET', `/photos?${query}`)).text, 'Delimiter')).toEqual(['/'])
    const { text } = await s3.send('GET', '/photos?uploads')
    expect(text).not.toMatch(/<Delimiter>|<Prefix>|<ChecksumType>/)
    expect(text).toContain('<KeyMarker></KeyMarker>')
  })

  it('have an Owner in version 1, and in version 2 only if it was asked for', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })
    const hasOwner = async (query: string): Promise<boolean> => {
      return (await s3.send('GET', `/photos?${query}`)).text.includes('<Owner>')
    }
    expect(await hasOwner('')).toBe(true)
    expect(await hasOwner('list-type=2')).toBe(false)
    expect(await hasOwner('list-type=2&fetch-owner=false')).toBe(false)
    expect(await hasOwner('list-type=2&fetch-owner=true')).toBe(true)
  })
})

const uuid = '0c1f7a2e-9d3b-4c55-8e6f-2a7b9c1d3e5f'

describe('an argument', () => {
  beforeEach(() => s3.send('PUT', '/photos/a', { body: 'x' }))

  it.each([
    ['GET', '/photos/a?versionId=bogus', 'versionId', 'Invalid version id specified'],
    ['HEAD', '/photos/a?versionId=bogus', undefined, undefined],
    ['DELETE', '/photos/a?versionId=bogus', 'versionId', 'Invalid version id specified'],
    ['GET', '/photos/a?tagging&versionId=bogus', 'versionId', 'Invalid version id specified'],
    ['GET', '/photos/a?partNumber=0', 'partNumber', 'Part number must be an integer between 1 and'],
    [
      'GET',
      '/photos/a?partNumber=-1',
      'partNumber',
      'Part number must be an integer between 1 and',
    ],
    ['GET', '/photos/a?partNumber=x', 'partNumber', 'Part number must be an integer between 1 and'],
    ['GET', '/photos/a?partNumber=10001', 'partNumber', 'Part number must be an integer between 1'],
    ['PUT', '/photos/a?partNumber=0&uploadId=x', 'partNumber', 'Part number must be an integer'],
    [
      'GET',
      '/photos?max-keys=x',
      'max-keys',
      'Provided max-keys not an integer or within integer ra',
    ],
    [
      'GET',
      '/photos?max-keys=-1',
      'max-keys',
      'Argument max-keys must be an integer between 0 and',
    ],
    ['GET', '/photos?uploads&max-uploads=a', 'max-uploads', 'Provided max-uploads not an integer'],
    [
      'GET',
      '/photos?encoding-type=xml',
      'encoding-type',
      'Invalid Encoding Method specified in Re',
    ],
    [
      'GET',
      '/photos?list-type=2&continuation-token=%2B',
      'continuation-token',
      'The continuation token provided is incorrect',
    ],
    ['GET', '/?max-buckets=0', 'max-buckets', 'Argument max-buckets must be an integer between 1'],
  ])('of %s %s is refused by name', async (method, target, name, said) => {
    const { status, text, code } = await s3.send(method, target)
    expect(status).toBe(400)
    if (said === undefined) return
    expect(code).toBe('InvalidArgument')
    expect(texts(text, 'Message').join()).toContain(said)
    expect(texts(text, 'ArgumentName')).toEqual([name])
    expect(texts(text, 'ArgumentValue')).toHaveLength(1)
  })

  it.each(['x'.repeat(32), 'UIORUnfndfiufdisojhr398493jfdkjf', uuid])(
    'that may be another server’s version, %s, names no version',
    async (version) => {
      const answer = await s3.send('GET', `/photos/a?versionId=${version}`)
      expect(answer).toMatchObject({ status: 404, code: 'NoSuchVersion' })
    },
  )

  it('a part that the object does not have is not satisfiable', async () => {
    const answer = await s3.send('GET', '/photos/a?partNumber=2')
    expect(answer).toMatchObject({ status: 416, code: 'InvalidPartNumber' })
    expect(texts(answer.text, 'ActualPartCount')).toEqual(['1'])
  })

  it.each(['abc', 'A'.repeat(63), '', 'streaming', 'STREAMING-', 'UNSIGNED'])(
    'x-amz-content-sha256 with "%s" is refused before the signature is compared',
    async (payloadHash) => {
      const set = (headers: Record<string, string>): void => {
        headers['x-amz-content-sha256'] = payloadHash
      }
      for (const tamper of [set, () => {}]) {
        const answer = await s3.send('PUT', '/photos/b', { body: 'x', payloadHash, tamper })
        expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
        expect(texts(answer.text, 'ArgumentName')).toEqual(['x-amz-content-sha256'])
      }
    },
  )

  it('x-amz-content-sha256 of another body is refused by its own code', async () => {
    const payloadHash = '0'.repeat(64)
    const answer = await s3.send('PUT', '/photos/b', { body: 'x', payloadHash })
    expect(answer).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' })
  })
})

describe('a refusal', () => {
  it.each([
    ['a=1&a=2', 'Cannot provide multiple Tags with the same key'],
    ['=1', 'The TagKey you have provided is invalid'],
    [`a=${'v'.repeat(257)}`, 'The TagValue you have provided is invalid'],
    [
      Array.from({ length: 11 }, (_, i) => `t${i}=`).join('&'),
      'Object tags cannot be greater than',
    ],
  ])('of the tags %s says in S3’s words why', async (tags, said) => {
    const headers = { 'x-amz-tagging': tags }
    const answer = await s3.send('PUT', '/photos/a', { body: 'x', headers })
    expect(answer.status).toBe(400)
    expect(texts(answer.text, 'Message').join()).toContain(said)
  })

  it('of a method names the ones that the resource has', async () => {
    const answer = await s3.send('PATCH', '/photos/a')
    expect(answer).toMatchObject({
      status: 405,
      headers: { allow: 'DELETE, GET, HEAD, POST, PUT' },
    })
    expect(texts(answer.text, 'ResourceType')).toEqual(['OBJECT'])
  })

  it('of a condition names the header', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })
    const answer = await s3.send('PUT', '/photos/a', { headers: { 'if-none-match': '*' } })
    expect(texts(answer.text, 'Condition')).toEqual(['If-None-Match'])
  })
})

it.each([
  ['deflate, aws-chunked, gzip', 'deflate,gzip'],
  ['aws-chunked', undefined],
  ['AWS-Chunked,gzip', 'gzip'],
  ['gzip , aws-chunked,', 'gzip'],
])('an object sent with the encoding "%s" has the encoding %s', async (sent, kept) => {
  await s3.send('PUT', '/photos/a', { body: 'x', headers: { 'content-encoding': sent } })
  expect((await s3.send('HEAD', '/photos/a')).headers['content-encoding']).toBe(kept)
})
