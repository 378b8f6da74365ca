import fc from 'fast-check'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, startUpstream, type SeenRequest } from '../support/server/scripted-upstream.ts'
import { emptySha256 } from '../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { openHarness, region, root, startMs, type Harness } from '../support/server/s3-harness.ts'
import { byteText, fuzz, mostly } from './budget.ts'
import { makeHttpRequest } from '../support/server/make-request.ts'

const domain = 's3.example.com'

const segment = mostly(
  [
    'bkt1',
    'BKT1',
    'bkt2',
    'only',
    'a',
    'a.b',
    '',
    '',
    '.',
    '..',
    '%2e%2e',
    '%2F',
    '%62kt1',
    '%2Fbkt1',
    '%5c',
    'é',
    '%C3%A9',
    '+',
    ' ',
    '%00',
    '%',
    'minio',
    'bkt1%3Fx',
    'bkt1%23',
    '%252F',
    'bkt_1',
  ],
  byteText(4).map((text) => encodeURIComponent(text)),
)
const path = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) =>
    `/${segments.join('/')}`.replaceAll(/[ ?#]/g, (sign) => encodeURIComponent(sign)),
  )
const query = fc
  .array(
    mostly(
      [
        'list-type=2',
        'prefix=a',
        'prefix=secret',
        'versionId=v1',
        'tagging',
        'acl',
        'uploads',
        'location',
        'delete',
        'x-id=GetObject',
        'Prefix=a',
        'prefix=%61',
        'uploadId=u',
        'partNumber=1',
        '%70refix=b',
        'x-amz-copy-source=only%2Fkey',
      ],
      byteText(4).map((text) => encodeURIComponent(text)),
    ),
    { maxLength: 3 },
  )
  .map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`))
const host = mostly(
  [
    undefined,
    undefined,
    `bkt1.${domain}`,
    `BKT1.${domain}`,
    domain,
    `.${domain}`,
    `bkt1..${domain}`,
    'bkt1.localhost',
    '.localhost',
    'localhost',
    `a.b.${domain}`,
    `bkt1.${domain}.`,
    `x/bkt1.${domain}`,
  ],
  byteText(6).map((text) => `${text.replaceAll(/[^\w.~!-]/g, '_')}.${domain}`),
)
const copySource = mostly(
  [
    undefined,
    undefined,
    '/only/key',
    'bkt1/key',
    '/bkt1/key?versionId=v',
    '//bkt1/key',
    'bkt1%2Fkey',
    '/bkt1/../only/key',
    'bkt1',
    '/',
    '',
  ],
  byteText(8).map((text) => encodeURIComponent(text)),
)
const request = fc.record({
  method: fc.constantFrom('GET', 'GET', 'PUT', 'DELETE', 'HEAD', 'POST'),
  path,
  query,
  host,
  copySource,
})
type Ask = typeof request extends fc.Arbitrary<infer Value> ? Value : never

interface Target {
  readonly bucket: string
  readonly key: string
}

/**
 * Returns the bucket and key that a strict S3 server reads in a request: path-style from the first segment, virtual-host-style from the host,
 * which is not case-sensitive. Throws where servers read a request in different ways.
 */
function readStrictly(url: string, headers: SeenRequest['headers'], endpointHost: string): Target {
  const [rawPath = ''] = url.split('?')
  if (!rawPath.startsWith('/')) throw new Error(`${url} does not begin with a slash`)
  const [authority = ''] = (headers['host'] ?? '').toLowerCase().split(':')
  const segments = rawPath.slice(1).split('/').map(decodeURIComponent)
  if (segments.some((one) => one === '.' || one === '..')) throw new Error(`${url} can be folded`)
  if (authority !== endpointHost && authority.endsWith(`.${endpointHost}`))
    return { bucket: authority.slice(0, -endpointHost.length - 1), key: segments.join('/') }
  const [bucket = '', ...key] = segments
  // many servers read `//b/k` as `/b/k`
  if (bucket === '' && key.length > 0) throw new Error(`${url} has a key and no bucket`)
  return { bucket, key: key.join('/') }
}

async function openGateway(style: 'path' | 'virtual-host') {
  const upstream = await startUpstream()
  const url = new URL(upstream.url)
  url.hostname = 'localhost'
  const s3 = await openHarness({ domains: [domain], upstream: { url, credentials: keys, style } })
  onTestFinished(() => s3.close())
  // only now: a gateway does not start if its first question is answered with a list of buckets
  upstream.answer = (_request, response) => {
    response.end('<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>')
  }
  /** Signs the target unchanged: a `URL` would normalize it, or read `//b` as a host. */
  const send = async (ask: Ask): Promise<number> => {
    upstream.seen.length = 0
    s3.asked.length = 0
    const message = {
      method: ask.method,
      url: { host: ask.host ?? '127.0.0.1:9000', pathname: ask.path, search: ask.query },
      headers: ask.copySource === undefined ? {} : { 'x-amz-copy-source': ask.copySource },
      payloadHash: emptySha256,
    }
    const options = { region, service: 's3', nowMs: startMs } as const
    const { reply } = await s3.handler(
      makeHttpRequest({
        method: ask.method,
        rawPath: ask.path,
        rawQuery: ask.query.slice(1),
        headers: new Map(
          Object.entries(
            signRequest(
              { ...message, headers: { ...message.headers, 'content-length': '0' } },
              root,
              options,
            ),
          ),
        ),
        receivedAtMs: startMs,
      }),
    )
    if (reply.body instanceof Readable) await buffer(reply.body)
    return reply.status
  }
  return { upstream, s3, send }
}

const textOf = ({ bucket, key }: Target): string => `${bucket}/${key}`

/** Expects that the policies were asked about everything that the upstream got. */
function expectJudged(seen: SeenRequest, { asked }: Harness): void {
  const judged = new Set(asked.map(({ bucket, object }) => textOf({ bucket, key: object })))
  const target = textOf(readStrictly(seen.url, seen.headers, 'localhost'))
  expect(
    judged,
    `the upstream reads ${seen.method} ${seen.url} at ${seen.headers['host']} as ${target}`,
  ).toContain(target)
  const source = seen.headers['x-amz-copy-source']
  if (source !== undefined)
    expect(judged, `the upstream copies from ${source}`).toContain(
      textOf(readStrictly(source.startsWith('/') ? source : `/${source}`, {}, '')),
    )
  const prefix = new URLSearchParams(seen.url.split('?')[1] ?? '').get('prefix')
  if (prefix !== null) expect(asked.at(-1)?.conditions.get('prefix')).toEqual([prefix])
}

describe.each(['path', 'virtual-host'] as const)('a gateway with a %s-style upstream', (style) => {
  it('the gateway sends on only what the policies were asked about, as the upstream reads it', async () => {
    const { upstream, s3, send } = await openGateway(style)
    await fuzz(0.05, request, async (ask) => {
      expect(await send(ask)).not.toBe(500)
      for (const seen of upstream.seen) expectJudged(seen, s3)
    })
  })

  it('the gateway sends on nothing that the policies deny', async () => {
    const { upstream, s3, send } = await openGateway(style)
    s3.allow = ({ bucket }) => bucket === 'only'
    await fuzz(0.05, request, async (ask) => {
      expect(await send(ask)).not.toBe(500)
      for (const seen of upstream.seen) {
        const target = readStrictly(seen.url, seen.headers, 'localhost')
        // the gateway asks for the list of buckets, and shows those that the caller may list
        if (seen.method === 'GET' && textOf(target) === '/') continue
        expect(target.bucket, `${seen.method} ${seen.url} at ${seen.headers['host']}`).toBe('only')
      }
    })
  })
})
