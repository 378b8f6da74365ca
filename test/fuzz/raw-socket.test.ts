import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/server/http/listener.ts'
import { keys, startUpstream } from '../support/server/scripted-upstream.ts'
import { openHarness, root, startMs } from '../support/server/s3-harness.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { applyEdit, byteText, edit, fuzz, mostly, share } from './budget.ts'
import { openStack } from './stack.ts'
import { readStatuses, sendRaw } from './wire.ts'

const method = mostly(
  ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'],
  fc.oneof(fc.constantFrom('CONNECT', 'TRACE', 'get', 'G ET', ''), byteText(12)),
)
const target = mostly(
  [
    '/',
    '/bucket',
    '/bucket/',
    '/bucket/key',
    '/bucket?list-type=2',
    '/bucket/key?uploads',
    '/bucket/key?uploadId=x&partNumber=1',
    '//bucket//key',
    '/../bucket/%2e%2e/key',
    '/%zz?%zz=%',
    '/%00/%ff?a=%00',
    'http://elsewhere/bucket/key',
    'https://',
    '*',
    'bucket',
    '?',
    '',
    '/minio/health/ready',
    '/minio/admin/v3/revoke-tokens/openid?accessKey=%',
    '/metrics',
    '/?Action=AssumeRole&Version=2011-06-15',
    `/${'k'.repeat(3000)}`,
    `/b?${'q=1&'.repeat(3000)}`,
  ],
  byteText(40).map((text) => `/${text}`),
)
const version = mostly(
  ['HTTP/1.1'],
  fc.oneof(fc.constantFrom('HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'http/1.1', ''), byteText(8)),
)
/** Header lines that no parser should accept. */
const broken = [
  'Content-Length: 5, 5',
  'Content-Length: -1',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content-Length: 99999999999999999999',
  'Content-Length : 5',
  'Transfer-Encoding: Chunked, identity',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding:\tchunked',
  'no colon at all',
  ' folded: line',
  'bad name: x',
  'x\u0000y: z',
  'x: a\u0000b',
  'x: a\nInjected: b',
]
const header = mostly(
  [
    'Host: bucket.localhost',
    'Content-Length: 0',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Expect: something',
    'Expect:',
    'Connection: close',
    'Connection: keep-alive, x-amz-date, authorization',
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c',
    'Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00',
    'Authorization: Bearer x',
    'Authorization: AWS a:b',
    'Authorization:',
    'Content-Type: multipart/form-data; boundary=x',
    'Content-Type: multipart/form-data',
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Encoding: aws-chunked',
    'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'x-amz-decoded-content-length: 5',
    'x-amz-copy-source: /bucket/key',
    'Range: bytes=0-1,2-3',
    'If-Match: *',
    `x-amz-meta-long: ${'m'.repeat(9000)}`,
  ],
  fc.oneof(fc.constantFrom(...broken), byteText(30)),
)
const body = mostly(
  [
    '',
    'hello',
    '5\r\nhello\r\n0\r\n\r\n',
    '5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n',
    '5\r\nhel',
    'FFFFFFFFFFFFFFFF\r\nhello',
    '-5\r\nhello\r\n0\r\n\r\n',
    '5\nhello\n0\n\n',
    '0\r\n\r\nGET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n',
    '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--x--\r\n',
    'Action=AssumeRoleWithClientGrants&Version=2011-06-15&Token=x',
  ],
  byteText(60),
)

interface Signed {
  readonly head: string
  readonly body: string
}

/** Requests made of parts that do not fit together, and correctly signed ones with a change. */
function conversation(signed: readonly Signed[]): fc.Arbitrary<string> {
  const framing = mostly<'length' | 'chunks' | 'none'>(['length', 'chunks'], fc.constant('none'))
  const made = fc
    .record({ method, target, version, headers: fc.array(header, { maxLength: 3 }), body, framing })
    .map((one) => {
      const lines = [`${one.method} ${one.target} ${one.version}`, 'Host: 127.0.0.1']
      return frame([...lines, ...one.headers], one.body, one.framing)
    })
  const whole = fc.constantFrom(...signed)
  const more = fc
    .tuple(whole, fc.array(header, { minLength: 1, maxLength: 2 }))
    .map(([{ head, body: own }, headers]) => frame([head, ...headers], own, 'none'))
  const changed = fc
    .tuple(whole, edit)
    .map(([one, change]) => applyEdit(`${one.head}\r\n\r\n${one.body}`, change))
  const plain = whole.map((one) => `${one.head}\r\n\r\n${one.body}`)
  return fc
    .array(fc.oneof(made, more, changed, plain), { minLength: 1, maxLength: 4 })
    .map((requests) => requests.join(''))
}

/** Puts a body after its head; with `none`, only the head says how long it is. */
function frame(
  lines: readonly string[],
  text: string,
  framing: 'length' | 'chunks' | 'none',
): string {
  const head = lines.join('\r\n')
  if (framing === 'none' || text === '') return `${head}\r\n\r\n${text}`
  if (framing === 'length') return `${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  const chunk = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
  return `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`
}

const sending = fc.record({
  /** The positions at which the bytes are cut into pieces, as shares of the whole. */
  cuts: fc.array(share, { maxLength: 4 }),
  kept: mostly([1], share),
  ending: mostly<'end' | 'cut'>(['end'], fc.constant('cut')),
})

function split(text: string, cuts: readonly number[], kept: number): string[] {
  const whole = text.slice(0, Math.ceil(text.length * kept))
  const places = [0, ...cuts.map((cut) => Math.floor(cut * whole.length)), whole.length]
  const sorted = places.toSorted((a, b) => a - b)
  return sorted.slice(1).map((end, index) => whole.slice(sorted[index], end))
}

type Conversation = readonly [string, { cuts: number[]; kept: number; ending: 'end' | 'cut' }]

/** Several connections in parallel: most of them wait for silence. */
const atOnce = (input: fc.Arbitrary<Conversation>): fc.Arbitrary<Conversation[]> =>
  fc.array(input, { minLength: 1, maxLength: 24, size: 'max' })

function converse(port: number, conversations: readonly Conversation[]): Promise<string[]> {
  return Promise.all(
    conversations.map(([text, { cuts, kept, ending }]) =>
      sendRaw(port, split(text, cuts, kept), { ending }),
    ),
  )
}

function toSigned(message: {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}): Signed {
  const lines = message.headers.map(([name, value]) => `${name}: ${value}`)
  const head = [`${message.method} ${message.target} HTTP/1.1`, ...lines]
  if (message.body !== '') head.push(`content-length: ${message.body.length}`)
  return { head: head.join('\r\n'), body: message.body }
}

describe('malformed, partial and several requests', () => {
  it('any bytes get an answer that is not an internal error, and the server keeps running', async () => {
    const stack = await openStack()
    const asks = [
      { path: '/bucket/key' },
      { path: '/bucket', query: 'list-type=2' },
      { method: 'PUT', path: '/bucket/other', body: 'a body of some bytes' },
      {
        method: 'POST',
        path: '/bucket',
        query: 'delete=',
        body: '<Delete><Object><Key>x</Key></Object></Delete>',
      },
      { method: 'POST', path: '/bucket/other', query: 'uploads=' },
      { method: 'DELETE', path: '/bucket/other' },
    ]
    const signed = asks.map((ask) => {
      const message = stack.sign(ask)
      const { path, query } = message
      return toSigned({ ...message, target: query === '' ? path : `${path}?${query}` })
    })
    const input = fc.tuple(conversation(signed), sending)
    await fuzz(0.14, atOnce(input), async (conversations) => {
      const answers = await converse(stack.port, conversations)
      expect(answers.flatMap(readStatuses)).not.toContain(500)
    })
    await stack.expectAlive()
  })

  it('any bytes reach an upstream only as requests that the gateway signed', async () => {
    const upstream = await startUpstream()
    const faults: unknown[] = []
    const log = {
      info: () => {},
      warn: () => {},
      error: (facts: object, message: string) => void faults.push({ ...facts, message }),
    }
    const s3 = await openHarness({ log, upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    const listener = await listen(s3.handler, {
      host: '127.0.0.1',
      port: 0,
      log,
      isAccessLogged: false,
      nowMs: () => startMs,
    })
    onTestFinished(() => listener.close(0))
    const asks = [
      { method: 'GET', target: '/bucket/key', body: '' },
      { method: 'PUT', target: '/bucket/key', body: 'a body of some bytes' },
      {
        method: 'POST',
        target: '/bucket?delete=',
        body: '<Delete><Object><Key>x</Key></Object></Delete>',
      },
    ]
    const signed = asks.map(({ method: verb, target: address, body: text }) => {
      const [pathname = '', search = ''] = address.split(/(?=\?)/)
      const url = { host: listener.url.host, pathname, search }
      const unsigned = { method: verb, url, headers: {}, payloadHash: 'UNSIGNED-PAYLOAD' }
      const options = { region: 'us-east-1', service: 's3', nowMs: startMs } as const
      const headers = Object.entries(signRequest(unsigned, root, options))
      return toSigned({ method: verb, target: address, headers, body: text })
    })
    const input = fc.tuple(conversation(signed), sending)
    await fuzz(0.1, atOnce(input), async (conversations) => {
      upstream.seen.length = 0
      const answers = await converse(listener.port, conversations)
      expect(answers.flatMap(readStatuses)).not.toContain(500)
      expect(faults).toEqual([])
      for (const { headers } of upstream.seen)
        expect(headers['authorization']).toContain(`Credential=${keys.accessKeyId}/`)
    })
    const [plain] = signed
    const last = await sendRaw(listener.port, [`${plain?.head}\r\nconnection: close\r\n\r\n`])
    expect(readStatuses(last)).toEqual([200])
  })
})
