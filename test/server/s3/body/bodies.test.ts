import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signChunk, signTrailer } from '../../../../src/protocol/sigv4/chunk-signature.ts'
import { deriveSigningKey } from '../../../../src/protocol/sigv4/signing-key.ts'
import { startChecksum, type ChecksumAlgorithm } from '../../../../src/server/s3/body/checksum.ts'
import {
  md5,
  openHarness,
  region,
  root,
  sha256,
  type Ask,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

/** Expects that the key does not exist and that the staging folder is empty. */
async function expectNothingStored(): Promise<void> {
  expect((await s3.send('GET', '/photos/a')).code).toBe('NoSuchKey')
  expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
  expect(await readdir(join(s3.folder, 'photos'))).toEqual([])
}

function base64Crc32(data: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(data))
  return bytes.toString('base64')
}

const empty = sha256('')

interface ChunkedOptions {
  readonly sizes?: readonly number[]
  readonly trailer?: string
  readonly isSigned: boolean
  readonly change?: (body: string) => string
  readonly declaredLength?: number
}

/** Returns a body in `aws-chunked`; its first signature is the one that the harness makes for the request. */
function chunked(data: string, options: ChunkedOptions): Ask {
  const { trailer, isSigned } = options
  const form = `STREAMING-${isSigned ? 'AWS4-HMAC-SHA256' : 'UNSIGNED'}-PAYLOAD${trailer ? '-TRAILER' : ''}`
  const text = { current: '' }
  return {
    payloadHash: form,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(options.declaredLength ?? data.length),
      ...(trailer ? { 'x-amz-trailer': trailer.split(':')[0] ?? '' } : {}),
    },
    tamper: (headers) => {
      const body = encode(data, options, headers)
      text.current = options.change ? options.change(body) : body
    },
    body: Readable.from(
      (function* () {
        // odd sizes cut the chunk headers at any place
        const bytes = Buffer.from(text.current, 'latin1')
        for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37)
      })(),
    ),
  }
}

