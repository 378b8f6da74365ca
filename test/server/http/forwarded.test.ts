import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClientReader, type Connection } from '../../../src/server/http/forwarded.ts'
import type { HttpRequest } from '../../../src/server/http/http-message.ts'
import { openConnection, openListener } from '../../support/server/raw-client.ts'

type Headers = Readonly<Record<string, string>>

/** A request from a proxy at 10.0.0.1 to `h:9000`, over http. */
function connect(headers: Headers, over: Partial<Connection> = {}): Connection {
  const readHeader = (name: string): string | undefined => headers[name]
  return { address: '10.0.0.1', isTls: false, host: 'h:9000', readHeader, ...over }
}

const read = createClientReader(['10.0.0.0/8', 'fd00::/8', '192.0.2.1'])
const ofProxy = { address: '10.0.0.1', isTls: false, host: undefined }

describe('the client behind trusted proxies', () => {
  it.each<[string, Headers, object]>([
    ['no header', {}, {}],
    ['an address', { 'x-forwarded-for': '203.0.113.9' }, { address: '203.0.113.9' }],
    ['an IPv6 address', { 'x-forwarded-for': '2001:db8::1' }, { address: '2001:db8::1' }],
    [
      'an address with a port',
      { 'x-forwarded-for': '203.0.113.9:4711' },
      { address: '203.0.113.9' },
    ],
    ['IPv6 with a port', { 'x-forwarded-for': '[2001:db8::1]:4711' }, { address: '2001:db8::1' }],
    [
      'what the client sent before what the proxy saw',
      { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' },
      { address: '203.0.113.9' },
    ],
    [
      'another trusted proxy on the way',
      { 'x-forwarded-for': '203.0.113.9, fd00::7, 10.9.9.9' },
      { address: '203.0.113.9' },
    ],
    [
      'trusted addresses alone',
      { 'x-forwarded-for': '10.1.1.1, 10.2.2.2' },
      { address: '10.1.1.1' },
    ],
    ['a text that is no address', { 'x-forwarded-for': '203.0.113.9, unknown' }, { address: '' }],
    ['an empty item', { 'x-forwarded-for': '203.0.113.9,' }, { address: '' }],
    ['https', { 'x-forwarded-proto': 'https' }, { isTls: true }],
    ['HTTPS', { 'x-forwarded-proto': 'HTTPS' }, { isTls: true }],
    ['another scheme', { 'x-forwarded-proto': 'wss' }, { isTls: false }],
    [
      'a scheme for each hop',
      { 'x-forwarded-for': '203.0.113.9, 10.2.2.2', 'x-forwarded-proto': 'https, http' },
      { address: '203.0.113.9', isTls: true },
    ],
    [
      'a scheme that the client sent before the proxy’s',
      { 'x-forwarded-for': '1.1.1.1, 203.0.113.9', 'x-forwarded-proto': 'https, http' },
      { address: '203.0.113.9', isTls: false },
    ],
    [
      'more schemes than addresses',
      { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https, http' },
      { address: '203.0.113.9', isTls: false },
    ],
    ['a host', { 'x-forwarded-host': 's3.example.com' }, { host: 's3.example.com' }],
    ['the same host without the port', { 'x-forwarded-host': 'H' }, {}],
    ['the same host with another port', { 'x-forwarded-host': 'h:443' }, { host: 'h:443' }],
    [
      'a host and its port',
      { 'x-forwarded-host': 's3.example.com', 'x-forwarded-port': '8443' },
      { host: 's3.example.com:8443' },
    ],
    [
      'a host and the scheme’s own port',
      {
        'x-forwarded-host': 's3.example.com',
        'x-forwarded-port': '443',
        'x-forwarded-proto': 'https',
      },
      { host: 's3.example.com', isTls: true },
    ],
    [
      'RFC 7239',
      { forwarded: 'for=203.0.113.9;proto=https;host=s3.example.com;by=10.0.0.1' },
      { address: '203.0.113.9', isTls: true, host: 's3.example.com' },
    ],
    [
      'RFC 7239 with quotes',
      { forwarded: 'For="[2001:db8::1]:4711"; Proto=https' },
      { address: '2001:db8::1', isTls: true },
    ],
    [
      'several elements of RFC 7239',
      {
        forwarded:
          'for="1.1.1.1, 9";proto=https, for=203.0.113.9;proto=http, for=10.4.4.4;proto=https',
      },
      { address: '203.0.113.9', isTls: false },
    ],
    [
      'a scheme and a host that the client sent to a proxy that writes none',
      { forwarded: 'for=1.1.1.1;proto=https;host=evil, for=203.0.113.9' },
      { address: '203.0.113.9', isTls: false, host: undefined },
    ],
    [
      'the scheme of the hop next to the client that has one',
      { forwarded: 'for=1.1.1.1;proto=http, for=203.0.113.9, for=10.2.2.2;proto=https' },
      { address: '203.0.113.9', isTls: true },
    ],
    ['a hidden address', { forwarded: 'for=_hidden;proto=https' }, { address: '', isTls: true }],
    [
      'an element without an address',
      { forwarded: 'for=1.1.1.1, proto=https' },
      { address: '', isTls: true },
    ],
    [
      'both kinds that agree',
      {
        forwarded: 'for=203.0.113.9;proto=https',
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
      },
      { address: '203.0.113.9', isTls: true },
    ],
  ])('the client is right for %s', (_what, headers, expected) => {
    expect(read(connect(headers))).toEqual({ ...ofProxy, ...expected })
  })

  it.each<[string, Headers, RegExp]>([
    [
      'both kinds of header that differ',
      { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '2.2.2.2' },
      /contradict/,
    ],
    [
      'a scheme in one kind alone',
      { forwarded: 'for=1.1.1.1;proto=https', 'x-forwarded-for': '1.1.1.1' },
      /contradict/,
    ],
    ['a host that is none', { 'x-forwarded-host': 'a b' }, /forwarded host/],
    ['a quote that does not end', { forwarded: 'for=1.1.1.1;by="x, for=203.0.113.9' }, /grammar/],
    [
      'a quote that swallows the proxy’s element',
      { forwarded: 'for=1.1.1.1;by=", for="[2001:db8::1]:4711"' },
      /grammar/,
    ],
    ['an address twice', { forwarded: 'for=1.1.1.1;for=203.0.113.9' }, /grammar/],
    ['an element without a value', { forwarded: 'for=1.1.1.1, for' }, /grammar/],
  ])('%s is a fault', (_what, headers, message) => {
    expect(read(connect(headers))).toMatch(message)
  })

  it('the headers of anybody else do not count', () => {
    const headers = {
      forwarded: 'for=10.0.0.1;proto=https;host=evil',
      'x-forwarded-for': '1.1.1.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil',
    }
    for (const address of ['203.0.113.9', '192.0.2.2', '', '2001:db8::1'])
      expect(read(connect(headers, { address }))).toEqual({ ...ofProxy, address })
    expect(createClientReader([])(connect(headers))).toEqual(ofProxy)
  })

  it('a proxy on an IPv6 socket is known by its IPv4 address', () => {
    const connection = connect({ 'x-forwarded-for': '1.1.1.1' }, { address: '::ffff:192.0.2.1' })
    expect(read(connection)).toMatchObject({ address: '1.1.1.1' })
  })

  it('nothing that a client sends changes the address that the proxy appends', () => {
    const hop = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: 'grapheme-ascii' }),
      fc.constantFrom('10.0.0.1', '', 'unknown', '"', '\\', 'for=1.1.1.1', 'for=1.1.1.1;by="', ','),
      fc.constantFrom('for=1.1.1.1;proto=https', 'proto=https;host=evil', 'for=10.0.0.2;host=evil'),
    )
    const ofClient = { address: '203.0.113.9', isTls: false, host: undefined }
    fc.assert(
      fc.property(fc.array(hop, { maxLength: 60 }), (hops) => {
        const sent = hops.join(',')
        const standard = read(connect({ forwarded: `${sent}, for=203.0.113.9` }))
        if (typeof standard !== 'string') expect(standard).toEqual(ofClient)
        const customary = read(connect({ 'x-forwarded-for': `${sent}, 203.0.113.9` }))
        expect(customary).toMatchObject({ address: '203.0.113.9' })
      }),
    )
  })
})

