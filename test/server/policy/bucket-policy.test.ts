/** What a bucket policy may say. Codes and sentences are those that S3 answers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import { parseBucketPolicy } from '../../../src/server/policy/bucket-policy.ts'
import { isPublicPolicy } from '../../../src/server/policy/public-policy.ts'

const statement = {
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::photos/*',
}
type Json = Readonly<Record<string, unknown>>

function write(over: Json, version: string | undefined = '2012-10-17'): string {
  return JSON.stringify({ Version: version, Statement: [{ ...statement, ...over }] })
}

/** Returns the sentence of the refusal, or `accepted`. */
function refusalOf(text: string): string | undefined {
  try {
    parseBucketPolicy(text, 'photos')
    return 'accepted'
  } catch (error) {
    return error instanceof AwsError && error.code === 'MalformedPolicy'
      ? error.sentence
      : `not a refusal: ${String(error)}`
  }
}

const noApply = 'Action does not apply to any resource(s) in statement'
const bothResources = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']

describe('a bucket policy is refused in the words of S3', () => {
  it.each([
    ['', "Policies must be valid JSON and the first byte must be '{'"],
    [' {}', "Policies must be valid JSON and the first byte must be '{'"],
    ['[]', "Policies must be valid JSON and the first byte must be '{'"],
    ['{', 'This policy contains invalid Json'],
    ['{"Statement":[1]}', 'This policy contains invalid Json'],
    [
      '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
      'This policy contains invalid Json',
    ],
    ['{}', 'Missing required field Statement'],
    ['{"Statement":[]}', 'Could not parse the policy: Statement is empty!'],
    ['{"Statement":[],"Version":"2012-10-18"}', 'The policy must contain a valid version string'],
    ['{"Statement":[],"Statements":[]}', 'Unknown field Statements'],
  ])('%j: %s', (text, sentence) => {
    expect(refusalOf(text)).toBe(sentence)
  })

  it.each<[Json, string]>([
    [{ Effect: undefined }, 'Missing required field Effect'],
    [{ Effect: 'allow' }, 'Invalid effect: allow'],
    [{ Principal: undefined }, 'Missing required field Principal'],
    [{ Action: undefined }, 'Missing required field Action'],
    [{ Resource: undefined }, 'Missing required field Resource'],
    [{ Principal: undefined, NotPrincipal: '*' }, 'Allow with NotPrincipal is not allowed'],
    [{ Effect: 'Deny', NotPrincipal: '*' }, 'Invalid principal in policy'],
    [{ Principal: 'alice' }, 'Invalid principal in policy'],
    [{ Principal: {} }, 'Invalid principal in policy'],
    [{ Principal: { AWS: [] } }, 'Invalid principal in policy'],
    [{ Principal: { AWS: 'alice' } }, 'Invalid principal in policy'],
    [{ Principal: { AWS: ['*', 1] } }, 'Invalid principal in policy'],
    [{ Principal: { '*': '*' } }, 'Invalid principal in policy'],
    [{ Principal: { AWS: 'arn:aws:iam::000000000000:user/*' } }, 'Invalid principal in policy'],
    [{ Principal: { AWS: 'arn:aws:iam::000000000000:*' } }, 'Invalid principal in policy'],
    [{ Principal: { CanonicalUser: '*' } }, 'Invalid principal in policy'],
    [{ Action: 's3:GetObjekt' }, 'Policy has invalid action'],
    [{ Action: 'iam:CreateUser' }, 'Policy has invalid action'],
    [{ Action: 'sts:AssumeRole' }, 'Policy has invalid action'],
    [{ Action: 'admin:*' }, 'Policy has invalid action'],
    [{ Action: ['s3:GetObject', 'kms:Decrypt'] }, 'Policy has invalid action'],
    [{ Action: 's3:ListAllMyBuckets', Resource: bothResources }, 'Policy has invalid action'],
    [{ Resource: 'arn:aws:s3:::other/*' }, 'Policy has invalid resource'],
    [{ Resource: 'arn:aws:s3:::photos2/*' }, 'Policy has invalid resource'],
    [
      { Resource: ['arn:aws:s3:::photos/*', 'arn:aws:s3:::other/*'] },
      'Policy has invalid resource',
    ],
    [{ Resource: 'arn:aws:s3:::other*' }, 'Policy has invalid resource'],
    [{ Resource: 'arn:aws:s3:::photo/*' }, 'Policy has invalid resource'],
    [{ Resource: 'arn:aws:s3:::photos${aws:username}/*' }, 'Policy has invalid resource'],
    [{ Resource: '*' }, 'Policy has invalid resource'],
    [{ Resource: 'photos/*' }, 'Policy has invalid resource'],
    [{ Resource: undefined, NotResource: 'arn:aws:s3:::other/*' }, 'Policy has invalid resource'],
    [{ Resource: 'arn:aws:s3:::photos' }, noApply],
    [{ Action: 's3:ListBucket' }, noApply],
    [{ Action: ['s3:GetObject', 's3:ListBucket'] }, noApply],
    [{ Action: 's3:List*', Resource: 'arn:aws:s3:::photos' }, 'accepted'],
    [{ Action: 's3:PutObject*', Resource: 'arn:aws:s3:::photos' }, noApply],
    [{ Action: 's3:PutBucket*' }, noApply],
    [{ Condition: [] }, 'Invalid policy syntax.'],
    [{ Condition: { StringIs: { 'aws:username': 'a' } } }, 'Invalid policy syntax.'],
    [{ Condition: { StringEquals: { 'aws:nothing': 'a' } } }, 'Invalid policy syntax.'],
    [{ Effects: 'Deny' }, 'Invalid policy syntax.'],
    [{ Action: 1 }, 'Invalid policy syntax.'],
  ])('a statement with %j: %s', (over, sentence) => {
    expect(refusalOf(write(over))).toBe(sentence)
  })

  it('statement IDs must be unique, and empty ones are none', () => {
    const twice = (Sid: string): string =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { ...statement, Sid },
          { ...statement, Sid },
        ],
      })
    expect(refusalOf(twice('a'))).toBe('Statement IDs (SID) in a single policy must be unique')
    expect(refusalOf(twice(''))).toBe('accepted')
  })

  it('a variable needs the version in which it is one', () => {
    const own = { Resource: 'arn:aws:s3:::photos/${aws:username}/*' }
    expect(refusalOf(write(own))).toBe('accepted')
    for (const version of ['2008-10-17', undefined])
      expect(
        refusalOf(JSON.stringify({ Version: version, Statement: { ...statement, ...own } })),
      ).toBe('a policy with a variable must have the Version 2012-10-17')
  })

  it('resources that cost much to compare with many keys are refused', () => {
    const Resource = Array.from({ length: 11 }, (_, at) => `arn:aws:s3:::photos/*${at}*`)
    expect(refusalOf(write({ Resource }))).toContain('something between two stars')
  })
})

