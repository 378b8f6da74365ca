import { createHash, createHmac } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { presignUrl } from '../../../../src/protocol/sigv4/sign.ts'
import {
  openHarness,
  region,
  root,
  startMs,
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

const client = new S3Client({
  endpoint: 'http://127.0.0.1:9000',
  forcePathStyle: true,
  region,
  credentials: root,
})

/** Presigns with the SDK's own presigner. */
async function presign(
  command: CopyObjectCommand | CreateMultipartUploadCommand | PutObjectCommand | UploadPartCommand,
): Promise<string> {
  const options = { expiresIn: 60, signingDate: new Date(startMs) }
  // the SDK's types do not fit each other under exactOptionalPropertyTypes
  const url = new URL(await getSignedUrl(client, command as never, options))
  return `${url.pathname}${url.search}`
}

const use = (method: string, target: string, ask: { body?: string } = {}): Promise<Answer> =>
  s3.send(method, target, { ...ask, isAnonymous: true })

/** Presigns with signature version 4, whatever the query contains. */
const presignRaw = (method: string, target: string): string => {
  const request = { method, url: new URL(target, 'http://127.0.0.1:9000') }
  const options = { region, service: 's3' as const, nowMs: startMs, expiresSeconds: 60 }
  const { pathname, search } = presignUrl(request, root, options)
  return `${pathname}${search}`
}

const at = { Bucket: 'photos', Key: 'a' }

describe('a URL presigned by the AWS SDK', () => {
  it('a presigned URL for a copy copies the object, and needs permission for the source', async () => {
    await s3.send('PUT', '/photos/source', { body: 'the source' })
    const url = await presign(new CopyObjectCommand({ ...at, CopySource: 'photos/source' }))
    s3.allow = ({ object }) => object !== 'source'
    expect(await use('PUT', url)).toMatchObject({ status: 403, code: 'AccessDenied' })
    s3.allow = () => true
    expect(await use('PUT', url)).toMatchObject({ status: 200 })
    expect((await s3.send('GET', '/photos/a')).text).toBe('the source')
  })

  it('a presigned URL stores the metadata, the tags and the storage class that it names', async () => {
    const url = await presign(
      new PutObjectCommand({
        ...at,
        Metadata: { colour: 'blue' },
        Tagging: 'team=red',
        ACL: 'private',
        StorageClass: 'STANDARD',
      }),
    )
    expect((await use('PUT', url, { body: 'a photo' })).status).toBe(200)
    const { headers } = await s3.send('HEAD', '/photos/a')
    expect(headers).toMatchObject({ 'x-amz-meta-colour': 'blue', 'x-amz-tagging-count': '1' })
  })

  it('a presigned URL starts an upload with the metadata and the checksum algorithm that it names', async () => {
    const url = await presign(
      new CreateMultipartUploadCommand({
        ...at,
        Metadata: { colour: 'blue' },
        ChecksumAlgorithm: 'SHA256',
      }),
    )
    const answer = await use('POST', url)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'x-amz-checksum-algorithm': 'SHA256' },
    })
  })

  it('a presigned URL made without a body accepts any body, though the SDK adds the checksum of an empty one', async () => {
    const put = await presign(new PutObjectCommand(at))
    expect(put).toContain('x-amz-checksum-crc32=AAAAAA')
    expect((await use('PUT', put, { body: 'a photo' })).status).toBe(200)
    expect((await s3.send('GET', '/photos/a')).text).toBe('a photo')

    const created = await s3.send('POST', '/photos/b?uploads')
    const [UploadId = ''] = texts(created.text, 'UploadId')
    const part = new UploadPartCommand({ Bucket: 'photos', Key: 'b', PartNumber: 1, UploadId })
    expect((await use('PUT', await presign(part), { body: 'a part' })).status).toBe(200)
  })

  it('a presigned URL with a checksum accepts only the body with that checksum', async () => {
    const sha256 = createHash('sha256').update('a photo').digest('base64')
    const url = await presign(new PutObjectCommand({ ...at, ChecksumSHA256: sha256 }))
    expect((await use('PUT', url, { body: 'a phony' })).status).toBe(400)
    expect((await s3.send('HEAD', '/photos/a')).status).toBe(404)
    expect((await use('PUT', url, { body: 'a photo' })).status).toBe(200)
  })
})

