import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openPayload, type Payload } from '../../../../src/server/s3/body/payload.ts'
import { spoolUpload } from '../../../../src/server/s3/gateway/spool-upload.ts'
import { md5, sha256 } from '../../../support/server/s3-harness.ts'
import { makeHttpRequest } from '../../../support/server/make-request.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sts-cli-spool-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

function open(pieces: Iterable<Buffer>, maxBytes = Number.POSITIVE_INFINITY): Payload {
  const body = Readable.from(pieces)
  const request = makeHttpRequest({ method: 'PUT', rawPath: '/photos/a', body })
  const sizes = { minBytes: 0, maxBytes }
  return openPayload(request, { payloadHash: 'UNSIGNED-PAYLOAD', seed: undefined, maxBytes, sizes })
}

const piece = Buffer.alloc(100_000, 'a photo')
/** The digest that S3 wants with an object lock. */
const digest = (bytes: Buffer): string => Buffer.from(md5(bytes), 'hex').toString('base64')
const pieces = (count: number): Buffer[] => Array.from({ length: count }, () => piece)

it('a small upload is buffered in memory', async () => {
  const { headers, payloadHash, body } = await spoolUpload(open(pieces(2)))
  expect(body).toEqual(Buffer.concat(pieces(2)))
  const md5Text = digest(Buffer.concat(pieces(2)))
  expect(headers).toEqual({ 'content-length': '200000', 'content-md5': md5Text })
  expect(payloadHash).toBe(sha256(Buffer.concat(pieces(2))))
  expect(await readdir(folder)).toEqual([])
})

it('a long upload is buffered in a file that only its owner can read, until it has been read', async () => {
  const { headers, payloadHash, body } = await spoolUpload(open(pieces(30)))
  const [inside = ''] = await readdir(folder)
  expect((await stat(join(folder, inside, 'file'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, inside))).mode & 0o777).toBe(0o700)
  const md5Text = digest(Buffer.concat(pieces(30)))
  expect(headers).toEqual({ 'content-length': '3000000', 'content-md5': md5Text })
  expect(payloadHash).toBe(sha256(Buffer.concat(pieces(30))))

  expect(body).toBeInstanceOf(Readable)
  if (body instanceof Readable)
    expect((await buffer(body)).equals(Buffer.concat(pieces(30)))).toBe(true)
  await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]))
})

it('the file of an upload is removed if its reader gives up', async () => {
  const { body } = await spoolUpload(open(pieces(30)))
  expect(await readdir(folder)).toHaveLength(1)
  if (body instanceof Readable) {
    body.destroy()
    await finished(body).catch(() => {})
  }
  await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]))
})

it('the file of an upload is removed if the upload fails halfway', async () => {
  await expect(spoolUpload(open(pieces(30), 2_500_000))).rejects.toMatchObject({
    code: 'EntityTooLarge',
  })
  expect(await readdir(folder)).toEqual([])
})