describe('whatever is sent as a bucket policy', () => {
  const anyMember = fc.constantFrom(
    ...'Effect Principal NotPrincipal Action NotAction Resource NotResource Condition Sid Other'.split(
      ' ',
    ),
  )
  const anyName = fc.constantFrom(
    ...'Allow Deny * s3:* s3:GetObject arn:aws:s3:::photos/* arn:aws:s3:::photos AWS StringLike aws:username'.split(
      ' ',
    ),
  )
  const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      anyName,
      fc.jsonValue(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(anyName, tie('value'), { maxKeys: 2 }),
    ),
  })).value

  it('is accepted or MalformedPolicy, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(anyMember, anyValue, { maxKeys: 4 }), anyValue, (over, whole) => {
        for (const text of [
          write(over),
          JSON.stringify(whole),
          JSON.stringify({ Statement: whole }),
        ])
          expect(refusalOf(text)).not.toMatch(/^not a refusal/)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a bucket policy is accepted', () => {
  it.each<Json>([
    { Principal: { AWS: '*' } },
    { Principal: { AWS: ['*'] } },
    { Principal: { AWS: '000000000000' } },
    { Principal: { AWS: ['arn:aws:iam::000000000000:root', '123456789012'] } },
    { Principal: { AWS: 'arn:aws:iam::s3tenant1:root' } },
    { Principal: { AWS: 'arn:aws:iam:::user/alice' } },
    { Principal: { AWS: 'arn:minio:iam:::role/builders' } },
    { Principal: { AWS: 'arn:aws:sts::000000000000:assumed-role/builders/ci' } },
    { Principal: { Service: 'logging.s3.amazonaws.com' } },
    { Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS: '000000000000' } },
    { Action: '*', Resource: bothResources },
    { Action: 's3:*' },
    { Action: 'S3:getobject' },
    { Action: undefined, NotAction: 's3:PutObject' },
    { Resource: 'arn:aws:s3:::photos*' },
    { Resource: 'arn:aws:s3:::*' },
    { Resource: 'arn:aws:s3:::*/*' },
    { Resource: 'arn:aws:s3:::photo?/a' },
    { Resource: undefined, NotResource: 'arn:aws:s3:::photos/secret/*' },
    { Condition: { StringEquals: { 's3:x-amz-acl': 'private', 'aws:PrincipalTag/team': 'a' } } },
    {
      Condition: { StringEquals: { 's3:ExistingObjectTag/a': 'b', 's3:RequestObjectTag/a': 'b' } },
    },
    {
      Condition: {
        IpAddress: { 'aws:SourceIp': '10.0.0.0/24' },
        StringLike: { 's3:prefix': 'a/*' },
      },
    },
  ])('with %j', (over) => {
    expect(refusalOf(write(over))).toBe('accepted')
  })

  it('in either version, in none, and as one statement', () => {
    for (const Version of ['2012-10-17', '2008-10-17', undefined])
      expect(refusalOf(JSON.stringify({ Version, Id: 'x', Statement: statement }))).toBe('accepted')
  })
})