function encode(data: string, options: ChunkedOptions, headers: Record<string, string>): string {
  const amzDate = headers['x-amz-date'] ?? ''
  const scope = { date: amzDate.slice(0, 8), region, service: 's3' }
  const signature = /Signature=(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? ''
  const seed = {
    signingKey: deriveSigningKey(root.secretAccessKey, scope),
    signature,
    amzDate,
    scopeText: `${scope.date}/${region}/s3/aws4_request`,
  }
  let previous = signature
  let text = ''
  let rest = data
  for (const size of [...(options.sizes ?? [data.length]), 0]) {
    const chunk = rest.slice(0, size)
    rest = rest.slice(size)
    previous = options.isSigned ? signChunk(seed, previous, sha256(chunk)) : ''
    const extension = options.isSigned ? `;chunk-signature=${previous}` : ''
    text += `${size.toString(16)}${extension}\r\n${chunk}${size === 0 ? '' : '\r\n'}`
  }
  if (options.trailer === undefined) return `${text}\r\n`
  text += `${options.trailer}\r\n`
  if (!options.isSigned) return `${text}\r\n`
  return `${text}x-amz-trailer-signature:${signTrailer(seed, previous, sha256(`${options.trailer}\n`))}\r\n\r\n`
}

const hello = 'Hello, chunked World'
const helloTrailer = `x-amz-checksum-crc32:${base64Crc32(hello)}`

describe('aws-chunked', () => {
  it.each([
    ['signed', { isSigned: true, sizes: [8, 12] }],
    ['signed with a trailer', { isSigned: true, sizes: [8, 12], trailer: helloTrailer }],
    ['unsigned with a trailer', { isSigned: false, sizes: [1, 19], trailer: helloTrailer }],
  ])('an aws-chunked body that is %s is decoded, verified and stored', async (_, options) => {
    const put = await s3.send('PUT', '/photos/a', chunked(hello, options))

    expect(put).toMatchObject({ status: 200, headers: { etag: `"${md5(hello)}"` } })
    const got = await s3.send('GET', '/photos/a', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    expect(got.text).toBe(hello)
    expect(got.headers['content-encoding']).toBeUndefined()
    const hasTrailer = 'trailer' in options
    expect(got.headers['x-amz-checksum-crc32']).toBe(hasTrailer ? base64Crc32(hello) : undefined)
  })

  it.each([true, false])('a body of 1,025 tiny chunks is refused, signed: %s', async (isSigned) => {
    const of = (bytes: number, count: number): Ask =>
      chunked('x'.repeat(bytes * count), {
        isSigned,
        sizes: Array.from({ length: count }, () => bytes),
        ...(isSigned
          ? {}
          : { trailer: helloTrailer.replace(/:.*/, `:${base64Crc32('x'.repeat(bytes * count))}`) }),
      })
    expect((await s3.send('PUT', '/photos/b', of(1, 1024))).status).toBe(200)
    expect((await s3.send('PUT', '/photos/b', of(128, 1500))).status).toBe(200)
    await s3.send('DELETE', '/photos/b')
    const put = await s3.send('PUT', '/photos/a', of(1, 1025))
    expect(put).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(put.text).toContain('1025 chunks hold less than 128 bytes each; send larger ones')
    await expectNothingStored()
  })

  it.each([
    ['a changed byte', (body: string) => body.replace('World', 'Wormd'), 'SignatureDoesNotMatch'],
    [
      'a chunk left out',
      (body: string) => body.replace(/^8;.*\r\n.{8}\r\n/, ''),
      'SignatureDoesNotMatch',
    ],
    ['the end cut off', (body: string) => body.slice(0, -40), 'IncompleteBody'],
    [
      'the last chunk cut off',
      (body: string) => body.slice(0, body.lastIndexOf('0;')),
      'IncompleteBody',
    ],
    ['bytes after the end', (body: string) => `${body}more`, 'InvalidRequest'],
    [
      'unsigned chunks',
      (body: string) => body.replaceAll(/;chunk-signature=\w+/g, ''),
      'InvalidRequest',
    ],
    ['an endless chunk header', () => '0'.repeat(5000), 'InvalidRequest'],
    ['a negative size', (body: string) => `-${body}`, 'InvalidRequest'],
  ])('a signed aws-chunked body with %s stores nothing', async (_, change, code) => {
    const put = await s3.send(
      'PUT',
      '/photos/a',
      chunked(hello, { isSigned: true, sizes: [8, 12], change }),
    )

    expect(put).toMatchObject({ status: code === 'SignatureDoesNotMatch' ? 403 : 400, code })
    await expectNothingStored()
  })

  it('the server refuses a signed chunk over 16 MiB without waiting for its data', async () => {
    const ask = chunked(hello, {
      isSigned: true,
      declaredLength: 2 ** 30,
      change: () => `1100000;chunk-signature=${empty}\r\n`,
    })
    expect(await s3.send('PUT', '/photos/a', ask)).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
    })
    await expectNothingStored()
  })

  it.each([
    ['another signature', (body: string) => body.replace(/signature:\w{4}/, 'signature:0000')],
    ['no signature', (body: string) => body.replace(/x-amz-trailer-signature.*\r\n/, '')],
  ])('a signed trailer with %s stores nothing', async (_, change) => {
    const put = await s3.send(
      'PUT',
      '/photos/a',
      chunked(hello, { isSigned: true, trailer: helloTrailer, change }),
    )

    expect(put).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' })
    await expectNothingStored()
  })

  it.each([
    ['a wrong checksum', `x-amz-checksum-crc32:${base64Crc32('other')}`, undefined, 'BadDigest'],
    [
      'no trailer',
      helloTrailer,
      (body: string) => body.replace(/x-amz-checksum.*\r\n/, ''),
      'MalformedTrailerError',
    ],
    [
      'another trailer',
      helloTrailer,
      (body: string) => body.replace('crc32:', 'sha1:'),
      'MalformedTrailerError',
    ],
    [
      'a trailer over 16 KiB',
      helloTrailer,
      (body: string) => body.replace('crc32:', `crc32:${'A'.repeat(17_000)}`),
      'InvalidRequest',
    ],
  ])('an unsigned aws-chunked body with %s stores nothing', async (_, trailer, change, code) => {
    const put = await s3.send(
      'PUT',
      '/photos/a',
      chunked(hello, { isSigned: false, trailer, ...(change ? { change } : {}) }),
    )

    expect(put).toMatchObject({ status: 400, code })
    await expectNothingStored()
  })

  it.each([5, 500])('a 20-byte body declared as %i bytes is refused', async (declaredLength) => {
    const put = await s3.send(
      'PUT',
      '/photos/a',
      chunked(hello, { isSigned: true, declaredLength }),
    )

    expect(put).toMatchObject({ status: 400, code: 'IncompleteBody' })
    await expectNothingStored()
  })

  it('a request with an unsigned payload must still have a valid signature (CVE-2025-31489)', async () => {
    const ask = chunked(hello, { isSigned: false, trailer: helloTrailer })
    const answer = await s3.send('PUT', '/photos/a', {
      ...ask,
      tamper: (headers) => {
        ask.tamper?.(headers)
        headers['authorization'] = headers['authorization']?.replace(/.{8}$/, '00000000') ?? ''
      },
    })
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch', wasBodyRead: false })
    await expectNothingStored()
  })

  it('an aws-chunked form that is not implemented gets the answer 501', async () => {
    const ask = { body: 'x', payloadHash: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }
    expect(await s3.send('PUT', '/photos/a', ask)).toMatchObject({
      status: 501,
      wasBodyRead: false,
    })
  })
})

