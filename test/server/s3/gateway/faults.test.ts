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
  /** What was logged, as JSON. */
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

describe('a refusal of the upstream', () => {
  it('is passed on with code, status, message and what is harmless of the rest', async () => {
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

  it('keeps the headers that clients act on', async () => {
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

  it('of HEAD, or with a page of a proxy, is told by its status', async () => {
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
    'of the gateway’s own keys (%s) is no fault of the client’s, names no key, and is seen by readiness until it is over',
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
    'by redirect (%i) is not followed to wherever it says',
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

describe('an upstream that goes away', () => {
  it('is named in answer and log, makes the gateway unready, and is used again when it is back', async () => {
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

  it('with a kept connection is asked once more on a new one, for what changes nothing', async () => {
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

  it('in the middle of an object breaks the answer off and says so in the log', async () => {
    const { s3, upstream, lines } = await openGateway()
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '1000000' })
      response.write(large.subarray(0, 500_000), () => response.destroy())
    }
    await expect(s3.send('GET', '/photos/a')).rejects.toThrow('other side closed')
    expect(lines.join('')).toContain('the upstream S3 broke off')
  })

  it('in the middle of a small answer leaves room for an error', async () => {
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
    'in the middle of an upload is asked about the bucket: %i explains it',
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

  it('before the end of an upload gives its answer all the same', async () => {
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

describe('at start', () => {
  it('an upstream that is not there is an error with a hint', async () => {
    const upstream = await startUpstream()
    await upstream.stop()
    const opening = openHarness({ upstream: { url: upstream.url, credentials: keys } })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: `${upstream.url.origin}: the upstream S3 cannot be reached (ECONNREFUSED)`,
    })
  })

  it('keys that the upstream refuses are too', async () => {
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
  ])('%i %s to a bucket that cannot be there is as good as a yes', async (status, code) => {
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

describe('an upload that fails', () => {
  it('by its digest, its checksum or its length never reaches the upstream whole', async () => {
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
    expect(codes).toEqual([
      'XAmzContentSHA256Mismatch',
      'BadDigest',
      'XAmzContentChecksumMismatch',
      'IncompleteBody',
    ])
  })

  it('because the client went away is cut off at the upstream too', async () => {
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
