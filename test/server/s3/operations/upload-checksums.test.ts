/** Checksums of uploads in parts, by the rules of AWS's "Checking object integrity in Amazon S3". */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  emptyChecksum,
  loadChecksum,
  startChecksum,
  type ChecksumAlgorithm,
} from '../../../../src/server/s3/body/checksum.ts'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness
beforeAll(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterAll(() => s3.close())

const enabled = { 'x-amz-checksum-mode': 'ENABLED' }
const parts = [Buffer.alloc(5 * 1024 * 1024, 'first'), Buffer.from('the last part')]
const whole = Buffer.concat(parts)

function digest(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  const running = startChecksum(algorithm)
  running.update(bytes)
  return running.digest().toString('base64')
}

function composite(algorithm: ChecksumAlgorithm): string {
  const digests = parts.map((part) => Buffer.from(digest(algorithm, part), 'base64'))
  return `${digest(algorithm, Buffer.concat(digests))}-${parts.length}`
}

function find(text: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]*)<`).exec(text)?.[1]
}

async function begin(headers: Record<string, string> = {}): Promise<string> {
  const { text } = await s3.send('POST', '/photos/a?uploads', { headers })
  return find(text, 'UploadId') ?? ''
}

function put(id: string, number: number, headers: Record<string, string> = {}): Promise<Answer> {
  const body = parts[number - 1]
  return s3.send('PUT', `/photos/a?partNumber=${number}&uploadId=${id}`, { body, headers })
}

interface Listed {
  readonly etag: string
  readonly more?: string
}

function complete(
  id: string,
  listed: readonly Listed[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const list = listed.map(({ etag, more = '' }, index) => {
    return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag>${more}</Part>`
  })
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
  return s3.send('POST', `/photos/a?uploadId=${id}`, { body, headers })
}

/** Uploads both parts with their checksums. */
async function putAll(id: string, algorithm: ChecksumAlgorithm | undefined): Promise<Listed[]> {
  const listed: Listed[] = []
  for (const [index, part] of parts.entries()) {
    const value = algorithm && digest(algorithm, part)
    const header = `x-amz-checksum-${algorithm?.toLowerCase() ?? ''}`
    const answer = await put(id, index + 1, value === undefined ? {} : { [header]: value })
    expect(answer.status).toBe(200)
    const more =
      value === undefined ? '' : `<Checksum${algorithm ?? ''}>${value}</Checksum${algorithm ?? ''}>`
    listed.push({ etag: answer.headers['etag'] ?? '', more })
  }
  return listed
}

it('an object stored without a checksum gets the CRC64NVME that S3 computes by default', async () => {
  const stored = await s3.send('PUT', '/photos/plain', { body: '123456789' })
  // The check value of CRC-64/NVME in the catalogue of parametrised CRCs: ae8b14860a799888.
  const expected = Buffer.from('ae8b14860a799888', 'hex').toString('base64')
  const headers = { 'x-amz-checksum-crc64nvme': expected, 'x-amz-checksum-type': 'FULL_OBJECT' }
  expect(stored.headers).toMatchObject(headers)
  expect((await s3.send('HEAD', '/photos/plain', { headers: enabled })).headers).toMatchObject(
    headers,
  )
  expect((await s3.send('GET', '/photos/plain')).headers).not.toHaveProperty('x-amz-checksum-type')
  const copied = await s3.send('PUT', '/photos/copy', {
    headers: { 'x-amz-copy-source': 'photos/plain' },
  })
  expect(find(copied.text, 'ChecksumCRC64NVME')).toBe(expected)
})

it('an upload without an algorithm gets the CRC64NVME of the full object, whatever its parts declare', async () => {
  const id = await begin()
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32(parts[0] ?? ''))
  const first = await put(id, 1, { 'x-amz-checksum-crc32': crc.toString('base64') })
  expect(first.headers['x-amz-checksum-crc32']).toBe(crc.toString('base64'))
  expect((await put(id, 1, { 'x-amz-checksum-crc32': 'AAAAAA==' })).code).toBe('BadDigest')
  const second = await put(id, 2)
  const own = digest('CRC64NVME', parts[1] ?? Buffer.alloc(0))
  expect(second.headers['x-amz-checksum-crc64nvme']).toBe(own)
  const listed = [
    { etag: first.headers['etag'] ?? '' },
    { etag: second.headers['etag'] ?? '', more: `<ChecksumCRC64NVME>${own}</ChecksumCRC64NVME>` },
  ]
  const answer = await complete(id, listed)
  const value = digest('CRC64NVME', whole)
  expect(find(answer.text, 'ChecksumCRC64NVME')).toBe(value)
  expect(find(answer.text, 'ChecksumType')).toBe('FULL_OBJECT')
  const { headers } = await s3.send('HEAD', '/photos/a', { headers: enabled })
  expect(headers['x-amz-checksum-crc64nvme']).toBe(value)
})