describe('a body', () => {
  it('a body with another hash than the signed one is not stored', async () => {
    const put = await s3.send('PUT', '/photos/a', { body: 'evil', payloadHash: sha256('good') })

    expect(put).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' })
    await expectNothingStored()
  })

  it('a body with a wrong hash leaves the existing object unchanged', async () => {
    await s3.send('PUT', '/photos/a', { body: 'old', headers: { 'x-amz-meta-v': '1' } })
    await s3.send('PUT', '/photos/a', { body: 'evil', payloadHash: sha256('good') })

    expect(await s3.send('GET', '/photos/a')).toMatchObject({
      text: 'old',
      headers: { 'x-amz-meta-v': '1' },
    })
  })

  it('an unsigned body is accepted and checked against its Content-MD5', async () => {
    const digest = createHash('md5').update('x').digest('base64')
    const ask = { body: 'x', payloadHash: 'UNSIGNED-PAYLOAD', headers: { 'content-md5': digest } }
    expect((await s3.send('PUT', '/photos/ok', ask)).status).toBe(200)
    expect(await s3.send('PUT', '/photos/a', { ...ask, body: 'y' })).toMatchObject({
      code: 'BadDigest',
    })
    expect(await s3.send('DELETE', '/photos/ok')).toMatchObject({ status: 204 })
    await expectNothingStored()
  })

  it.each(['short', '', Buffer.alloc(15).toString('base64')])(
    'a body with the Content-MD5 %j is refused before it is read',
    async (digest) => {
      const answer = await s3.send('PUT', '/photos/a', {
        body: 'x',
        headers: { 'content-md5': digest },
      })
      expect(answer).toMatchObject({ status: 400, code: 'InvalidDigest', wasBodyRead: false })
    },
  )

  it('a body that is too short or that the client aborts is not stored', async () => {
    const short = { body: Readable.from([Buffer.from('abc')]), payloadHash: 'UNSIGNED-PAYLOAD' }
    const headers = { 'content-length': '10' }
    expect((await s3.send('PUT', '/photos/a', { ...short, headers })).code).toBe('IncompleteBody')

    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('abc')
        throw new Error('aborted')
      })(),
    )
    const answer = await s3.send('PUT', '/photos/a', {
      body: broken,
      payloadHash: 'UNSIGNED-PAYLOAD',
      headers,
    })
    expect(answer.code).toBe('IncompleteBody')
    await expectNothingStored()
  })

  it('an upload must declare its length, and the length must not exceed 5 GiB', async () => {
    const body = Readable.from([Buffer.from('abc')])
    const none = await s3.send('PUT', '/photos/a', { body, payloadHash: 'UNSIGNED-PAYLOAD' })
    expect(none).toMatchObject({ status: 411, code: 'MissingContentLength', wasBodyRead: false })

    const headers = { 'content-length': String(5 * 2 ** 30 + 1) }
    const large = await s3.send('PUT', '/photos/a', {
      body,
      headers,
      payloadHash: 'UNSIGNED-PAYLOAD',
    })
    expect(large).toMatchObject({ status: 400, code: 'EntityTooLarge', wasBodyRead: false })
  })
})

