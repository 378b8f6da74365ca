import { crc32 } from 'node:zlib'
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

const get = (target: string, headers: Record<string, string> = {}): Promise<Answer> =>
  s3.send('GET', target, { headers })
const checksum = (text: string): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(text))
  return bytes.toString('base64')
}

describe('the list of buckets', () => {
  beforeEach(async () => {
    for (const name of ['alpha', 'beta-1', 'beta-2', 'beta-3']) await s3.send('PUT', `/${name}`)
  })

  it('the list of buckets comes in pages and can be limited to a prefix', async () => {
    const first = (await get('/?max-buckets=2&prefix=beta')).text
    expect(texts(first, 'Name')).toEqual(['beta-1', 'beta-2'])
    expect(texts(first, 'Prefix')).toEqual(['beta'])
    const [token = ''] = texts(first, 'ContinuationToken')
    const second = (await get(`/?max-buckets=2&prefix=beta&continuation-token=${token}`)).text
    expect(texts(second, 'Name')).toEqual(['beta-3'])
    expect(texts(second, 'ContinuationToken')).toEqual([])
    expect(texts((await get('/')).text, 'Name')).toHaveLength(5)
  })

  it('the list of buckets contains only buckets of the requested region', async () => {
    expect(texts((await get('/?bucket-region=us-east-1')).text, 'BucketRegion')).toHaveLength(5)
    expect(texts((await get('/?bucket-region=eu-west-1')).text, 'Name')).toEqual([])
  })

  it.each(['max-buckets=0', 'max-buckets=10001', 'max-buckets=all', 'continuation-token=%20'])(
    'the list of buckets is refused with %s',
    async (query) => {
      expect((await get(`/?${query}`)).code).toBe('InvalidArgument')
    },
  )
})

describe('the list of uploads', () => {
  beforeEach(async () => {
    for (const key of ['a', 'b/1', 'b/2', 'b/2', 'c/x/1', 'd'])
      await s3.send('POST', `/photos/${key}?uploads`)
  })

  const list = async (
    query: string,
  ): Promise<{ keys: string[]; prefixes: string[]; text: string }> => {
    const { text } = await get(`/photos?uploads&${query}`)
    const prefixes = [...text.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)].map(
      ([, name]) => name ?? '',
    )
    return { keys: texts(text, 'Key'), prefixes, text }
  }

  it('the list of uploads rolls keys up at a delimiter', async () => {
    expect(await list('delimiter=/')).toMatchObject({ keys: ['a', 'd'], prefixes: ['b/', 'c/'] })
    expect(await list('delimiter=/&prefix=b/')).toMatchObject({
      keys: ['b/1', 'b/2', 'b/2'],
      prefixes: [],
    })
    expect(await list('delimiter=/&prefix=c')).toMatchObject({ keys: [], prefixes: ['c/'] })
    expect((await list('delimiter=/')).text).toContain('<Delimiter>/</Delimiter>')
  })

  it.each(['', 'delimiter=/'])('uploads are listed in pages of any size with %j', async (query) => {
    const whole = await list(query)
    for (const size of [1, 2, 3]) {
      const keys: string[] = []
      const prefixes: string[] = []
      let next = ''
      for (let pages = 0; pages < 9; pages += 1) {
        const page = await list(`${query}&max-uploads=${size}${next}`)
        keys.push(...page.keys)
        prefixes.push(...page.prefixes)
        const [key] = texts(page.text, 'NextKeyMarker')
        if (key === undefined) break
        const [id = ''] = texts(page.text, 'NextUploadIdMarker')
        next = `&key-marker=${encodeURIComponent(key)}&upload-id-marker=${id}`
      }
      expect({ keys, prefixes }).toEqual({ keys: whole.keys, prefixes: whole.prefixes })
    }
  })
})

