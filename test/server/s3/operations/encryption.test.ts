/** Server-side encryption: S3's own keys as a label, keys of the customer (SSE-C) for real. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCustomerKey } from '../../../../src/server/s3/request/encryption-headers.ts'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness
beforeAll(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterAll(() => s3.close())

const name = 'x-amz-server-side-encryption'
type Headers = Record<string, string>

function keyHeaders(key: Buffer, prefix = 'x-amz'): Headers {
  const customer = `${prefix}-server-side-encryption-customer`
  return {
    [`${customer}-algorithm`]: 'AES256',
    [`${customer}-key`]: key.toString('base64'),
    [`${customer}-key-MD5`.toLowerCase()]: createHash('md5').update(key).digest('base64'),
  }
}
const sourceHeaders = (key: Buffer): Headers => keyHeaders(key, 'x-amz-copy-source')
const key = randomBytes(32)
const other = randomBytes(32)

function message({ text }: Answer): string | undefined {
  return /<Message>([^<]*)/.exec(text)?.[1]?.replaceAll('&apos;', "'")
}

/** Uploads parts, and returns the answer of the completion. */
async function putParts(
  target: string,
  parts: readonly Buffer[],
  headers: Headers,
): Promise<Answer> {
  const begun = await s3.send('POST', `${target}?uploads`, { headers })
  const [, id = ''] = /<UploadId>([^<]+)/.exec(begun.text) ?? []
  const ofPart = Object.fromEntries(
    Object.entries(headers).filter(([header]) => header.startsWith(`${name}-customer`)),
  )
  let list = ''
  for (const [index, body] of parts.entries()) {
    const at = `${target}?partNumber=${index + 1}&uploadId=${id}`
    const put = await s3.send('PUT', at, { body, headers: ofPart })
    expect(put.status).toBe(200)
    list += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${put.headers['etag'] ?? ''}</ETag></Part>`
  }
  const sizes = await s3.send('GET', `${target}?uploadId=${id}`)
  for (const part of parts) expect(sizes.text).toContain(`<Size>${part.length}</Size>`)
  const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`
  return s3.send('POST', `${target}?uploadId=${id}`, { body })
}

/** Returns all that the disk holds. */
async function readDisk(): Promise<Buffer> {
  const files = await readdir(s3.folder, { recursive: true, withFileTypes: true })
  const contents = files
    .filter((file) => file.isFile())
    .map((file) => readFile(join(file.parentPath, file.name)))
  return Buffer.concat(await Promise.all(contents))
}

describe("S3's own keys", () => {
  it('AES256 is said back by every operation on the object', async () => {
    const headers = { [name]: 'AES256' }
    const put = await s3.send('PUT', '/photos/labelled', { body: 'a photo', headers })
    expect(put.headers).toMatchObject(headers)
    expect((await s3.send('GET', '/photos/labelled')).headers).toMatchObject(headers)
    expect((await s3.send('HEAD', '/photos/labelled')).headers).toMatchObject(headers)
    expect(put.headers['etag']).toBe(`"${createHash('md5').update('a photo').digest('hex')}"`)
    const copied = await s3.send('PUT', '/photos/copy', {
      headers: { ...headers, 'x-amz-copy-source': 'photos/labelled' },
    })
    expect(copied.headers).toMatchObject(headers)
    await s3.send('PUT', '/photos/copy', { headers: { 'x-amz-copy-source': 'photos/labelled' } })
    expect((await s3.send('HEAD', '/photos/copy')).headers).not.toHaveProperty(name)
    const completed = await putParts('/photos/in-parts', [Buffer.from('x')], headers)
    expect(completed.headers).toMatchObject(headers)
    expect((await s3.send('HEAD', '/photos/in-parts')).headers).toMatchObject(headers)
  })

  it('objects of a bucket with default encryption say so, unless they have a key of their own', async () => {
    await s3.send('PUT', '/secure')
    const text =
      '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>'
    await s3.objects.writeBucketDocument('secure', 'encryption', text)
    const put = await s3.send('PUT', '/secure/a', { body: 'x' })
    expect(put.headers[name]).toBe('AES256')
    expect((await s3.send('HEAD', '/secure/a')).headers[name]).toBe('AES256')
    const own = await s3.send('PUT', '/secure/b', { body: 'x', headers: keyHeaders(key) })
    expect(own.headers).not.toHaveProperty(name)
    const begun = await s3.send('POST', '/secure/c?uploads')
    expect(begun.headers[name]).toBe('AES256')
  })

  it.each([
    [{ [name]: 'aws:kms' }, 'NotImplemented', 501],
    [{ [name]: 'aws:kms:dsse' }, 'NotImplemented', 501],
    [{ [name]: 'aes256' }, 'InvalidArgument', 400],
    [{ [`${name}-aws-kms-key-id`]: 'a-key' }, 'InvalidArgument', 400],
    [{ [name]: 'AES256', [`${name}-aws-kms-key-id`]: 'a-key' }, 'InvalidArgument', 400],
    [{ [`${name}-context`]: 'e30=' }, 'InvalidArgument', 400],
    [{ [name]: 'AES256', ...keyHeaders(key) }, 'InvalidArgument', 400],
  ])('an object, a copy and an upload with %j are refused: %s', async (headers, code, status) => {
    const refused = { code, status }
    expect(await s3.send('PUT', '/photos/refused', { body: 'x', headers })).toMatchObject(refused)
    expect(await s3.send('POST', '/photos/refused?uploads', { headers })).toMatchObject(refused)
    const copy = { ...headers, 'x-amz-copy-source': 'photos/a' }
    expect(await s3.send('PUT', '/photos/refused', { headers: copy })).toMatchObject(refused)
    expect((await s3.send('HEAD', '/photos/refused')).status).toBe(404)
  })

  it('a read that names a method of encryption is refused', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })
    for (const method of ['GET', 'HEAD'])
      expect((await s3.send(method, '/photos/a', { headers: { [name]: 'AES256' } })).status).toBe(
        400,
      )
  })
})

