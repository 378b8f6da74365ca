import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AwsError } from '../../../src/protocol/aws-error.ts'
import { parsePresignedV2, verifyPresignedV2 } from '../../../src/protocol/sigv2/presigned.ts'
import { parseQuery } from '../../../src/protocol/query.ts'

/** The unmodified example of AWS's «Query string request authentication alternative». */
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const query =
  'AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620'
const message = { method: 'GET', rawPath: '/photos/puppy.jpg', rawQuery: query, headers: new Map() }
const beforeMs = 1_175_139_000_000

function check(
  changed: Partial<typeof message> = {},
  options: { hostBucket?: string; nowMs?: number } = {},
): string {
  const sent = { ...message, ...changed }
  const parsed = parsePresignedV2(parseQuery(sent.rawQuery))
  if (parsed === undefined) return 'not signed'
  try {
    verifyPresignedV2(parsed, sent, secret, {
      hostBucket: 'johnsmith',
      nowMs: beforeMs,
      ...options,
    })
    return 'verified'
  } catch (error) {
    return (error as AwsError).code
  }
}

describe('URL presigned with Signature Version 2', () => {
  it('AWS’s published V2 example verifies', () => {
    expect(check()).toBe('verified')
  })

  it('a V2 presigned URL verifies with the bucket in the path too', () => {
    expect(check({ rawPath: '/johnsmith/photos/puppy.jpg' }, { hostBucket: '' })).toBe('verified')
  })

  it.each([
    { what: 'another method', changed: { method: 'PUT' } },
    { what: 'another path', changed: { rawPath: '/photos/puppy.jpeg' } },
    { what: 'another expiry', changed: { rawQuery: query.replace('620', '621') } },
    { what: 'another signature', changed: { rawQuery: query.replace('NpgC', 'npgC') } },
    { what: 'an added sub-resource', changed: { rawQuery: `${query}&acl` } },
    {
      what: 'an added header of the answer',
      changed: { rawQuery: `${query}&response-content-type=x` },
    },
    { what: 'an added x-amz- header', changed: { headers: new Map([['x-amz-acl', 'private']]) } },
    { what: 'an added query header', changed: { rawQuery: `${query}&X-Amz-Acl=private` } },
    { what: 'an added session token', changed: { rawQuery: `${query}&x-amz-security-token=t` } },
  ])('a V2 presigned URL is refused with $what', ({ changed }) => {
    expect(check(changed)).toBe('SignatureDoesNotMatch')
  })

  it.each(['attributes', 'policyStatus', 'ownershipControls', 'publicAccessBlock'])(
    'a V2 presigned URL is refused with ?%s, which this version does not sign',
    (name) => {
      expect(check({ rawQuery: `${query}&${name}` })).toBe('AccessDenied')
    },
  )

  it.each([
    ['response-content-type=a&versionId=b', 'response-content-type=a%26versionId%3Db'],
    ['acl&versionId=b', 'acl=%26versionId%3Db'],
    ['partNumber=1&uploadId=b&versions', 'partNumber=1&uploadId=b%26versions'],
  ])('a V2 URL for %s is not one for %s', (signed, merged) => {
    const text = `GET\n\n\n1175139620\n/b/k?${signed}`
    const signature = createHmac('sha1', secret).update(text).digest('base64')
    const rest = `AWSAccessKeyId=A&Expires=1175139620&Signature=${encodeURIComponent(signature)}`
    const ask = (parameters: string): string =>
      check({ rawPath: '/b/k', rawQuery: `${parameters}&${rest}` }, { hostBucket: '' })
    expect(ask(signed)).toBe('verified')
    expect(ask(merged)).not.toBe('verified')
  })

  it('a V2 URL may have an ampersand in a header of the answer', () => {
    const text =
      'GET\n\n\n1175139620\n/b/k?response-content-disposition=attachment; filename="a&b=c.txt"'
    const signature = createHmac('sha1', secret).update(text).digest('base64')
    const disposition = encodeURIComponent('attachment; filename="a&b=c.txt"')
    const rawQuery = `response-content-disposition=${disposition}&AWSAccessKeyId=A&Expires=1175139620&Signature=${encodeURIComponent(signature)}`
    expect(check({ rawPath: '/b/k', rawQuery }, { hostBucket: '' })).toBe('verified')
  })

  it('a V2 presigned URL is refused for another bucket in the host', () => {
    expect(check({}, { hostBucket: 'johnsmyth' })).toBe('SignatureDoesNotMatch')
  })

  it('a V2 presigned URL is refused a second after its expiry', () => {
    expect(check({}, { nowMs: 1_175_139_620_000 })).toBe('verified')
    expect(check({}, { nowMs: 1_175_139_621_000 })).toBe('AccessDenied')
  })

  it('a V2 presigned URL with an expiry that is not a number is refused', () => {
    const text = 'GET\n\n\nnever\n/johnsmith/photos/puppy.jpg'
    const signature = createHmac('sha1', secret).update(text).digest('base64')
    const rawQuery = new URLSearchParams({
      AWSAccessKeyId: 'A',
      Signature: signature,
      Expires: 'never',
    })
    expect(check({ rawQuery: rawQuery.toString() })).toBe('AccessDenied')
  })

  it('a V2 signature covers a session token in the query like its header, as boto3 signs it', () => {
    const text = 'GET\n\n\n1175139620\nx-amz-security-token:a+b\n/johnsmith/photos/puppy.jpg'
    const signature = createHmac('sha1', secret).update(text).digest('base64')
    const rawQuery = new URLSearchParams({
      AWSAccessKeyId: 'A',
      Signature: signature,
      Expires: '1175139620',
      'x-amz-security-token': 'a+b',
    }).toString()

    expect(check({ rawQuery })).toBe('verified')
    expect(parsePresignedV2(parseQuery(rawQuery))?.sessionToken).toBe('a+b')
  })

  it('a V2 presigned URL without a signature is refused', () => {
    expect(() => parsePresignedV2(parseQuery('AWSAccessKeyId=A&Expires=1'))).toThrow(/Signature/)
  })

  it('a query without an access key is not a V2 presigned URL', () => {
    expect(parsePresignedV2(parseQuery('list-type=2'))).toBeUndefined()
  })
})
