import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../../src/protocol/credentials.ts'
import { sha256Hex } from '../../../src/protocol/digest.ts'
import {
  canonicalizeQuery,
  encodeRfc3986,
  type SignedMessage,
} from '../../../src/protocol/sigv4/canonical-request.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { presignUrl, signRequest, type SignOptions } from '../../../src/protocol/sigv4/sign.ts'
import {
  verifySignature,
  type VerifyOptions,
} from '../../../src/protocol/sigv4/verify-signature.ts'

const secretAccessKey = 'a-secret-of-some-length'
const root: Credentials = { accessKeyId: 'AKEY', secretAccessKey }
const nowMs = Date.parse('2026-11-23T16:33:27Z')
const minuteMs = 60_000
const signing: SignOptions = { region: 'us-east-1', service: 's3', nowMs }
const verifying: VerifyOptions = { region: 'us-east-1', service: 's3', nowMs }
const payloadHash = sha256Hex('body')

function toMessage(method: string, url: URL, headers: Record<string, string>): SignedMessage {
  return {
    method,
    rawPath: url.pathname,
    rawQuery: url.search.slice(1),
    headers: new Map(Object.entries(headers)),
  }
}

const target = new URL('http://127.0.0.1:9000/bucket/a%20key?x=1&list-type=2')

function sign(options: Partial<SignOptions> = {}, credentials = root): SignedMessage {
  const request = { method: 'PUT', url: target, headers: { 'x-amz-meta-a': '1' }, payloadHash }
  const headers = signRequest(request, credentials, { ...signing, ...options })
  return toMessage('PUT', target, headers)
}

function presign(expiresSeconds = 60, credentials = root): SignedMessage {
  const request = { method: 'GET', url: target }
  const url = presignUrl(request, credentials, { ...signing, expiresSeconds })
  return toMessage('GET', url, { host: url.host })
}

function verify(message: SignedMessage, options: Partial<VerifyOptions> = {}): void {
  const parsed = parseSignature(message)
  if (parsed === undefined) throw new Error('not signed')
  verifySignature(parsed, message, secretAccessKey, { ...verifying, ...options })
}

const withHeader = (message: SignedMessage, name: string, value: string): SignedMessage => ({
  ...message,
  headers: new Map(message.headers).set(name, value),
})
const isRefusal = (code: string, status: number): unknown =>
  expect.objectContaining({ name: 'AwsError', code, status })