describe('headers in the query', () => {
  it.each([
    ['that is repeated', 'x-amz-meta-a=1&x-amz-meta-a=2'],
    ['that is repeated in two spellings', 'x-amz-meta-a=1&X-Amz-Meta-A=1'],
    ['with a line break', 'x-amz-meta-a=1%0D%0Ax-amz-acl:private'],
    ['with a character that is invalid in headers', 'x-amz-meta-a=%C4%80'],
    ['with an invalid header name', 'x-amz-meta-a%20b=1'],
    ['with escapes that are not UTF-8', 'x-amz-meta-a=%ff'],
    ['that spells a signature parameter differently', 'x-amz-expires=1'],
    ['that spells the payload hash differently', `x-amz-content-sha256=${'0'.repeat(64)}`],
  ])('a header in the query %s is refused', async (_what, query) => {
    for (const isPresigned of [true, false]) {
      const target = `/photos/a?${query}`
      const answer = isPresigned
        ? await use('PUT', presignRaw('PUT', target), { body: 'x' })
        : await s3.send('PUT', target, { body: 'x' })
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
    }
    expect((await s3.send('HEAD', '/photos/a')).status).toBe(404)
  })

  it('a header in the query has the same effect if the request is signed in its headers', async () => {
    const target = '/photos/a?X-Amz-Meta-Colour=blue&x-amz-tagging=a%3Db'
    expect((await s3.send('PUT', target, { body: 'x' })).status).toBe(200)
    const { headers } = await s3.send('HEAD', '/photos/a')
    expect(headers).toMatchObject({ 'x-amz-meta-colour': 'blue', 'x-amz-tagging-count': '1' })
    const bad = '/photos/a?x-amz-checksum-crc32=AAAAAA%3D%3D'
    expect((await s3.send('PUT', bad, { body: 'x' })).status).toBe(400)
  })

  it('a header in the query is refused if the request header has another value', async () => {
    const headers = { 'x-amz-meta-a': '1' }
    const send = (value: string): Promise<Answer> =>
      s3.send('PUT', `/photos/a?x-amz-meta-a=${value}`, { body: 'x', headers })
    expect(await send('2')).toMatchObject({ status: 400, code: 'InvalidArgument' })
    expect((await send('1')).status).toBe(200)
  })

  it('a header in the query of a URL with signature version 2 counts too, in the spelling that was signed', async () => {
    const sign = (lines: string): string => {
      const text = `PUT\n\n\n${startMs / 1000 + 60}\n${lines}/photos/a`.replace(/\.\d+/, '')
      return createHmac('sha1', root.secretAccessKey).update(text).digest('base64')
    }
    const target = (query: Record<string, string>, signed: string): string => {
      const all = { ...query, AWSAccessKeyId: root.accessKeyId, Signature: sign(signed) }
      const Expires = String(Math.floor(startMs / 1000 + 60))
      return `/photos/a?${new URLSearchParams({ ...all, Expires }).toString()}`
    }
    const upload = { body: 'x' }
    const meta = target({ 'X-Amz-Meta-A': '1' }, 'x-amz-meta-a:1\n')
    expect((await use('PUT', meta, upload)).status).toBe(200)
    expect((await s3.send('HEAD', '/photos/a')).headers).toMatchObject({ 'x-amz-meta-a': '1' })
    const unsigned = target({ 'X-Amz-Meta-A': '2' }, '')
    expect((await use('PUT', unsigned, upload)).code).toBe('SignatureDoesNotMatch')
    // one line with two headers, signed as two lines
    const folded = target(
      { 'x-amz-meta-a': '1\nx-amz-meta-b:2' },
      'x-amz-meta-a:1\nx-amz-meta-b:2\n',
    )
    expect((await use('PUT', folded, upload)).code).toBe('InvalidArgument')
  })

  it('a URL that boto3 signs with version 2 may name the content type, which must match the header', async () => {
    const expires = Math.floor(startMs / 1000) + 60
    const text = `PUT\n\ntext/plain\n${expires}\n/photos/a`
    const Signature = createHmac('sha1', root.secretAccessKey).update(text).digest('base64')
    const signed = { AWSAccessKeyId: root.accessKeyId, Signature, Expires: String(expires) }
    const send = (type: string): Promise<Answer> => {
      const query = new URLSearchParams({ 'content-type': type, ...signed }).toString()
      const headers = { 'content-type': 'text/plain' }
      return s3.send('PUT', `/photos/a?${query}`, { body: 'x', headers, isAnonymous: true })
    }
    expect((await send('text/html')).code).toBe('InvalidArgument')
    expect((await send('text/plain')).status).toBe(200)
    expect((await s3.send('HEAD', '/photos/a')).headers['content-type']).toBe('text/plain')
  })

  it('a header in the query sets the same value as the header itself, for any value', async () => {
    const value = fc.string({ unit: 'grapheme-ascii', maxLength: 30 }).map((text) => text.trim())
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const target = `/photos/a?x-amz-meta-a=${encodeURIComponent(text)}`
        expect((await use('PUT', presignRaw('PUT', target), { body: 'x' })).status).toBe(200)
        const hoisted = await s3.send('HEAD', '/photos/a')
        await s3.send('PUT', '/photos/b', { body: 'x', headers: { 'x-amz-meta-a': text } })
        const sent = await s3.send('HEAD', '/photos/b')
        expect(hoisted.headers['x-amz-meta-a']).toBe(sent.headers['x-amz-meta-a'])
      }),
      { numRuns: 20 },
    )
  })
})