it('a full-object checksum declared at the end is compared, also that of an upload without an algorithm', async () => {
  const id = await begin()
  const listed = await putAll(id, undefined)
  const right = digest('CRC64NVME', whole)
  for (const [headers, code] of [
    [{ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'BadDigest'],
    [{ 'x-amz-checksum-crc64nvme': `${right}-2` }, 'InvalidRequest'],
    [{ 'x-amz-checksum-crc32': 'AAAAAA==' }, 'InvalidRequest'],
    [{ 'x-amz-mp-object-size': String(whole.length + 1) }, 'InvalidRequest'],
    [{ 'x-amz-mp-object-size': '-1' }, 'InvalidRequest'],
  ] as const)
    expect((await complete(id, listed, headers)).code).toBe(code)
  const headers = {
    'x-amz-checksum-crc64nvme': right,
    'x-amz-mp-object-size': String(whole.length),
  }
  expect((await complete(id, listed, headers)).status).toBe(200)
})

it.each([
  'CRC32',
  'CRC32C',
  'MD5',
  'SHA1',
  'SHA256',
  'SHA512',
  'XXHASH128',
  'XXHASH3',
  'XXHASH64',
] as const)(
  'a composite %s has the checksums of its parts, which GET, HEAD and the attributes return',
  async (algorithm) => {
    const header = `x-amz-checksum-${algorithm.toLowerCase()}`
    await loadChecksum(algorithm)
    const id = await begin({ 'x-amz-checksum-algorithm': algorithm })
    const listed = await putAll(id, algorithm)
    const list = await s3.send('GET', `/photos/a?uploadId=${id}`)
    const values = parts.map((part) => digest(algorithm, part))
    for (const value of values) expect(list.text).toContain(`<Checksum${algorithm}>${value}<`)
    const answer = await complete(id, listed, { [header]: composite(algorithm) })
    expect(find(answer.text, `Checksum${algorithm}`)).toBe(composite(algorithm))
    for (const [index, value] of values.entries()) {
      const target = `/photos/a?partNumber=${index + 1}`
      const part = await s3.send('GET', target, { headers: enabled })
      expect(part.headers).toMatchObject({ [header]: value, 'x-amz-checksum-type': 'COMPOSITE' })
      expect((await s3.send('HEAD', target)).headers).not.toHaveProperty(header)
    }
    const attributes = await s3.send('GET', '/photos/a?attributes', {
      headers: { 'x-amz-object-attributes': 'Checksum,ObjectParts' },
    })
    const [bare = ''] = composite(algorithm).split('-')
    expect(attributes.text).toContain(
      `<Checksum><Checksum${algorithm}>${bare}</Checksum${algorithm}>`,
    )
    for (const value of values)
      expect(attributes.text).toContain(
        `</Size><Checksum${algorithm}>${value}</Checksum${algorithm}></Part>`,
      )
  },
)

it('each part of a composite must come, and be listed, with its checksum', async () => {
  const id = await begin({ 'x-amz-checksum-algorithm': 'SHA256' })
  const bare = await put(id, 1)
  expect(bare).toMatchObject({ status: 400, code: 'InvalidRequest' })
  expect(find(bare.text, 'Message')).toBe(
    'Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null',
  )
  const listed = await putAll(id, 'SHA256')
  const [first, second] = listed.map(({ etag }) => etag)
  const missing = await complete(id, [
    { etag: first ?? '', more: listed[0]?.more ?? '' },
    { etag: second ?? '' },
  ])
  expect(find(missing.text, 'Message')).toBe(
    'The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was missing for part 2 in the request.',
  )
  const wrong = createHash('sha256').update('other').digest('base64')
  for (const [more, code] of [
    [`<ChecksumSHA256>${wrong}</ChecksumSHA256>`, 'InvalidPart'],
    ['<ChecksumSHA256>no</ChecksumSHA256>', 'InvalidArgument'],
    [`${listed[0]?.more ?? ''}<ChecksumCRC32>AAAAAA==</ChecksumCRC32>`, 'InvalidArgument'],
    ['<ChecksumCRC32>AAAAAA==</ChecksumCRC32>', 'BadDigest'],
  ] as const)
    expect((await complete(id, [{ etag: first ?? '', more }])).code).toBe(code)
  expect((await complete(id, listed)).status).toBe(200)
})

it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
  'parts of a full-object %s need no checksum, neither with their bytes nor in the list',
  async (algorithm) => {
    const id = await begin({
      'x-amz-checksum-algorithm': algorithm.toLowerCase(),
      'x-amz-checksum-type': 'full_object',
    })
    const listed = await putAll(id, undefined)
    const answer = await complete(id, listed, { 'x-amz-checksum-type': 'FULL_OBJECT' })
    expect(find(answer.text, `Checksum${algorithm}`)).toBe(digest(algorithm, whole))
    const { headers } = await s3.send('GET', '/photos/a?partNumber=1', { headers: enabled })
    expect(headers).not.toHaveProperty('x-amz-checksum-type')
  },
)