describe('signed request', () => {
  it('a signed request verifies only with its own secret', () => {
    const message = sign()
    verify(message)
    const parsed = parseSignature(message)
    if (parsed === undefined) throw new Error('not signed')
    expect(() => verifySignature(parsed, message, `${secretAccessKey}x`, verifying)).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it.each<[string, SignedMessage]>([
    ['method', { ...sign(), method: 'GET' }],
    ['path', { ...sign(), rawPath: '/bucket/another' }],
    ['query', { ...sign(), rawQuery: 'x=2&list-type=2' }],
    ['host', withHeader(sign(), 'host', 'evil.example')],
    ['declared body hash', withHeader(sign(), 'x-amz-content-sha256', sha256Hex('other'))],
    ['metadata', withHeader(sign(), 'x-amz-meta-a', '2')],
    ['date', withHeader(sign(), 'x-amz-date', '20261123T163328Z')],
  ])('a signed request is refused with another %s', (_what, message) => {
    expect(() => verify(message)).toThrow(isRefusal('SignatureDoesNotMatch', 403))
  })

  it.each([
    ['15 minutes old', 15 * minuteMs, true],
    ['older than 15 minutes', 15 * minuteMs + 1000, false],
    ['15 minutes ahead', -15 * minuteMs, true],
    ['over 15 minutes ahead', -15 * minuteMs - 1000, false],
  ])('a signed request may be up to 15 minutes off: %s', (_what, laterMs, isAccepted) => {
    const act = (): void => verify(sign(), { nowMs: nowMs + laterMs })
    if (isAccepted) act()
    else expect(act).toThrow(isRefusal('RequestTimeTooSkewed', 403))
  })

  it('a signature covers as many headers as a request may have', () => {
    const headers = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`x-amz-meta-${index}`, '1']),
    )
    const request = { method: 'PUT', url: target, headers, payloadHash }
    verify(toMessage('PUT', target, signRequest(request, root, signing)))
  })

  it('a signature that names a header twice is malformed', () => {
    const message = sign()
    const authorization = message.headers.get('authorization') ?? ''
    const twice = authorization.replace('SignedHeaders=', 'SignedHeaders=host;')
    expect(() => verify(withHeader(message, 'authorization', twice))).toThrow(
      isRefusal('AuthorizationHeaderMalformed', 400),
    )
  })

  it('a signed header may be in the query of a presigned URL', () => {
    const headers = { 'x-amz-acl': 'private' }
    const url = new URL(`${target.href}&X-Amz-Acl=private`)
    const signed = presignUrl({ method: 'GET', url, headers }, root, {
      ...signing,
      expiresSeconds: 60,
    })
    verify(toMessage('GET', signed, { host: url.host }))
    const other = new URL(signed.href.replace('Acl=private', 'Acl=public-read'))
    expect(() => verify(toMessage('GET', other, { host: url.host }))).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it('a signed request for another region is told the server’s region', () => {
    expect(() => verify(sign({ region: 'eu-west-1' }))).toThrow(
      expect.objectContaining({
        code: 'AuthorizationHeaderMalformed',
        status: 400,
        details: { Region: 'us-east-1' },
      }),
    )
  })

  it('a server without a region accepts any, and US is an alias of us-east-1', () => {
    verify(sign({ region: 'eu-west-1' }), { region: '' })
    verify(sign({ region: 'US' }))
  })

  it('a signed request for another service is refused', () => {
    const forSts = sign({ service: 'sts' })
    expect(() => verify(forSts)).toThrow(isRefusal('AuthorizationHeaderMalformed', 400))
    expect(() => verify(sign(), { service: 'sts', bodySha256: payloadHash })).toThrow(
      isRefusal('AuthorizationParametersError', 400),
    )
    verify(forSts, { service: 'sts', bodySha256: payloadHash })
  })

  it('a signed STS request is verified with the hash of its body, not with a header', () => {
    const message = withHeader(sign({ service: 'sts' }), 'x-amz-content-sha256', payloadHash)
    verify(message, { service: 'sts', bodySha256: payloadHash })
    expect(() => verify(message, { service: 'sts', bodySha256: sha256Hex('changed') })).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it('a forged and expired request is refused as forged', () => {
    const message = { ...sign(), method: 'GET' }
    expect(() => verify(message, { nowMs: nowMs + 60 * minuteMs })).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it('a signed request must sign its host, and have every header that it signs', () => {
    const message = sign()
    const authorization = message.headers.get('authorization') ?? ''
    const unsignedHost = authorization.replace('SignedHeaders=host;', 'SignedHeaders=')
    expect(() => verify(withHeader(message, 'authorization', unsignedHost))).toThrow(
      isRefusal('AccessDenied', 400),
    )
    const headers = new Map(message.headers)
    headers.delete('x-amz-meta-a')
    expect(() => verify({ ...message, headers })).toThrow(isRefusal('AccessDenied', 400))
  })

  it('a signed request with unsigned x-amz- headers is refused, and the error names each', () => {
    const arbitraryName = fc.stringMatching(/^x-amz-[a-z0-9-]{1,30}$/)
    fc.assert(
      fc.property(
        fc.uniqueArray(arbitraryName, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (names, isPresigned) => {
          fc.pre(!names.some((name) => /^x-amz-(meta-a|cf-id|user-agent)$/.test(name)))
          fc.pre(!names.some((name) => /^x-amz-(sdk-)?checksum-/.test(name)))
          let message = isPresigned ? presign() : sign()
          for (const name of names) message = withHeader(message, name, 'v')
          expect(() => verify(message)).toThrow(
            expect.objectContaining({
              code: 'AccessDenied',
              status: 403,
              message: 'There were headers present in the request which were not signed',
              details: { HeadersNotSigned: names.join(', ') },
            }),
          )
        },
      ),
    )
  })

  it('a presigned URL accepts unsigned signature headers that match its query', () => {
    const presigned = withHeader(presign(), 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD')
    expect(() => verify(presigned)).not.toThrow()
    const withDate = withHeader(presign(), 'x-amz-date', '20261123T163327Z')
    expect(() => verify(withDate)).not.toThrow()
    const withOther = withHeader(presign(), 'x-amz-date', '20261123T163328Z')
    expect(() => verify(withOther)).toThrow(isRefusal('AccessDenied', 403))
    const token = presign(60, { ...root, sessionToken: 'eyJ.x.y' })
    expect(() => verify(withHeader(token, 'x-amz-security-token', 'eyJ.x.y'))).not.toThrow()
    expect(() => verify(withHeader(token, 'x-amz-security-token', 'eyJ.x.z'))).toThrow(
      isRefusal('AccessDenied', 403),
    )
  })

  it('an error does not reveal unsigned headers to a client without the secret', () => {
    const message = withHeader(sign(), 'x-amz-acl', 'private')
    const parsed = parseSignature(message)
    if (parsed === undefined) throw new Error('not signed')
    expect(() => verifySignature(parsed, message, 'another secret', verifying)).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it('a signed request signs its session token', () => {
    const message = sign({}, { ...root, sessionToken: 'eyJ.x.y' })
    expect(parseSignature(message)).toMatchObject({ sessionToken: 'eyJ.x.y' })
    expect(() => verify(withHeader(message, 'x-amz-security-token', 'eyJ.x.z'))).toThrow(
      isRefusal('SignatureDoesNotMatch', 403),
    )
  })

  it('a signed request may have Date instead of x-amz-date', () => {
    const message = sign()
    const headers = new Map(message.headers)
    headers.delete('x-amz-date')
    headers.set('date', new Date(nowMs).toUTCString())
    expect(parseSignature({ ...message, headers })?.amzDate).toBe('20261123T163327Z')
    headers.delete('date')
    expect(() => parseSignature({ ...message, headers })).toThrow(isRefusal('AccessDenied', 403))
  })
})

describe('presigned URL', () => {
  it('a presigned URL verifies until the last second of its lifetime', () => {
    verify(presign(60), { nowMs: nowMs + 60_000 })
    expect(() => verify(presign(60), { nowMs: nowMs + 61_000 })).toThrow(
      isRefusal('AccessDenied', 403),
    )
  })

  it('a presigned URL verifies up to 15 minutes before its date', () => {
    verify(presign(), { nowMs: nowMs - 15 * minuteMs })
    expect(() => verify(presign(), { nowMs: nowMs - 15 * minuteMs - 1000 })).toThrow(
      isRefusal('AccessDenied', 403),
    )
  })

  it('a presigned URL signs its session token', () => {
    const message = presign(60, { ...root, sessionToken: 'eyJ.x.y+/=' })
    verify(message)
    expect(parseSignature(message)).toMatchObject({ sessionToken: 'eyJ.x.y+/=' })
    const rawQuery = message.rawQuery.replace('eyJ.x.y', 'eyJ.x.z')
    expect(() => verify({ ...message, rawQuery })).toThrow(isRefusal('SignatureDoesNotMatch', 403))
  })

  it('a presigned URL refuses unsigned metadata', () => {
    expect(() => verify(withHeader(presign(), 'x-amz-meta-role', 'admin'))).toThrow(
      isRefusal('AccessDenied', 403),
    )
  })

  it('a presigned URL for another region or service is refused', () => {
    const code = 'AuthorizationQueryParametersError'
    expect(() => verify(presign(), { region: 'eu-west-1' })).toThrow(isRefusal(code, 400))
    expect(() => verify(presign(), { service: 'sts' })).toThrow(isRefusal(code, 400))
  })

  it.each([
    ['another algorithm', 'X-Amz-Algorithm', 'AWS4-ECDSA-P256-SHA256'],
    ['an expiry over a week', 'X-Amz-Expires', '604801'],
    ['a negative expiry', 'X-Amz-Expires', '-1'],
    ['an expiry in hours', 'X-Amz-Expires', '1h'],
    ['an invalid date', 'X-Amz-Date', 'yesterday'],
    ['a credential without a scope', 'X-Amz-Credential', 'AKEY'],
    ['upper-case header names', 'X-Amz-SignedHeaders', 'Host'],
  ])('a presigned URL with %s is malformed', (_what, name, value) => {
    const message = presign()
    const query = new URLSearchParams(message.rawQuery)
    query.set(name, value)
    expect(() => parseSignature({ ...message, rawQuery: query.toString() })).toThrow(
      isRefusal('AuthorizationQueryParametersError', 400),
    )
  })

  it.each(['X-Amz-Algorithm', 'X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders'])(
    'a presigned URL without %s is malformed',
    (name) => {
      const message = presign()
      const query = new URLSearchParams(message.rawQuery)
      query.delete(name)
      expect(() => parseSignature({ ...message, rawQuery: query.toString() })).toThrow(
        isRefusal('AuthorizationQueryParametersError', 400),
      )
    },
  )
})

describe('signature fields', () => {
  const authorization = sign().headers.get('authorization') ?? ''

  it('a request without signature fields has no signature', () => {
    expect(
      parseSignature({ method: 'GET', rawPath: '/', rawQuery: 'a=b', headers: new Map() }),
    ).toBe(undefined)
  })

  it('a request with two signatures is refused, since either key could decide', () => {
    const message = sign()
    expect(() =>
      parseSignature({
        ...message,
        rawQuery: 'X-Amz-Credential=root%2F20261123%2Fx%2Fs3%2Faws4_request',
      }),
    ).toThrow(isRefusal('InvalidRequest', 400))
  })

  it.each([
    ['a bearer token', 'Bearer eyJ', 'InvalidArgument'],
    ['one word', 'eyJ', 'InvalidArgument'],
    ['a field twice', `${authorization}, Signature=a`, 'AuthorizationHeaderMalformed'],
    [
      'a field without a value',
      authorization.replace('SignedHeaders=', ''),
      'AuthorizationHeaderMalformed',
    ],
    ['version 2', 'AWS AKEY:sig', 'InvalidRequest'],
    ['too few fields', authorization.replace(/, Signature=.*/, ''), 'AuthorizationHeaderMalformed'],
    ['too many fields', `${authorization}, More=1`, 'AuthorizationHeaderMalformed'],
    [
      'another field',
      authorization.replace('SignedHeaders', 'Headers'),
      'AuthorizationHeaderMalformed',
    ],
    [
      'a scope cut short',
      authorization.replace('/aws4_request', ''),
      'AuthorizationHeaderMalformed',
    ],
    [
      'an upper-case signature',
      authorization.replace(/Signature=.*/, `Signature=${'A'.repeat(64)}`),
      'SignatureDoesNotMatch',
    ],
    [
      'a short signature',
      authorization.replace(/Signature=.*/, 'Signature=ab'),
      'SignatureDoesNotMatch',
    ],
  ])('an authorization header with %s is refused', (_what, value, code) => {
    expect(() => parseSignature(withHeader(sign(), 'authorization', value))).toThrow(
      expect.objectContaining({ code }),
    )
  })
})

describe('signing and verifying', () => {
  const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  const query = fc.array(fc.tuple(names, fc.string({ unit: 'grapheme', maxLength: 8 })), {
    maxLength: 5,
  })
  const path = fc.array(names, { maxLength: 4 })

  it('signing and verifying agree on any path and query', () => {
    fc.assert(
      fc.property(path, query, (segments, pairs) => {
        const url = new URL('http://h.example')
        url.pathname = `/${segments.map(encodeRfc3986).join('/')}`
        url.search = pairs
          .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
          .join('&')
        const signed = signRequest({ method: 'GET', url, headers: {}, payloadHash }, root, signing)
        verify(toMessage('GET', url, signed))
        const presigned = presignUrl({ method: 'GET', url }, root, {
          ...signing,
          expiresSeconds: 1,
        })
        verify(toMessage('GET', presigned, { host: url.host }))
      }),
    )
  })

  it.each([
    ['b=2&a=1', 'a=1&b=2'],
    ['a=b&a=a', 'a=a&a=b'],
    ['location', 'location='],
    ['a=%7e%2F+x', 'a=~%2F%20x'],
    ['a=%zz', 'a=%25zz'],
    ['&&a=1&', 'a=1'],
    ['A=1&a=1&_=1', 'A=1&_=1&a=1'],
  ])('the canonical form of the query %s is %s', (raw, canonical) => {
    expect(canonicalizeQuery(raw)).toBe(canonical)
  })
})
