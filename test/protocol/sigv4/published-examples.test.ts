/** The examples of AWS's documentation: «Signature Calculations for the Authorization Header» and related pages. */
import { describe, expect, it } from 'vitest'
import { hmac, sha256Hex } from '../../../src/protocol/digest.ts'
import {
  buildCanonicalRequest,
  buildStringToSign,
  emptySha256,
  formatScope,
} from '../../../src/protocol/sigv4/canonical-request.ts'
import { signChunk } from '../../../src/protocol/sigv4/chunk-signature.ts'
import {
  parsePostSignature,
  verifyPostSignature,
} from '../../../src/protocol/sigv4/post-signature.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { deriveSigningKey } from '../../../src/protocol/sigv4/signing-key.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const nowMs = Date.parse('2013-05-24T00:00:00Z')
const options = { region: 'us-east-1', service: 's3', nowMs } as const
const origin = 'https://examplebucket.s3.amazonaws.com'

const requests = [
  {
    name: 'GET object',
    request: {
      method: 'GET',
      url: new URL('/test.txt', origin),
      headers: { range: 'bytes=0-9' },
      payloadHash: emptySha256,
    },
    signedHeaders: 'host;range;x-amz-content-sha256;x-amz-date',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT object',
    request: {
      method: 'PUT',
      url: new URL('/test%24file.text', origin),
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      payloadHash: sha256Hex('Welcome to Amazon S3.'),
    },
    signedHeaders: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET bucket lifecycle',
    request: {
      method: 'GET',
      url: new URL('/?lifecycle', origin),
      headers: {},
      payloadHash: emptySha256,
    },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET bucket (list objects)',
    request: {
      method: 'GET',
      url: new URL('/?max-keys=2&prefix=J', origin),
      headers: {},
      payloadHash: emptySha256,
    },
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
]

describe('AWS’s examples of a signed request', () => {
  it.each(requests)('AWS example $name is reproduced', ({ request, signedHeaders, signature }) => {
    expect(signRequest(request, credentials, options)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
        `SignedHeaders=${signedHeaders}, Signature=${signature}`,
    )
  })
})

describe('AWS’s example of a presigned URL', () => {
  it('AWS’s example of a presigned URL has the published signature', () => {
    const url = presignUrl({ method: 'GET', url: new URL('/test.txt', origin) }, credentials, {
      ...options,
      expiresSeconds: 86_400,
    })
    expect(url.href).toBe(
      `${origin}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256` +
        '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
        '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    )
  })
})

describe('AWS’s example of a chunked upload', () => {
  const headers = {
    'content-encoding': 'aws-chunked',
    'content-length': '66824',
    host: 's3.amazonaws.com',
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'x-amz-date': '20130524T000000Z',
    'x-amz-decoded-content-length': '66560',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
      'SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,' +
      'Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  }
  const message = {
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    rawQuery: '',
    headers: new Map(Object.entries(headers)),
  }

  it('AWS’s example of a chunked upload has the published chunk signatures', () => {
    const parsed = parseSignature(message)
    if (parsed === undefined) throw new Error('the example is signed')
    const seed = verifySignature(parsed, message, credentials.secretAccessKey, options)
    const first = signChunk(seed, seed.signature, sha256Hex('a'.repeat(65_536)))
    const second = signChunk(seed, first, sha256Hex('a'.repeat(1024)))
    const last = signChunk(seed, second, emptySha256)
    expect([first, second, last]).toEqual([
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ])
  })
})

describe('AWS’s example of IAM ListUsers', () => {
  const scope = { date: '20150830', region: 'us-east-1', service: 'iam' }
  const key = deriveSigningKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', scope)

  it('AWS’s ListUsers example has the published signing key', () => {
    expect(key.toString('hex')).toBe(
      'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
    )
  })

  it('AWS’s ListUsers example has the published canonical request and signature', () => {
    const headers = new Map([
      ['content-type', 'application/x-www-form-urlencoded; charset=utf-8'],
      ['host', 'iam.amazonaws.com'],
      ['x-amz-date', '20150830T123600Z'],
    ])
    const message = {
      method: 'GET',
      rawPath: '/',
      rawQuery: 'Version=2010-05-08&Action=ListUsers',
      headers,
    }
    const canonicalRequest = buildCanonicalRequest(message, [...headers.keys()], emptySha256)
    expect(sha256Hex(canonicalRequest)).toBe(
      'f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59',
    )
    const text = buildStringToSign('20150830T123600Z', formatScope(scope), canonicalRequest)
    expect(hmac('sha256', key, text).toString('hex')).toBe(
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    )
  })
})

/** «Example: Browser-Based Upload using HTTP POST»; the page's lines end in CRLF. */
const formPolicy = `{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}`.replaceAll('\n', '\r\n')

describe('AWS’s example of an upload form', () => {
  const fields = new Map([
    ['key', 'user/user1/${filename}'],
    ['x-amz-credential', 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request'],
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-date', '20151229T000000Z'],
    ['policy', Buffer.from(formPolicy).toString('base64')],
    ['x-amz-signature', '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e'],
  ])
  const verify = (form: ReadonlyMap<string, string>): void => {
    const parsed = parsePostSignature(form)
    expect(parsed?.accessKeyId).toBe(credentials.accessKeyId)
    if (parsed) verifyPostSignature(parsed, credentials.secretAccessKey, options)
  }

  it('AWS’s example of an upload form verifies', () => {
    expect(() => verify(fields)).not.toThrow()
  })

  it('AWS’s upload form with one space removed from its policy is refused', () => {
    const policy = Buffer.from(formPolicy.replace('{ ', '{')).toString('base64')
    expect(() => verify(new Map(fields).set('policy', policy))).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    )
  })
})
