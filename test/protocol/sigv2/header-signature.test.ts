import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AwsError } from '../../../src/protocol/aws-error.ts'
import {
  parseHeaderSignatureV2,
  verifyHeaderSignatureV2,
} from '../../../src/protocol/sigv2/header-signature.ts'

/** The examples of AWS's «Signing and authenticating REST requests», with their bucket johnsmith. */
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
interface Message {
  readonly method: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly headers: ReadonlyMap<string, string>
}

function example(
  method: string,
  target: string,
  signature: string,
  headers: Readonly<Record<string, string>>,
): Message {
  const [rawPath = '', rawQuery = ''] = target.split('?')
  const authorization = `AWS AKIAIOSFODNN7EXAMPLE:${signature}`
  return {
    method,
    rawPath,
    rawQuery,
    headers: new Map(Object.entries({ ...headers, authorization })),
  }
}

const date = 'Tue, 27 Mar 2007 19:36:42 +0000'
const get = example('GET', '/photos/puppy.jpg', 'bWq2s1WEIj+Ydj0vQ697zp+IXMU=', { date })

function check(
  message: Message,
  { hostBucket = 'johnsmith', nowMs = Date.parse('2007-03-27T19:40:00Z') } = {},
): string {
  try {
    const parsed = parseHeaderSignatureV2(message)
    if (parsed === undefined) return 'not signed'
    verifyHeaderSignatureV2(parsed, message, secret, { hostBucket, nowMs })
    return 'verified'
  } catch (error) {
    return (error as AwsError).code
  }
}

/** Signs a text as AWS's page does, for what it has no example of. */
function sign(text: string): string {
  return createHmac('sha1', secret).update(text).digest('base64')
}

describe('Signature Version 2 in the header', () => {
  it.each([
    ['object GET', get, {}],
    [
      'object PUT',
      example('PUT', '/photos/puppy.jpg', 'MyyxeRY7whkBe+bq8fHCL/2kKUg=', {
        'content-type': 'image/jpeg',
        'content-length': '94328',
        date: 'Tue, 27 Mar 2007 21:15:45 +0000',
      }),
      { nowMs: Date.parse('2007-03-27T21:15:45Z') },
    ],
    [
      'list',
      example('GET', '/?prefix=photos&max-keys=50&marker=puppy', 'htDYFYduRNen8P9ZfE/s9SuKy0U=', {
        'user-agent': 'Mozilla/5.0',
        date: 'Tue, 27 Mar 2007 19:42:41 +0000',
      }),
      {},
    ],
    [
      'fetch of an ACL',
      example('GET', '/?acl', 'c2WLPFtWHVgbEmeEG93a4cG37dM=', {
        date: 'Tue, 27 Mar 2007 19:44:46 +0000',
      }),
      {},
    ],
    [
      'upload with metadata and a virtual host',
      example('PUT', '/db-backup.dat.gz', 'ilyl83RwaSoYIEdixDQcA4OnAnc=', {
        'user-agent': 'curl/7.15.5',
        date: 'Tue, 27 Mar 2007 21:06:08 +0000',
        'x-amz-acl': 'public-read',
        'content-type': 'application/x-download',
        'content-md5': '4gJE4saaMU4BqNR0kLY+lw==',
        'x-amz-meta-reviewedby': 'joe@johnsmith.net,jane@johnsmith.net',
        'x-amz-meta-filechecksum': '0x02661779',
        'x-amz-meta-checksumalgorithm': 'crc32',
        'content-disposition': 'attachment; filename=database.dat',
        'content-encoding': 'gzip',
        'content-length': '5913339',
      }),
      { hostBucket: 'static.johnsmith.net', nowMs: Date.parse('2007-03-27T21:06:08Z') },
    ],
    [
      'list of all buckets',
      example('GET', '/', 'qGdzdERIC03wnaRNKh6OqZehG9s=', {
        date: 'Wed, 28 Mar 2007 01:29:59 +0000',
      }),
      { hostBucket: '', nowMs: Date.parse('2007-03-28T01:29:59Z') },
    ],
    [
      'key of other characters',
      example(
        'GET',
        '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
        'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
        { date: 'Wed, 28 Mar 2007 01:49:49 +0000' },
      ),
      { hostBucket: '', nowMs: Date.parse('2007-03-28T01:49:49Z') },
    ],
  ])('AWS’s published example verifies: %s', (_what, message, options) => {
    expect(check(message, options)).toBe('verified')
  })

  it('a changed method, path, date, header or sub-resource does not verify', () => {
    const { headers } = get
    for (const changed of [
      { ...get, method: 'DELETE' },
      { ...get, rawPath: '/photos/kitten.jpg' },
      { ...get, rawQuery: 'acl' },
      { ...get, rawQuery: 'x-amz-acl=public-read' },
      { ...get, headers: new Map([...headers, ['date', 'Tue, 27 Mar 2007 19:36:43 +0000']]) },
      { ...get, headers: new Map([...headers, ['x-amz-acl', 'public-read']]) },
      { ...get, headers: new Map([...headers, ['content-type', 'text/html']]) },
    ])
      expect(check(changed)).toBe('SignatureDoesNotMatch')
    expect(check(get, { hostBucket: 'another' })).toBe('SignatureDoesNotMatch')
  })

  it('x-amz-date takes the place of Date, in either form, and must be near the server’s time', () => {
    for (const amzDate of ['20070327T193642Z', date]) {
      const signature = sign(`GET\n\n\n\nx-amz-date:${amzDate}\n/johnsmith/a`)
      const message = example('GET', '/a', signature, {
        'x-amz-date': amzDate,
        date: 'Thu, 01 Jan 1970 00:00:00 GMT',
      })
      expect(check(message)).toBe('verified')
      expect(check(message, { nowMs: Date.parse('2007-03-27T20:00:00Z') })).toBe(
        'RequestTimeTooSkewed',
      )
    }
    for (const none of ['', 'now', 'Tue, 27 Mar 2007 19:36:42'])
      expect(
        check(example('GET', '/a', sign(`GET\n\n\n${none}\n/johnsmith/a`), { date: none })),
      ).toBe('AccessDenied')
  })

  it('a request that is signed in the query too is refused, and other schemes are not this one', () => {
    for (const rawQuery of ['AWSAccessKeyId=a&Signature=b&Expires=1', 'X-Amz-Signature=a'])
      expect(check({ ...get, rawQuery })).toBe('InvalidRequest')
    for (const authorization of [
      'AWS4-HMAC-SHA256 Credential=a',
      'AWS a',
      'AWS a:short',
      'Basic YTpi',
    ])
      expect(check({ ...get, headers: new Map([['authorization', authorization]]) })).toBe(
        'not signed',
      )
  })

  it('a sub-resource that this version does not sign is refused', () => {
    const signature = sign(`GET\n\n\n${date}\n/johnsmith/a`)
    const message = example('GET', '/a?attributes', signature, { date })
    expect(check(message)).toBe('AccessDenied')
  })
})
