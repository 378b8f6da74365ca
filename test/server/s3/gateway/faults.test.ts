import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Log } from '../../../../src/base/log.ts'
import {
  openHarness,
  sha256,
  type Harness,
  type HarnessOptions,
} from '../../../support/server/s3-harness.ts'
import {
  errorXml,
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

interface Gateway {
  readonly s3: Harness
  readonly upstream: ScriptedUpstream
  /** The log lines, as JSON. */
  readonly lines: string[]
}

async function openGateway(): Promise<Gateway> {
  const upstream = await startUpstream()
  const lines: string[] = []
  const write: Log['info'] = (facts, message) => void lines.push(JSON.stringify({ message, facts }))
  const log = { info: write, warn: write, error: write }
  const options: HarnessOptions = { log, upstream: { url: upstream.url, credentials: keys } }
  const s3 = await openHarness(options)
  onTestFinished(() => s3.close())
  return { s3, upstream, lines }
}

const large = Buffer.alloc(1_000_000, 'abcdefghij')

describe('errors of the upstream', () => {
  it('an error of the upstream is passed on with its code, status, message and harmless details', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => {
      response.statusCode = 418
      const details = '<UploadId>u</UploadId><HostId>secret-host</HostId>'
      response.end(errorXml('NoSuchTeapot', 'short &amp; stout', details))
    }
    const answer = await s3.send('GET', '/photos/a')

    expect(answer).toMatchObject({ status: 418, code: 'NoSuchTeapot' })
    expect(answer.text).toContain('<Message>short &amp; stout</Message>')
    expect(answer.text).toContain('<UploadId>u</UploadId>')
    expect(answer.text).toContain('<RequestId>18EAB9B97537B5B5</RequestId>')
    expect(answer.text).not.toContain('secret-host')
    expect(answer.log).toMatchObject({ error: 'NoSuchTeapot' })
  })

  it('an error of the upstream keeps the headers that clients act on', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => {
      response.writeHead(503, { 'retry-after': '7', 'x-amz-id-2': 'theirs' })
      response.end(errorXml('SlowDown'))
    }
    const answer = await s3.send('GET', '/photos/a')
    expect(answer).toMatchObject({ status: 503, code: 'SlowDown' })
    expect(answer.headers).toMatchObject({ 'retry-after': '7' })
    expect(answer.headers['x-amz-id-2']).toBeUndefined()
  })

  it('an error without an S3 document, as for HEAD or from a proxy, gets its code from the status', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => {
      response.writeHead(404, { 'x-amz-delete-marker': 'true' })
      response.end('<html>not here</html>')
    }
    const head = await s3.send('HEAD', '/photos/a')
    expect(head).toMatchObject({ status: 404, text: '' })
    expect(head.headers).toMatchObject({ 'x-amz-delete-marker': 'true' })
    expect(await s3.send('GET', '/photos/a')).toMatchObject({ status: 404, code: 'NoSuchKey' })
  })

  it.each(['SignatureDoesNotMatch', 'InvalidAccessKeyId', 'RequestTimeTooSkewed', 'ExpiredToken'])(
    '%s for the gateway’s own keys becomes a 503 that names no key, and makes the gateway unready until it is fixed',
    async (code) => {
      const { s3, upstream, lines } = await openGateway()
      const refuse: ScriptedUpstream['answer'] = (_, response) => {
        response.statusCode = 403
        const quoted = `<AWSAccessKeyId>${keys.accessKeyId}</AWSAccessKeyId><StringToSign>text</StringToSign>`
        response.end(errorXml(code, `about ${keys.accessKeyId}`, quoted))
      }
      upstream.answer = refuse
      const answer = await s3.send('GET', '/photos/a')

      expect(answer).toMatchObject({ status: 503, code: 'ServiceUnavailable' })
      expect(answer.text).toContain(`(${code})`)
      expect(answer.text + JSON.stringify(answer.log) + lines.join('')).not.toContain(
        keys.accessKeyId,
      )
      expect(lines.filter((line) => line.includes(code))).toHaveLength(1)
      expect(await s3.checkReady()).toBe(false)

      upstream.answer = (_, response) => response.end()
      s3.clock.nowMs += 1000
      expect(await s3.checkReady()).toBe(true)
      expect((await s3.send('GET', '/photos/a')).status).toBe(200)
    },
  )

  it.each([301, 302, 307, 308])(
    'the gateway does not follow a redirect (%i) of the upstream',
    async (status) => {
      const { s3, upstream } = await openGateway()
      upstream.answer = (_, response) => {
        response.writeHead(status, { location: 'http://169.254.169.254/latest' })
        response.end(errorXml('PermanentRedirect', 'go', '<Endpoint>evil.example</Endpoint>'))
      }
      const answer = await s3.send('GET', '/photos/a')
      expect(answer).toMatchObject({ status: 503, code: 'ServiceUnavailable' })
      expect(answer.text).toContain(`(${status} PermanentRedirect)`)
      expect(answer.text).not.toContain('evil.example')
      expect(answer.headers['location']).toBeUndefined()
      expect(upstream.seen).toHaveLength(1)
    },
  )
})