describe('a request through a trusted proxy', () => {
  const lines =
    'Host: inner\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: s3.example.com\r\n\r\n'

  async function send(
    text: string,
    trustedProxies: string[],
  ): Promise<[HttpRequest | undefined, string]> {
    let got: HttpRequest | undefined
    const { listener } = await openListener(
      async (request) => {
        got = request
        return { status: 200, headers: { connection: 'close' }, body: 'ok' }
      },
      { trustedProxies },
    )
    const connection = await openConnection(listener)
    connection.write(text)
    const answer = await connection.toEnd()
    return [got, answer]
  }

  it('has the address, the scheme and the host of the client', async () => {
    const [request] = await send(`GET /b HTTP/1.1\r\n${lines}`, ['127.0.0.0/8'])
    expect(request).toMatchObject({ remoteAddress: '203.0.113.9', isTls: true })
    expect(request?.headers.get('host')).toBe('s3.example.com')
  })

  it('has those of the connection when the proxy is not trusted', async () => {
    const [request] = await send(`GET /b HTTP/1.1\r\n${lines}`, ['10.0.0.0/8'])
    expect(request).toMatchObject({ remoteAddress: '127.0.0.1', isTls: false })
    expect(request?.headers.get('host')).toBe('inner')
  })

  it('is refused when its headers contradict each other', async () => {
    const text = `GET /b HTTP/1.1\r\nForwarded: for=1.1.1.1\r\n${lines}`
    const [request, answer] = await send(text, ['127.0.0.1'])
    expect(request).toBeUndefined()
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*contradict/)
  })
})