describe("a customer's key", () => {
  it('an object is encrypted on the disk, and read only with its key', async () => {
    const secret = 'a text that the disk must never hold'
    const put = await s3.send('PUT', '/photos/secret', { body: secret, headers: keyHeaders(key) })
    const said = keyHeaders(key)
    delete said[`${name}-customer-key`]
    expect(put.headers).toMatchObject({ ...said, 'x-amz-checksum-type': 'FULL_OBJECT' })
    expect(put.headers).not.toHaveProperty(`${name}-customer-key`)
    expect(put.headers['etag']).not.toBe(`"${createHash('md5').update(secret).digest('hex')}"`)
    const disk = await readDisk()
    expect(disk.includes(secret)).toBe(false)
    expect(disk.includes(key)).toBe(false)
    expect(disk.includes(key.toString('base64'))).toBe(false)

    const read = await s3.send('GET', '/photos/secret', { headers: keyHeaders(key) })
    expect(read).toMatchObject({ status: 200, text: secret })
    expect(read.headers).toMatchObject({ ...said, 'content-length': String(secret.length) })
    const asked = s3.asked.map(({ conditions }) => [...(conditions ?? [])])
    expect(JSON.stringify([read.log, asked])).not.toContain(key.toString('base64'))
    expect(JSON.stringify(asked)).toContain('Server-Side-Encryption-Customer-Algorithm')
    for (const method of ['GET', 'HEAD']) {
      expect((await s3.send(method, '/photos/secret')).status).toBe(400)
      const wrong = await s3.send(method, '/photos/secret', { headers: keyHeaders(other) })
      expect(wrong.status).toBe(403)
    }
    expect(message(await s3.send('GET', '/photos/secret'))).toBe(
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
    const list = await s3.send('GET', '/photos?prefix=secret')
    expect(list.text).toContain(`<Size>${secret.length}</Size>`)
    const wanted = { 'x-amz-object-attributes': 'ObjectSize' }
    expect((await s3.send('GET', '/photos/secret?attributes', { headers: wanted })).status).toBe(
      400,
    )
    const headers = { ...wanted, ...keyHeaders(key) }
    const attributes = await s3.send('GET', '/photos/secret?attributes', { headers })
    expect(attributes.text).toContain(`<ObjectSize>${secret.length}</ObjectSize>`)
  })

  it.each([
    ['key-md5', createHash('md5').update('other').digest('base64'), 'InvalidArgument'],
    ['key', Buffer.alloc(16).toString('base64'), 'InvalidArgument'],
    ['key', undefined, 'InvalidArgument'],
    ['key-md5', undefined, 'InvalidArgument'],
    ['algorithm', undefined, 'InvalidArgument'],
    ['algorithm', 'AES128', 'InvalidEncryptionAlgorithmError'],
  ])('a key whose %s is %s is refused, and not repeated', async (part, value, code) => {
    const headers = keyHeaders(key)
    if (value === undefined) delete headers[`${name}-customer-${part}`]
    else headers[`${name}-customer-${part}`] = value
    const put = await s3.send('PUT', '/photos/refused', { body: 'x', headers })
    expect(put).toMatchObject({ status: 400, code })
    expect(put.text).not.toContain(key.toString('base64'))
    expect((await s3.send('HEAD', '/photos/refused')).status).toBe(404)
  })

  it('a key is taken over TLS and from this machine only', () => {
    const headers = new Map(Object.entries(keyHeaders(key)))
    for (const remoteAddress of ['10.0.0.1', '', '::ffff:10.0.0.1', '2001:db8::1'])
      expect(() => readCustomerKey({ headers, isTls: false, remoteAddress })).toThrow(
        'must be made over a secure connection.',
      )
    for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect(readCustomerKey({ headers, isTls: false, remoteAddress })).toBeDefined()
    expect(readCustomerKey({ headers, isTls: true, remoteAddress: '10.0.0.1' })).toBeDefined()
  })

  it('a key for an object that was stored without one is refused', async () => {
    await s3.send('PUT', '/photos/plain', { body: 'x' })
    const read = await s3.send('GET', '/photos/plain', { headers: keyHeaders(key) })
    expect(read).toMatchObject({ status: 400, code: 'InvalidRequest' })
  })

  it('conditions, ranges and parts are those of the plaintext', async () => {
    const parts = [
      randomBytes(5 * 1024 * 1024 + 3),
      randomBytes(5 * 1024 * 1024),
      randomBytes(70_000),
    ]
    const whole = Buffer.concat(parts)
    await putParts('/photos/large', parts, keyHeaders(key))
    const headers = keyHeaders(key)
    const read = await s3.send('GET', '/photos/large', { headers })
    expect(read.body.equals(whole)).toBe(true)
    const etag = read.headers['etag'] ?? ''
    expect(etag).toMatch(/-3"$/)
    for (const [index, part] of parts.entries()) {
      const one = await s3.send('GET', `/photos/large?partNumber=${index + 1}`, { headers })
      expect(one.body.equals(part)).toBe(true)
    }
    const match = { ...headers, 'if-none-match': etag }
    expect((await s3.send('GET', '/photos/large', { headers: match })).status).toBe(304)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(200_000), async (start, length) => {
        const end = Math.min(whole.length - 1, start + length)
        const range = { ...headers, range: `bytes=${start}-${end}` }
        const { status, body } = await s3.send('GET', '/photos/large', { headers: range })
        expect(status).toBe(206)
        expect(body.equals(whole.subarray(start, end + 1))).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  it('a part must come with the key of its upload', async () => {
    const begun = await s3.send('POST', '/photos/b?uploads', { headers: keyHeaders(key) })
    const [, id = ''] = /<UploadId>([^<]+)/.exec(begun.text) ?? []
    const target = `/photos/b?partNumber=1&uploadId=${id}`
    const bare = await s3.send('PUT', target, { body: 'x' })
    expect(message(bare)).toMatch(/^The multipart upload initiate requested encryption\./)
    const wrong = await s3.send('PUT', target, { body: 'x', headers: keyHeaders(other) })
    expect(message(wrong)).toMatch(/did not match the ones used originally\.$/)
    const plain = await s3.send('POST', '/photos/b?uploads')
    const [, plainId = ''] = /<UploadId>([^<]+)/.exec(plain.text) ?? []
    const needless = await s3.send('PUT', `/photos/b?partNumber=1&uploadId=${plainId}`, {
      body: 'x',
      headers: keyHeaders(key),
    })
    expect(message(needless)).toMatch(/^The multipart upload initiate did not request encryption\./)
  })

  const content = randomBytes(200_000)
  const checksum = { 'x-amz-checksum-mode': 'ENABLED' }
  it.each([
    ['a key', 'another', key, other],
    ['a key', 'the same', key, key],
    ['no key', 'one', undefined, key],
    ['a key', 'none', key, undefined],
  ])(
    'an object with %s is copied to one with %s, whole and in ranges',
    async (_from, _to, from, to) => {
      const own = from ? keyHeaders(from) : {}
      const target = to ? keyHeaders(to) : {}
      const put = await s3.send('PUT', '/photos/from', { body: content, headers: own })
      const copy = { 'x-amz-copy-source': 'photos/from', ...(from ? sourceHeaders(from) : {}) }
      const copied = await s3.send('PUT', '/photos/to', { headers: { ...copy, ...target } })
      expect(copied.status).toBe(200)
      const read = await s3.send('GET', '/photos/to', { headers: { ...target, ...checksum } })
      expect(read.body.equals(content)).toBe(true)
      const crc = 'x-amz-checksum-crc64nvme'
      expect(read.headers[crc]).toBe(put.headers[crc])
      const md5 = createHash('md5').update(content).digest('hex')
      if (to === undefined) expect(read.headers['etag']).toBe(`"${md5}"`)

      const begun = await s3.send('POST', '/photos/ranges?uploads', { headers: target })
      const [, id = ''] = /<UploadId>([^<]+)/.exec(begun.text) ?? []
      const range = { 'x-amz-copy-source-range': 'bytes=1000-150000' }
      const part = await s3.send('PUT', `/photos/ranges?partNumber=1&uploadId=${id}`, {
        headers: { ...copy, ...target, ...range },
      })
      const [, etag = ''] = /<ETag>[^<]*?([0-9a-f]{32})/.exec(part.text) ?? []
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
      expect((await s3.send('POST', `/photos/ranges?uploadId=${id}`, { body })).status).toBe(200)
      const piece = await s3.send('GET', '/photos/ranges', { headers: target })
      expect(piece.body.equals(content.subarray(1000, 150_001))).toBe(true)
    },
  )

  it('a copy needs the key of its source, and can change the key of an object in place', async () => {
    await s3.send('PUT', '/photos/from', { body: 'x', headers: keyHeaders(key) })
    const copy = { 'x-amz-copy-source': 'photos/from' }
    expect((await s3.send('PUT', '/photos/to2', { headers: copy })).status).toBe(400)
    const wrong = { ...copy, ...sourceHeaders(other) }
    expect((await s3.send('PUT', '/photos/to2', { headers: wrong })).status).toBe(403)
    const rotated = { ...copy, ...sourceHeaders(key), ...keyHeaders(other) }
    expect((await s3.send('PUT', '/photos/from', { headers: rotated })).status).toBe(200)
    const read = await s3.send('GET', '/photos/from', { headers: keyHeaders(other) })
    expect(read.text).toBe('x')
    const retagged = { 'x-amz-object-attributes': 'ObjectSize', ...keyHeaders(key) }
    expect((await s3.send('GET', '/photos/from?attributes', { headers: retagged })).status).toBe(
      403,
    )
  })

  it('each version of an object is read with its own key, and listed with its own size', async () => {
    await s3.send('PUT', '/versions')
    await s3.objects.writeBucketDocument('versions', 'versioning', 'Enabled')
    const first = await s3.send('PUT', '/versions/a', { body: 'first', headers: keyHeaders(key) })
    await s3.send('PUT', '/versions/a', { body: 'the second', headers: keyHeaders(other) })
    const id = first.headers['x-amz-version-id'] ?? ''
    const older = await s3.send('GET', `/versions/a?versionId=${id}`, { headers: keyHeaders(key) })
    expect(older.text).toBe('first')
    const wrong = await s3.send('GET', '/versions/a', { headers: keyHeaders(key) })
    expect(wrong.status).toBe(403)
    const list = await s3.send('GET', '/versions?versions')
    for (const size of [5, 10]) expect(list.text).toContain(`<Size>${size}</Size>`)
    const copied = await s3.send('PUT', '/versions/b', {
      headers: { 'x-amz-copy-source': `versions/a?versionId=${id}`, ...sourceHeaders(key) },
    })
    expect(copied.status).toBe(200)
    expect((await s3.send('GET', '/versions/b')).text).toBe('first')
  })
})
