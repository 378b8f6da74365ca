import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AwsError } from '../../../src/protocol/aws-error.ts'
import { parsePresignedV2, verifyPresignedV2 } from '../../../src/protocol/sigv2/presigned.ts'
import { parseQuery } from '../../../src/protocol/query.ts'

/** The example of AWS's «Query string request authentication alternative», to the letter. */
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

describe('a URL presigned with Signature Version 2', () => {
  it('verifies as AWS’s published example', () => {
    expect(check()).toBe('verified')
  })

  it('verifies the same with the bucket in the path', () => {
    expect(check({ rawPath: '/johnsmith/photos/puppy.jpg' }, { hostBucket: '' })).toBe('verified')
  })

  it.each([
    { what: 'another method', changed: { method: 'PUT' } },
    { what: 'another path', changed: { rawPath: '/photos/puppy.jpeg' } },
    { what: 'another end', changed: { rawQuery: query.replace('620', '621') } },
    { what: 'another signature', changed: { rawQuery: query.replace('NpgC', 'npgC') } },
    { what: 'a sub-resource put in', changed: { rawQuery: `${query}&acl` } },
    {
      what: 'an answer’s header put in',
      changed: { rawQuery: `${query}&response-content-type=x` },
    },
    { what: 'an x-amz- header put in', changed: { headers: new Map([['x-amz-acl', 'private']]) } },
    { what: 'a header put into the query', changed: { rawQuery: `${query}&X-Amz-Acl=private` } },
    { what: 'a session token put in', changed: { rawQuery: `${query}&x-amz-security-token=t` } },
  ])('is refused with $what', ({ changed }) => {
    expect(check(changed)).toBe('SignatureDoesNotMatch')
  })

  it.each(['attributes', 'policyStatus', 'ownershipControls', 'publicAccessBlock'])(
    'is refused with ?%s, which this version does not sign',
    (name) => {
      expect(check({ rawQuery: `${query}&${name}` })).toBe('AccessDenied')
    },
  )

  it('is refused for another bucket in the host', () => {
    expect(check({}, { hostBucket: 'johnsmyth' })).toBe('SignatureDoesNotMatch')
  })

  it('is refused a second after its end', () => {
    expect(check({}, { nowMs: 1_175_139_620_000 })).toBe('verified')
    expect(check({}, { nowMs: 1_175_139_621_000 })).toBe('AccessDenied')
  })

  it('never verifies with an end that is no number', () => {
    const text = 'GET\n\n\nnever\n/johnsmith/photos/puppy.jpg'
    const signature = createHmac('sha1', secret).update(text).digest('base64')
    const rawQuery = new URLSearchParams({
      AWSAccessKeyId: 'A',
      Signature: signature,
      Expires: 'never',
    })
    expect(check({ rawQuery: rawQuery.toString() })).toBe('AccessDenied')
  })

  it('covers a session token in the query as the header it stands for, as boto3 signs it', () => {
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

  it('must be whole', () => {
    expect(() => parsePresignedV2(parseQuery('AWSAccessKeyId=A&Expires=1'))).toThrow(/Signature/)
  })

  it('is not looked for where no key is named', () => {
    expect(parsePresignedV2(parseQuery('list-type=2'))).toBeUndefined()
  })
})
