/** minio-go (and so mc) completes an upload with the checksum of the parts' checksums without the `-N` at the end. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { openHarness, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness
beforeAll(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterAll(() => s3.close())

const toText = (value: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}
const part = 'the only part'
const partChecksum = toText(crc32(part))
const composite = toText(crc32(Buffer.from(partChecksum, 'base64')))

async function complete(declared: string) {
  const algorithm = { 'x-amz-checksum-algorithm': 'CRC32' }
  const begun = await s3.send('POST', '/photos/a?uploads', { headers: algorithm })
  const [, uploadId = ''] = /<UploadId>([^<]+)/.exec(begun.text) ?? []
  const put = await s3.send('PUT', `/photos/a?partNumber=1&uploadId=${uploadId}`, {
    body: part,
    headers: { 'x-amz-checksum-crc32': partChecksum },
  })
  const crc = `<ChecksumCRC32>${partChecksum}</ChecksumCRC32>`
  const listed = `<Part><PartNumber>1</PartNumber><ETag>${put.headers['etag'] ?? ''}</ETag>${crc}</Part>`
  const body = `<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`
  const headers = { 'x-amz-checksum-crc32': declared }
  return s3.send('POST', `/photos/a?uploadId=${uploadId}`, { body, headers })
}

it.each([composite, `${composite}-1`])('an upload completes with checksum %s', async (declared) => {
  const { status, text } = await complete(declared)
  expect({ status, text }).toMatchObject({
    status: 200,
    text: expect.stringContaining(`<ChecksumCRC32>${composite}-1<`) as string,
  })
})

it.each([partChecksum, `${composite}-2`])('an upload fails with checksum %s', async (declared) => {
  expect(await complete(declared)).toMatchObject({ status: 400, code: 'BadDigest' })
})
