import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isBucketHost,
  readAddress,
  readHostBucket,
} from '../../../../src/server/s3/request/address.ts'
import { openHarness } from '../../../support/server/s3-harness.ts'

const domains = ['s3.example.com', 's3.localhost']

function read(rawPath: string, host = '127.0.0.1:9000'): ReturnType<typeof readAddress> {
  return readAddress({ rawPath, headers: new Map([['host', host]]) }, domains)
}

describe('the address of a request', () => {
  it.each([
    ['127.0.0.1:9000', '/', '', ''],
    ['127.0.0.1:9000', '', '', ''],
    ['127.0.0.1:9000', '/photos', 'photos', ''],
    ['127.0.0.1:9000', '/photos/', 'photos', ''],
    ['127.0.0.1:9000', '/photos//a', 'photos', '/a'],
    ['[::1]:9000', '/photos/a%2Fb+c', 'photos', 'a/b+c'],
    ['', '/photos/a', 'photos', 'a'],
    ['photos.s3.example.com', '/a/b', 'photos', 'a/b'],
    ['PHOTOS.S3.Example.com:9000', '/', 'photos', ''],
    ['photos.s3.example.com.', '/a', 'photos', 'a'],
    ['photos.localhost.:9000', '/a', 'photos', 'a'],
    ['photos.s3.localhost', '/a', 'photos', 'a'],
    ['s3.localhost', '/photos/a', 'photos', 'a'],
    ['my_host:9000', '/photos/a', 'photos', 'a'],
  ])(
    'the host %j with the path %j addresses the bucket %j and the key %j',
    (host, path, bucket, key) => {
      expect(read(path, host)).toEqual({ bucket, key })
    },
  )

  it.each(['//', '//photos', '//photos/a', '///a', 'photos/a'])(
    'the path %j has no bucket and is refused',
    (path) => {
      expect(() => read(path)).toThrow(expect.objectContaining({ code: 'InvalidURI', status: 400 }))
    },
  )

  it.each([
    '.localhost',
    '..localhost',
    'a..localhost',
    '.s3.example.com',
    '.',
    'photos.localhost,other.localhost',
    '127.0.0.1:9000,127.0.0.1:9000',
    'photos.localhost..',
    'photos.localhost:port',
    'photos/a.localhost',
    'pho tos.localhost',
  ])('the host %j is refused, whatever the path is', (host) => {
    for (const path of ['/', '/photos/a'])
      expect(() => read(path, host)).toThrow(
        expect.objectContaining({ code: 'InvalidRequest', status: 400 }),
      )
    expect(isBucketHost(host, domains)).toBe(true)
  })

  it('an address with a key always has a bucket, whatever the host and the path are', () => {
    const pieces = fc.constantFrom('/', '%2F', '.', '%2e', 'a', 'B', '%', '\\', '?', ' ', '%00')
    const labels = fc.constantFrom('.', 'a', 'B', '_', 'localhost', ':', '80', ',', '[', ']', '')
    const texts = (parts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc.array(parts, { maxLength: 6 }).map((all) => all.join(''))
    fc.assert(
      fc.property(texts(pieces), texts(labels), (path, host) => {
        let address: ReturnType<typeof read>
        try {
          address = read(`/${path}`, host)
        } catch (error) {
          expect(error).toMatchObject({ status: 400 })
          return
        }
        expect(address.key === '' || address.bucket !== '').toBe(true)
        const hostBucket = readHostBucket(host, domains)
        expect(hostBucket).toBe(hostBucket?.toLowerCase())
        expect(hostBucket).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a key without a bucket', () => {
  it.each([
    ['//bkt1/a', undefined],
    ['///bkt1/a', undefined],
    ['/', '.localhost'],
    ['/bkt1/a', '.localhost'],
  ])('a GET of %j at the host %j does not list buckets', async (target, host) => {
    const s3 = await openHarness()
    try {
      await s3.send('PUT', '/bkt1')
      s3.asked.length = 0
      // The signer makes no URL with such a host.
      const tamper = (headers: Record<string, string>): void => {
        if (host !== undefined) headers['host'] = host
      }
      const answer = await s3.send('GET', target, { tamper })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('<Error>')
      expect(s3.asked).toEqual([])
    } finally {
      await s3.close()
    }
  })
})
