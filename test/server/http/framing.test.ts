import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openConnection, openListener } from '../../support/server/raw-client.ts'

/** Sends one request as it is; returns the status of the answer, and the hosts that the handler got. */
async function send(
  head: string,
  { target = '/', method = 'GET', end = '' } = {},
): Promise<{ status: string; hosts: (string | undefined)[] }> {
  const hosts: (string | undefined)[] = []
  const { listener } = await openListener(async ({ headers }) => {
    hosts.push(headers.get('host'))
    return { status: 200, body: 'taken' }
  })
  const connection = await openConnection(listener)
  connection.write(`${method} ${target} HTTP/1.1\r\n${head}Connection: close\r\n\r\n${end}`)
  const answer = await connection.toEnd()
  await listener.close(0)
  return { status: answer.slice(9, 12), hosts }
}

const host = 'Host: s3.test\r\n'

describe('ambiguous requests', () => {
  it.each<[string, string]>([
    ['without a Host', ''],
    ['with two Hosts', `${host}Host: other.test\r\n`],
    ['with the same Host twice', `${host}hOST: s3.test\r\n`],
    ['with two hosts in one line', 'Host: s3.test, other.test\r\n'],
    ['with a user in its Host', 'Host: root@s3.test\r\n'],
    ['with a path in its Host', 'Host: s3.test/bucket\r\n'],
    ['with a space in its Host', 'Host: s3 .test\r\n'],
    ['with an invalid port', 'Host: s3.test:http\r\n'],
    ['with two signatures', `${host}Authorization: a\r\nAuthorization: b\r\n`],
    ['with two session tokens', `${host}X-Amz-Security-Token: a\r\nx-amz-security-token: b\r\n`],
    ['with two dates', `${host}x-amz-date: a\r\nx-amz-date: b\r\n`],
    ['with two hashes', `${host}x-amz-content-sha256: a\r\nx-amz-content-sha256: b\r\n`],
    ['with two copy sources', `${host}x-amz-copy-source: /a/b\r\nx-amz-copy-source: /a/c\r\n`],
    ['with two types', `${host}Content-Type: text/xml\r\nContent-Type: text/html\r\n`],
    ['with two ranges', `${host}Range: bytes=0-1\r\nRange: bytes=0-99\r\n`],
    ['with two lengths', `${host}Content-Length: 0\r\nContent-Length: 0\r\n`],
    ['with a length and chunks', `${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`],
  ])('a request %s is refused before it is handled', async (_what, head) => {
    const { status, hosts } = await send(head)
    expect(status).toBe('400')
    expect(hosts).toEqual([])
  })

  it('a request that repeats an x-amz- or x-minio- header is refused, except lists', async () => {
    const letters = fc.constantFrom(...'abcxyz-0123456789')
    const suffix = fc.array(letters, { minLength: 1, maxLength: 12 }).map((all) => all.join(''))
    await fc.assert(
      fc.asyncProperty(
        suffix,
        fc.constantFrom('x-amz-', 'X-Amz-', 'x-minio-'),
        async (end, start) => {
          fc.pre(!/^(meta-|grant-|trailer$|object-attributes$|optional-object)/.test(end))
          const { status } = await send(`${host}${start}${end}: 1\r\n${start}${end}: 2\r\n`)
          expect(status).toBe('400')
        },
      ),
      { numRuns: 20 },
    )
  })

  it.each([
    ['lists', 'If-None-Match: "a"\r\nIf-None-Match: "b"\r\nAccept: a\r\nAccept: b\r\n'],
    ['metadata', 'x-amz-meta-a: 1\r\nx-amz-meta-a: 2\r\n'],
    ['attributes', 'x-amz-object-attributes: ETag\r\nx-amz-object-attributes: ObjectSize\r\n'],
    ['proxies', 'X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n'],
  ])('a request with repeated headers for %s is accepted', async (_what, head) => {
    expect((await send(host + head)).status).toBe('200')
  })

  it.each(['s3.test', 's3.test:9000', '127.0.0.1:9000', '[::1]:9000', 'my_bucket.s3.test', ''])(
    'a request with the host %j is accepted',
    async (name) => {
      expect(await send(`Host: ${name}\r\n`)).toEqual({ status: '200', hosts: [name] })
    },
  )
})

describe('targets in absolute form', () => {
  it('the host in an absolute target overrides the Host header', async () => {
    const { status, hosts } = await send(host, { target: 'http://other.test:9000/bucket/key' })
    expect({ status, hosts }).toEqual({ status: '200', hosts: ['other.test:9000'] })
  })

  it.each(['http://root@s3.test/b', 'http:///b', 'ftp://s3.test/b', 'http://a,b/c'])(
    'an absolute target without a valid host is refused: %s',
    async (target) => {
      expect((await send(host, { target })).status).toBe('400')
    },
  )
})

describe('the Expect header', () => {
  it('an empty Expect header is ignored', async () => {
    expect((await send(`${host}Expect:\r\n`)).status).toBe('200')
    expect((await send(`${host}Expect:  \r\n`)).status).toBe('200')
  })

  it('Expect: 100-continue is accepted in any case of its letters', async () => {
    const { listener } = await openListener(async ({ body }) => {
      let text = ''
      for await (const chunk of body) text += String(chunk)
      return { status: 200, body: `<${text}>` }
    })
    const connection = await openConnection(listener)
    connection.write(`PUT / HTTP/1.1\r\n${host}Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n`)
    await connection.until(/100 Continue/)
    connection.write('body')
    expect(await connection.until(/<body>/)).toContain('200 OK')
  })

  it('an unknown Expect header is refused', async () => {
    expect(await send(`${host}Expect: miracles\r\n`)).toEqual({ status: '417', hosts: [] })
  })
})
