import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { HttpReply, HttpRequest } from '../../../src/server/http/http-message.ts'
import { describeOperation } from '../../../src/server/http/request-recorder.ts'
import {
  listenTo,
  makeGate,
  openConnection,
  openListener,
} from '../../support/server/raw-client.ts'

/** Returns a handler that keeps its requests and always gives the same reply. */
function keepRequests(reply: HttpReply): {
  requests: HttpRequest[]
  handler: (request: HttpRequest) => Promise<HttpReply>
} {
  const requests: HttpRequest[] = []
  return {
    requests,
    handler: async (request) => {
      requests.push(request)
      return reply
    },
  }
}

describe('requests', () => {
  it('a request keeps its path and query as they were sent, and every header', async () => {
    const { requests, handler } = keepRequests({ status: 200, body: 'ok' })
    const { listener } = await openListener(handler)
    const connection = await openConnection(listener)
    connection.write(
      'GET /b/a%2Fb/../%zz?x=%20&&y HTTP/1.1\r\nHost: h\r\nX-Amz-Meta-A: 1\r\nx-amz-meta-a: 2\r\n\r\n',
    )
    await connection.until(/ok$/)

    const [request] = requests
    expect(request).toMatchObject({ rawPath: '/b/a%2Fb/../%zz', rawQuery: 'x=%20&&y' })
    expect(request?.headers.get('x-amz-meta-a')).toBe('1,2')
    expect(request?.remoteAddress).toBe('127.0.0.1')
  })

  it('a request has a unique ID, which is in its reply and its log line', async () => {
    const { requests, handler } = keepRequests({ status: 200 })
    const { listener, lines } = await openListener(handler)
    const answers = await Promise.all([fetch(listener.url), fetch(listener.url)])

    const ids = answers.map((answer) => answer.headers.get('x-amz-request-id'))
    expect(new Set(ids).size).toBe(2)
    expect(ids.toSorted()).toEqual(requests.map(({ requestId }) => requestId).toSorted())
    expect(lines.map(({ facts }) => facts['requestId']).toSorted()).toEqual(ids.toSorted())
    expect(ids[0]).toMatch(/^[0-9A-F]{16}$/)
  })

  it('a request is logged in one line, without its query and headers, which may contain secrets', async () => {
    const refusal = { code: 'AccessDenied', reason: 'no statement allows it' }
    const facts = describeOperation('HeadObject', refusal)
    const { listener, lines } = await listenTo(async () => ({
      reply: { status: 403, body: 'four' },
      facts,
    }))
    await fetch(new URL('/b/k?X-Amz-Signature=s3cret', listener.url), {
      headers: { authorization: 's3cret', 'x-amz-security-token': 's3cret' },
    })

    expect(lines).toHaveLength(1)
    expect(lines[0]?.facts).toEqual({
      requestId: expect.stringMatching(/^[0-9A-F]{16}$/),
      method: 'GET',
      path: '/b/k',
      operation: 'HeadObject',
      error: 'AccessDenied',
      reason: 'no statement allows it',
      status: 403,
      bytes: 4,
      ms: expect.any(Number),
    })
    expect(JSON.stringify(lines)).not.toContain('s3cret')
  })

  it.each([
    ['text that is not HTTP', 'HELO example.com\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [
      'a length and chunks (request smuggling)',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('a client gets status 400 and a closed connection for %s', async (_what, bytes) => {
    const { requests, handler } = keepRequests({ status: 200 })
    const { listener } = await openListener(handler)
    const connection = await openConnection(listener)
    connection.write(bytes)

    expect(await connection.toEnd()).toMatch(/^HTTP\/1\.1 400 /)
    expect(requests).toEqual([])
  })

  it.each([
    ['one header', `A: ${'a'.repeat(40_000)}\r\n`],
    ['many headers', 'x-amz-meta-a: 1\r\n'.repeat(3500)],
  ])('too large a section of headers is refused by a document of S3: %s', async (_what, lines) => {
    const { listener } = await openListener(async () => ({ status: 200 }))
    const connection = await openConnection(listener)
    connection.write(`PUT /b/k HTTP/1.1\r\nHost: h\r\n${lines}\r\n`)
    const answer = await connection.toEnd()
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('Content-Type: application/xml')
    expect(answer).toContain('<Code>RequestHeaderSectionTooLarge</Code>')
    expect(answer).toContain('<MaxSizeAllowed>32768</MaxSizeAllowed>')
  })

  it('no header is dropped, however many a request has', async () => {
    const { requests, handler } = keepRequests({ status: 200 })
    const { listener } = await openListener(handler)
    const connection = await openConnection(listener)
    const lines = 'a:b\r\n'.repeat(4000)
    connection.write(`GET / HTTP/1.1\r\nHost: h\r\n${lines}Last: 1\r\nConnection: close\r\n\r\n`)
    expect(await connection.toEnd()).toMatch(/^HTTP\/1\.1 200 /)
    expect(requests[0]?.headers.get('last')).toBe('1')
  })

  it('a request whose handler fails gets status 500, and the error is logged under its ID', async () => {
    const { listener, lines } = await openListener(() => Promise.reject(new Error('a bug')))
    const answer = await fetch(listener.url)

    expect([answer.status, await answer.text()]).toEqual([500, 'internal error\n'])
    expect(lines[0]).toMatchObject({
      level: 'error',
      facts: { requestId: answer.headers.get('x-amz-request-id') },
    })
  })
})

describe('bodies with Expect: 100-continue', () => {
  const head = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'

  it('the server sends 100 Continue when the body is first read', async () => {
    const { listener } = await openListener(async ({ body }) => ({
      status: 200,
      body: await text(body),
    }))
    const connection = await openConnection(listener)
    connection.write(head)
    expect(await connection.until(/100/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')

    connection.write('hello')
    expect(await connection.until(/hello$/)).toMatch(/HTTP\/1\.1 200 OK/)
  })

  it('the server does not send 100 Continue if the request is refused', async () => {
    const { listener } = await openListener(async () => ({ status: 403, body: 'no' }))
    const connection = await openConnection(listener)
    connection.write(head)

    expect(await connection.until(/no$/)).toMatch(/^HTTP\/1\.1 403 /)
  })
})

describe('unread bodies', () => {
  it('a small unread body is drained, and the connection serves the next request', async () => {
    const { listener } = await openListener(async ({ rawPath }) => ({ status: 403, body: rawPath }))
    const connection = await openConnection(listener)
    connection.write('PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello')
    await connection.until(/\/1$/)
    connection.write('GET /2 HTTP/1.1\r\nHost: h\r\n\r\n')

    expect(await connection.until(/\/2$/)).not.toMatch(/connection: close/i)
  })

  it('a large unread body is not drained: the answer says that the connection closes', async () => {
    const { listener } = await openListener(async () => ({ status: 403, body: 'no' }))
    const connection = await openConnection(listener)
    connection.write(`PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: ${10 ** 9}\r\n\r\n`)
    expect(await connection.until(/no$/)).toMatch(/connection: close/i)

    const megabyte = Buffer.alloc(1 << 20)
    connection.write(megabyte)
    await connection.toEnd()
  })
})

describe('replies', () => {
  it('a reply to HEAD has the length of the body, but no body', async () => {
    const { listener } = await openListener(async () => ({ status: 200, body: 'hello' }))
    const answer = await fetch(listener.url, { method: 'HEAD' })

    expect(answer.headers.get('content-length')).toBe('5')
    expect(await answer.text()).toBe('')
  })

  it('a reply with status 204 has no length', async () => {
    const { listener } = await openListener(async () => ({ status: 204 }))
    expect((await fetch(listener.url)).headers.get('content-length')).toBeNull()
  })

  it('a reply is streamed only as fast as the client reads', async () => {
    let made = 0
    const endless = new Readable({
      read() {
        made += 1
        this.push(Buffer.alloc(1 << 16))
      },
    })
    const { listener } = await openListener(async () => ({ status: 200, body: endless }))
    const connection = await openConnection(listener)
    connection.socket.pause()
    connection.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await once(endless, 'pause')

    // The buffers of the sockets hold less: 256 chunks would be 16 MiB.
    expect(made).toBeLessThan(256)
  })

  it('the source of a reply is closed when its client disconnects', async () => {
    const source = new Readable({ read() {} })
    source.push('begun')
    const { listener } = await openListener(async () => ({ status: 200, body: source }))
    const connection = await openConnection(listener)
    connection.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await connection.until(/begun/)
    const closed = new Promise((resolve) => source.once('close', resolve))
    connection.socket.destroy()

    await closed
    expect(source.destroyed).toBe(true)
  })

  it('a reply that fails in the middle is aborted, never ended as if it were complete', async () => {
    const source = new Readable({ read() {} })
    source.push('begun')
    const headers = { 'content-length': '1000' }
    const { listener } = await openListener(async () => ({ status: 200, headers, body: source }))
    const answer = await fetch(listener.url)
    source.destroy(new Error('the disk is gone'))

    await expect(answer.text()).rejects.toThrow('terminated')
  })
})

describe('a closing listener', () => {
  it('a closing listener aborts running requests when its time is up', async () => {
    const asked = makeGate()
    const { listener } = await openListener(() => {
      asked.open()
      return new Promise(() => {})
    })
    const running = fetch(listener.url)
    await asked.opened
    await Promise.all([listener.close(0), expect(running).rejects.toThrow('fetch failed')])
  })
})
