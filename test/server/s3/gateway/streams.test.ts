import { request as sendRequest } from 'node:http'
import { crc32 } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../../../src/base/log.ts'
import { presignUrl } from '../../../../src/protocol/sigv4/sign.ts'
import { listen } from '../../../../src/server/http/listener.ts'
import { makeCertificate } from '../../../../src/server/http/self-signed-certificate.ts'
import {
  openHarness,
  openWithGateway,
  region,
  root,
  startMs,
} from '../../../support/server/s3-harness.ts'
import { toHandler } from '../../../support/server/make-request.ts'
import { keys, startUpstream } from '../../../support/server/scripted-upstream.ts'

const large = Buffer.alloc(1_000_000, 'abcdefghij')

function base64Crc32(data: Buffer): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(data))
  return bytes.toString('base64')
}

describe('a large upload', () => {
  it('a large upload keeps the checksum from its trailer', async () => {
    openWithGateway()
    const s3 = await openHarness()
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/photos')
    const trailer = `x-amz-checksum-crc32:${base64Crc32(large)}`
    const put = await s3.send('PUT', '/photos/a', {
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked,gzip',
        'x-amz-decoded-content-length': String(large.length),
        'x-amz-sdk-checksum-algorithm': 'CRC32',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      body: Buffer.concat([
        Buffer.from(`${large.length.toString(16)}\r\n`),
        large,
        Buffer.from(`\r\n0\r\n${trailer}\r\n\r\n`),
      ]),
    })
    expect(put).toMatchObject({ status: 200 })
    const got = await s3.send('GET', '/photos/a', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    expect(got.body.equals(large)).toBe(true)
    expect(got.headers).toMatchObject({
      'x-amz-checksum-crc32': base64Crc32(large),
      'content-encoding': 'gzip',
    })
  })

  it.each([262_144, 262_145, 327_680, 1_000_000])(
    'a large upload of %i bytes with a checksum trailer is sent with its real length',
    async (size) => {
      const upstream = await startUpstream()
      const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
      onTestFinished(() => s3.close())
      const data = large.subarray(0, size)
      const put = await s3.send('PUT', '/photos/a', {
        payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: {
          'x-amz-decoded-content-length': String(size),
          'x-amz-trailer': 'x-amz-checksum-crc32',
        },
        body: Buffer.concat([
          Buffer.from(`${size.toString(16)}\r\n`),
          data,
          Buffer.from(`\r\n0\r\nx-amz-checksum-crc32:${base64Crc32(data)}\r\n\r\n`),
        ]),
      })
      expect(put.status).toBe(200)
      const [seen] = upstream.seen
      const isWhole = size <= 262_144
      expect(seen?.isWhole).toBe(true)
      expect(seen?.headers['content-length']).toBe(String(seen?.body.length))
      expect(seen?.headers['x-amz-checksum-crc32']).toBe(isWhole ? base64Crc32(data) : undefined)
      expect(seen?.body.equals(data)).toBe(isWhole)
    },
  )

  it('a large upload is signed with its hash if the client declared the hash', async () => {
    const upstream = await startUpstream()
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/photos/a', { body: large })
    await s3.send('PUT', '/photos/a', { body: large, payloadHash: 'UNSIGNED-PAYLOAD' })
    const hashes = upstream.seen.map(({ headers }) => headers['x-amz-content-sha256'])
    expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), 'UNSIGNED-PAYLOAD'])
    expect(upstream.seen.every(({ body }) => body.equals(large))).toBe(true)
  })
})

describe('a large download', () => {
  it('a large download is not read ahead of the client, and stops when the client disconnects', async () => {
    const upstream = await startUpstream()
    let sentBytes = 0
    const closed = new Promise<void>((resolve) => {
      upstream.answer = ({ method }, response) => {
        if (method === 'HEAD') return response.end()
        const piece = large
        const write = (): void => {
          do sentBytes += piece.length
          while (response.write(piece))
        }
        response.writeHead(200, { 'content-length': String(2 ** 40) })
        response.on('drain', write).on('close', resolve)
        write()
      }
    })
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    const options = { host: '127.0.0.1', port: 0, log: silentLog, isAccessLogged: false }
    const listener = await listen(s3.handler, { ...options, nowMs: () => startMs })
    onTestFinished(() => listener.close(0))
    const signing = { region, service: 's3', nowMs: startMs, expiresSeconds: 60 } as const
    const url = presignUrl(
      { method: 'GET', url: new URL('/photos/a', listener.url) },
      root,
      signing,
    )

    const client = sendRequest(url)
    client.on('error', () => {}).end()
    // the client never reads the body of the answer
    await new Promise((resolve) => client.once('response', resolve))
    // these requests take long enough for the gateway to read far ahead
    for (let i = 0; i < 300; i += 1) await s3.send('HEAD', '/photos/b')
    client.destroy()
    await closed

    // the buffers of four sockets and two streams hold this much
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
    expect(await s3.checkReady()).toBe(true)
  })
})

describe('a slow upstream', () => {
  it('the answer names the timeout if the upstream does not answer in time', async () => {
    const upstream = await startUpstream()
    const limits = { readTimeoutMs: 50, headTimeoutMs: 50 }
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys, limits } })
    onTestFinished(() => s3.close())
    upstream.answer = () => {}
    for (const method of ['GET', 'PUT']) {
      const answer = await s3.send(method, '/photos/a', { body: method === 'PUT' ? 'x' : '' })
      expect(answer).toMatchObject({ status: 503, code: 'ServiceUnavailable' })
      expect(answer.text).toContain('did not answer in time (UND_ERR_HEADERS_TIMEOUT)')
    }
  })

  it('a download is aborted if the upstream stalls in the middle of an object', async () => {
    const upstream = await startUpstream()
    const limits = { idleTimeoutMs: 50 }
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys, limits } })
    onTestFinished(() => s3.close())
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '2000000' })
      response.write(large)
    }
    await expect(s3.send('GET', '/photos/a')).rejects.toThrow('Body Timeout Error')
  })
})

describe('an upstream with a private CA', () => {
  it('the gateway trusts an upstream with a private certificate only with its CA', async () => {
    const certificate = await makeCertificate(Date.now())
    const nowMs = (): number => Date.now()
    const options = { host: '127.0.0.1', port: 0, log: silentLog, isAccessLogged: false, nowMs }
    const answer = toHandler(async () => ({ status: 200 }))
    const listener = await listen(answer, { ...options, tls: certificate })
    onTestFinished(() => listener.close(0))
    const url = new URL(`https://localhost:${listener.port}`)

    await expect(openHarness({ upstream: { url, credentials: keys } })).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/),
    })
    const s3 = await openHarness({ upstream: { url, credentials: keys, ca: [certificate.cert] } })
    onTestFinished(() => s3.close())
    expect((await s3.send('GET', '/photos/a')).status).toBe(200)
  })
})