describe('a bucket policy is public', () => {
  const isPublic = (over: Json): boolean => isPublicPolicy(parseBucketPolicy(write(over), 'photos'))
  const under = (operator: string, key: string, value: unknown): Json => {
    return { Condition: { [operator]: { [key]: value } } }
  }

  it.each<[Json, boolean]>([
    [{}, true],
    [{ Principal: { AWS: ['*'] } }, true],
    [{ Effect: 'Deny' }, false],
    [{ Principal: { AWS: '000000000000' } }, false],
    [{ Principal: { AWS: 'arn:aws:iam::s3tenant1:root' } }, false],
    [under('IpAddress', 'aws:SourceIp', '10.0.0.0/32'), false],
    [under('IpAddress', 'aws:SourceIp', '10.0.0.0/8'), false],
    [under('IpAddress', 'aws:SourceIp', ['203.0.113.7', '2001:db8::/32']), false],
    [under('IpAddress', 'aws:SourceIp', '8.0.0.0/7'), true],
    [under('IpAddress', 'aws:SourceIp', ['203.0.113.7', '0.0.0.0/0']), true],
    [under('IpAddress', 'aws:SourceIp', '2000::/3'), true],
    [under('NotIpAddress', 'aws:SourceIp', '203.0.113.7'), true],
    [under('IpAddressIfExists', 'aws:SourceIp', '203.0.113.7'), true],
    [under('StringEquals', 'aws:PrincipalOrgID', 'o-1'), false],
    [under('StringLike', 'aws:PrincipalOrgID', 'o-*'), true],
    [under('StringNotEquals', 'aws:PrincipalOrgID', 'o-1'), true],
    [under('StringEqualsIfExists', 'aws:PrincipalOrgID', 'o-1'), true],
    [under('ForAllValues:StringEquals', 'aws:PrincipalOrgID', 'o-1'), true],
    [under('StringEquals', 'aws:SourceVpce', '${aws:username}'), true],
    [under('StringEquals', 'aws:SourceVpc', 'vpc-1'), false],
    [under('ArnEquals', 'aws:SourceArn', 'arn:aws:s3:::log'), false],
    [under('StringLike', 'aws:userid', 'AROA123:*'), true],
    [under('Null', 'aws:SourceVpc', 'false'), true],
    [under('StringEquals', 's3:prefix', 'a'), true],
    [under('StringEquals', 'aws:Referer', 'https://a.example'), true],
    [under('Bool', 'aws:SecureTransport', 'true'), true],
  ])('%j: %s', (over, expected) => {
    expect(isPublic(over)).toBe(expected)
  })
})