describe('a part', () => {
  it('a request for both a part number and a range is refused', async () => {
    await s3.send('PUT', '/photos/a', { body: 'a photo' })
    const answer = await get('/photos/a?partNumber=1', { range: 'bytes=0-1' })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(answer.text).toContain('Cannot specify both Range header and partNumber query parameter')
    const head = await s3.send('HEAD', '/photos/a?partNumber=1', {
      headers: { range: 'bytes=0-1' },
    })
    expect(head.status).toBe(400)
  })

  it('the list of parts refuses a marker that is not a number', async () => {
    const { id } = await begin()
    expect((await get(`/photos/a?uploadId=${id}&part-number-marker=x`)).code).toBe(
      'InvalidArgument',
    )
  })

  const begin = async (headers: Record<string, string> = {}): Promise<{ id: string }> => {
    const { text } = await s3.send('POST', '/photos/a?uploads', { headers })
    return { id: texts(text, 'UploadId')[0] ?? '' }
  }
  const put = (id: string, headers: Record<string, string>): Promise<Answer> =>
    s3.send('PUT', `/photos/a?partNumber=1&uploadId=${id}`, { body: 'a part', headers })
  const complete = (
    id: string,
    etag: string,
    { more = '', headers = {} }: { more?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag>${more}</Part>`
    const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
    return s3.send('POST', `/photos/a?uploadId=${id}`, { body, headers })
  }
  const crc = { 'x-amz-checksum-algorithm': 'CRC32' }
  const sha1 = `<ChecksumSHA1>${Buffer.alloc(20).toString('base64')}</ChecksumSHA1>`
  const other = `<ChecksumCRC32>${checksum('another')}</ChecksumCRC32>`

  it('a part must have the checksum algorithm of its upload', async () => {
    const { id } = await begin(crc)
    for (const headers of [
      { 'x-amz-checksum-crc32c': 'AAAAAA==' },
      { 'x-amz-checksum-algorithm': 'SHA256' },
      { 'x-amz-checksum-algorithm': 'MD4' },
    ])
      expect((await put(id, headers)).code).toBe('InvalidRequest')
  })

  it.each<[string, Record<string, string>, Parameters<typeof complete>[2], string]>([
    ['another algorithm', crc, { more: sha1 }, 'BadDigest'],
    ['another checksum', crc, { more: other }, 'InvalidPart'],
    [
      'an algorithm that an upload without checksums does not have',
      {},
      { more: sha1 },
      'InvalidPart',
    ],
    [
      'another type of checksum',
      crc,
      { headers: { 'x-amz-checksum-type': 'FULL_OBJECT' } },
      'InvalidRequest',
    ],
    [
      'a checksum type where there is none',
      {},
      { headers: { 'x-amz-checksum-type': 'COMPOSITE' } },
      'InvalidRequest',
    ],
    [
      'two checksums of the object',
      crc,
      { headers: { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' } },
      'InvalidRequest',
    ],
    [
      'a malformed checksum of the object',
      crc,
      { headers: { 'x-amz-checksum-crc32': 'AAAA' } },
      'InvalidRequest',
    ],
  ])('a part is not joined if it is listed with %s', async (_what, begun, given, code) => {
    const { id } = await begin(begun)
    const { headers } = await put(id, { 'x-amz-checksum-crc32': checksum('a part') })
    const etag = headers['etag'] ?? ''
    expect((await complete(id, etag, given)).code).toBe(code)
    expect((await s3.send('HEAD', '/photos/a')).status).toBe(404)
    const right = begun === crc ? `<ChecksumCRC32>${checksum('a part')}</ChecksumCRC32>` : ''
    expect((await complete(id, etag, { more: right })).status).toBe(200)
  })

  it('the server computes the checksum of an object if the client names only the algorithm', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x', headers: crc })
    const { headers } = await get('/photos/a', { 'x-amz-checksum-mode': 'ENABLED' })
    expect(headers['x-amz-checksum-crc32']).toBe(checksum('x'))
    const both = { ...crc, 'x-amz-checksum-sha1': Buffer.alloc(20).toString('base64') }
    const answer = await s3.send('PUT', '/photos/a', { body: 'x', headers: both })
    expect(answer.code).toBe('InvalidRequest')
  })
})