it.each([
  [
    { 'x-amz-checksum-type': 'COMPOSITE' },
    'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
  ],
  [{ 'x-amz-checksum-type': 'BOTH' }, 'Value for x-amz-checksum-type header is invalid.'],
  [
    { 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' },
    'The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.',
  ],
  [
    { 'x-amz-checksum-algorithm': 'SHA1', 'x-amz-checksum-type': 'FULL_OBJECT' },
    'The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.',
  ],
])('an upload cannot begin with %j', async (headers, message) => {
  const answer = await s3.send('POST', '/photos/a?uploads', { headers })
  expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
  expect(find(answer.text, 'Message')).toBe(message)
})

it.each([
  [
    { 'x-amz-checksum-algorithm': 'CRC16' },
    /^Checksum algorithm provided is unsupported\. Please try again with any of the valid types: \[CRC32, CRC32C, CRC64NVME/,
  ],
  [{ 'x-amz-checksum-crc32': 'AAAA' }, /^Value for x-amz-checksum-crc32 header is invalid\.$/],
  [
    { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
    /^Expecting a single x-amz-checksum- header\./,
  ],
  [
    { 'x-amz-sdk-checksum-algorithm': 'CRC32C', 'x-amz-checksum-crc32': 'AAAAAA==' },
    /^Value for x-amz-sdk-checksum-algorithm header is invalid\.$/,
  ],
  [
    { 'x-amz-sdk-checksum-algorithm': 'CRC32' },
    /^x-amz-sdk-checksum-algorithm specified, but no corresponding/,
  ],
])('an object is refused with the checksum headers %j', async (headers, message) => {
  const answer = await s3.send('PUT', '/photos/refused', { body: 'x', headers })
  expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
  expect(find(answer.text, 'Message')).toMatch(message)
})

it.each([
  ['md5', '63M6AMDJ0zbmVpGjerVCkw=='],
  [
    'sha512',
    'Dh4h7PEF7IU9JNcohnrXBhPCFmOkaTB0sqNhnBvTnWa1iMM3I7tGbHJCToDjymPCSQeKs0e6uUKFAOfuQwWdDQ==',
  ],
  ['xxhash64', '+lb36/ER8bo='],
  ['xxhash3', 'jw+pSh/pbMQ='],
  ['xxhash128', '8BLDqqIWji+ITOsp/JjN/Q=='],
])('the checksum %s of an object is verified, stored and returned', async (name, value) => {
  const headers = { [`x-amz-checksum-${name}`]: value }
  const wrong = await s3.send('PUT', '/photos/newer', { body: 'other data', headers })
  expect(wrong).toMatchObject({ status: 400, code: 'BadDigest' })
  const stored = await s3.send('PUT', '/photos/newer', { body: 'test data', headers })
  expect(stored.headers).toMatchObject(headers)
  const head = await s3.send('HEAD', '/photos/newer', { headers: enabled })
  expect(head.headers).toMatchObject(headers)
  const copied = await s3.send('PUT', '/photos/newer-copy', {
    headers: { 'x-amz-copy-source': 'photos/plain', 'x-amz-checksum-algorithm': name },
  })
  expect(find(copied.text, `Checksum${name.toUpperCase()}`)).toBeDefined()
})

it('the known checksum of no bytes is that of the hash', async () => {
  for (const algorithm of ['XXHASH128', 'XXHASH3', 'XXHASH64'] as const) {
    await loadChecksum(algorithm)
    expect(emptyChecksum(algorithm)).toBe(digest(algorithm, Buffer.alloc(0)))
  }
})