describe('checksums', () => {
  // The check value of each CRC's catalogue entry is for "123456789"; node:crypto makes the hashes.
  const check = '123456789'
  it.each([
    ['CRC32', Buffer.from('cbf43926', 'hex')],
    ['CRC32C', Buffer.from('e3069283', 'hex')],
    ['CRC64NVME', Buffer.from('ae8b14860a799888', 'hex')],
    ['SHA1', createHash('sha1').update(check).digest()],
    ['SHA256', createHash('sha256').update(check).digest()],
  ] as const)(
    'the checksum %s is verified, stored and returned with the whole object',
    async (algorithm, digest) => {
      const header = `x-amz-checksum-${algorithm.toLowerCase()}`
      const value = digest.toString('base64')
      const put = await s3.send('PUT', '/photos/a', { body: check, headers: { [header]: value } })
      expect(put).toMatchObject({
        status: 200,
        headers: { [header]: value, 'x-amz-checksum-type': 'FULL_OBJECT' },
      })

      const enabled = { 'x-amz-checksum-mode': 'ENABLED' }
      const got = await s3.send('GET', '/photos/a', { headers: enabled })
      expect(got.headers).toMatchObject({ [header]: value, 'x-amz-checksum-type': 'FULL_OBJECT' })
      const plain = await s3.send('GET', '/photos/a')
      expect(plain.headers[header]).toBeUndefined()
      const part = await s3.send('GET', '/photos/a', {
        headers: { ...enabled, range: 'bytes=0-1' },
      })
      expect(part.headers[header]).toBeUndefined()

      const wrong = await s3.send('PUT', '/photos/b', {
        body: '12345678',
        headers: { [header]: value },
      })
      expect(wrong).toMatchObject({ status: 400, code: 'BadDigest' })
      expect((await s3.send('GET', '/photos/b')).code).toBe('NoSuchKey')
    },
  )

  it.each(['CRC32C', 'CRC64NVME'] as const)('the %s is the same for any split', (algorithm) => {
    const data = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) & 255))
    const digest = (pieces: Buffer[]): string => run(algorithm, pieces)
    const whole = digest([data])
    for (const cut of [1, 7, 8, 9, 500, 999]) {
      expect(digest([data.subarray(0, cut), data.subarray(cut)])).toBe(whole)
    }
    expect(digest([...data].map((byte) => Buffer.from([byte])))).toBe(whole)
  })

  it.each([
    [{ 'x-amz-checksum-crc32': 'NhCmhg' }],
    [{ 'x-amz-checksum-sha256': 'NhCmhg==' }],
    [{ 'x-amz-checksum-crc32': 'NhCmhg==', 'x-amz-checksum-crc32c': 'NhCmhg==' }],
    [{ 'x-amz-sdk-checksum-algorithm': 'CRC32' }],
  ])('an upload that declares %j is refused before it is read', async (headers) => {
    const answer = await s3.send('PUT', '/photos/a', { body: 'hello', headers })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest', wasBodyRead: false })
  })
})

function run(algorithm: ChecksumAlgorithm, pieces: readonly Buffer[]): string {
  const checksum = startChecksum(algorithm)
  for (const piece of pieces) checksum.update(piece)
  return checksum.digest().toString('hex')
}