describe('an upstream that becomes unreachable', () => {
  it('an unreachable upstream is named in the answer and the log, makes the gateway unready, and is used again when it is back', async () => {
    const { s3, upstream, lines } = await openGateway()
    expect(await s3.checkReady()).toBe(true)
    await upstream.stop()

    const answer = await s3.send('GET', '/photos/a')
    expect(answer).toMatchObject({ status: 503, code: 'ServiceUnavailable' })
    expect(answer.text).toMatch(/the upstream S3 cannot be reached \(ECONN\w+\)/)
    await s3.send('GET', '/photos/a')
    expect(lines).toHaveLength(1)
    s3.clock.nowMs += 1000
    expect(await s3.checkReady()).toBe(false)

    await upstream.restart()
    s3.clock.nowMs += 1000
    expect(await s3.checkReady()).toBe(true)
    expect((await s3.send('GET', '/photos/a')).status).toBe(200)
    expect(lines.at(-1)).toContain('answers again')
  })

  it('a request that is safe to repeat is retried on a new connection if the upstream closes the old one', async () => {
    const { s3, upstream } = await openGateway()
    let cuts = 1
    upstream.answerEarly = (request) => {
      if (cuts === 0) return false
      cuts -= 1
      request.socket.destroy()
      return true
    }
    expect((await s3.send('GET', '/photos/a')).status).toBe(200)
    cuts = 1
    expect((await s3.send('PUT', '/photos/a', { body: 'small' })).status).toBe(200)
    cuts = 1
    expect((await s3.send('POST', '/photos/a?uploads')).status).toBe(503)
    cuts = 1
    const headers = { 'if-none-match': '*' }
    expect((await s3.send('PUT', '/photos/a', { body: 'small', headers })).status).toBe(503)
  })

  it('a download is aborted, with a log line, if the upstream disconnects in the middle of an object', async () => {
    const { s3, upstream, lines } = await openGateway()
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '1000000' })
      response.write(large.subarray(0, 500_000), () => response.destroy())
    }
    await expect(s3.send('GET', '/photos/a')).rejects.toThrow('other side closed')
    expect(lines.join('')).toContain('the upstream S3 broke off')
  })

  it('a client gets an error if the upstream disconnects in the middle of a small answer', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    }
    expect(await s3.send('GET', '/photos/a')).toMatchObject({ code: 'ServiceUnavailable' })
  })

  it.each([
    [404, { status: 404, code: 'NoSuchBucket' }],
    [403, { status: 403, code: 'AccessDenied' }],
    [200, { status: 503, code: 'ServiceUnavailable' }],
  ])(
    'an aborted upload is explained by the status of the bucket (the upstream answers %i)',
    async (status, expected) => {
      const { s3, upstream, lines } = await openGateway()
      upstream.answerEarly = (request, response) => {
        if (request.method !== 'PUT') response.writeHead(status).end()
        else request.once('data', () => request.socket.destroy())
        return true
      }
      const answer = await s3.send('PUT', '/photos/a', { body: Buffer.alloc(50_000_000) })
      expect(answer).toMatchObject(expected)
      if (status === 200) expect(answer.text).toContain('broke the upload off')
      expect(lines).toEqual([])
    },
  )

  it('an answer that the upstream gives before the end of an upload reaches the client', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answerEarly = (_, response) => {
      response.writeHead(403, { connection: 'close' })
      response.end(errorXml('AccessDenied', 'quota'))
      return true
    }
    const answer = await s3.send('PUT', '/photos/a', { body: Buffer.alloc(50_000_000) })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
  })
})

describe('the start of the gateway', () => {
  it('the gateway does not start if its upstream is unreachable', async () => {
    const upstream = await startUpstream()
    await upstream.stop()
    const opening = openHarness({ upstream: { url: upstream.url, credentials: keys } })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: `${upstream.url.origin}: the upstream S3 cannot be reached (ECONNREFUSED)`,
    })
  })

  it('the gateway does not start if the upstream refuses its keys', async () => {
    const upstream = await startUpstream()
    upstream.answer = (_, response) => {
      response.statusCode = 403
      response.end(errorXml('InvalidAccessKeyId'))
    }
    const opening = openHarness({ upstream: { url: upstream.url, credentials: keys } })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_REFUSED' })
  })

  it.each([
    [404, 'NoSuchBucket'],
    [403, 'AccessDenied'],
  ])('an upstream that answers %i %s for an unknown bucket is ready', async (status, code) => {
    const upstream = await startUpstream()
    upstream.answer = (_, response) => {
      response.statusCode = status
      response.end(errorXml(code))
    }
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    expect(await s3.checkReady()).toBe(true)
  })
})

describe('failed uploads', () => {
  it('an upload with a wrong hash, checksum or length never reaches the upstream completely', async () => {
    const { s3, upstream } = await openGateway()
    const digest = createHash('md5').update('other').digest('base64')
    const wrong = [
      { payloadHash: sha256('other') },
      { headers: { 'content-md5': digest } },
      { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } },
      { headers: { 'content-length': '1000001' } },
    ]
    const codes: unknown[] = []
    for (const ask of wrong) {
      const cut = upstream.nextSeen()
      const answer = await s3.send('PUT', '/photos/a', { body: large, ...ask })
      codes.push(answer.code)
      expect(await cut).toMatchObject({ isWhole: false })
    }
    expect(codes).toEqual(['XAmzContentSHA256Mismatch', 'BadDigest', 'BadDigest', 'IncompleteBody'])
  })

  it('an upload that the client aborts is aborted at the upstream too', async () => {
    const { s3, upstream } = await openGateway()
    const cut = upstream.nextSeen()
    const begun = new Promise<void>((resolve) => {
      upstream.answerEarly = () => {
        resolve()
        return false
      }
    })
    const body = Readable.from(
      (async function* () {
        yield large
        yield large
        await begun
        throw new Error('aborted')
      })(),
    )
    const headers = { 'content-length': '3000000' }
    const ask = { body, headers, payloadHash: 'UNSIGNED-PAYLOAD' }
    expect((await s3.send('PUT', '/photos/a', ask)).code).toBe('IncompleteBody')
    expect(await cut).toMatchObject({ isWhole: false })
    expect(await s3.checkReady()).toBe(true)
  })
})
