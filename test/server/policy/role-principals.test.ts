import { describe, expect, it } from 'vitest'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'

const parse = (trust: unknown): unknown =>
  parseRoleDocument(
    JSON.stringify({ name: 'deploy', policies: ['readwrite'], trust }),
    'role deploy',
  )

describe('a trust that names principals', () => {
  it.each<[string, object | undefined]>([
    ['without a condition', undefined],
    ['with an empty condition', {}],
    ['with a name that the caller chooses', { StringEquals: { 'sts:RoleSessionName': 'x' } }],
    ['with a tag that the caller chooses', { StringEquals: { 'aws:RequestTag/team': 'x' } }],
    [
      'with a source identity that the caller chooses',
      { StringEquals: { 'sts:SourceIdentity': 'x' } },
    ],
    ['with a pattern for everybody', { StringLike: { 'aws:PrincipalArn': '*' } }],
    ['with a pattern for every user', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/*' } }],
    ['with a pattern among others', { StringLike: { 'aws:username': ['alice', '*'] } }],
    ['with every address', { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }],
    ['with half of all addresses', { IpAddress: { 'aws:SourceIp': '128.0.0.0/1' } }],
    ['with every address of version 6', { IpAddress: { 'aws:SourceIp': '::/0' } }],
    ['with what holds without its key', { StringEqualsIfExists: { 'aws:PrincipalTag/team': 'x' } }],
    ['with all of no values', { 'ForAllValues:StringEquals': { 'aws:PrincipalTag/team': 'x' } }],
    ['with a negated condition', { StringNotEquals: { 'aws:username': 'bob' } }],
    ['with a key that must be missing', { Null: { 'aws:PrincipalTag/team': 'true' } }],
    [
      'with what compares a name with itself',
      { StringEquals: { 'aws:username': '${aws:username}' } },
    ],
    [
      'with the account, which is everybody’s',
      { StringEquals: { 'aws:PrincipalAccount': '000000000000' } },
    ],
    ['with the time', { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01' } }],
  ])('is refused for everybody %s', (_what, conditions) => {
    for (const principal of ['*', ['arn:aws:iam::000000000000:user/a', '*'], { AWS: '*' }])
      expect(() => parse({ principal, conditions })).toThrow(/principal \* lets everyone in/)
  })

  it.each<object>([
    { StringEquals: { 'sts:ExternalId': 'shared-42' } },
    { StringEquals: { 'aws:PrincipalTag/team': 'blue' } },
    { StringLike: { 'aws:PrincipalTag/team': ['n*', '*-7', 'Z*'] } },
    { StringLike: { 'aws:PrincipalArn': 'arn:aws:iam::000000000000:role/ci-*' } },
    { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', 'fd00::/8'] } },
    { 'ForAnyValue:StringEquals': { 'aws:groups': 'ops' } },
    { StringEquals: { 'jwt:email': 'a@example.com' }, Bool: { 'aws:SecureTransport': 'true' } },
  ])('is accepted for everybody for whom %j holds', (conditions) => {
    expect(parse({ principal: '*', conditions })).toMatchObject({
      principals: [{ isAnyone: true }],
    })
  })

  it.each<[unknown, RegExp]>([
    ['arn:aws:iam::123456789012:root', /another account, from which nobody comes/],
    ['123456789012', /another account/],
    [{ AWS: ['000000000000', 'arn:aws:iam::123456789012:root'] }, /another account/],
    [[], /must name 1 to 256/],
    [{ AWS: [] }, /must name 1 to 256/],
    [{ Service: 'ec2.amazonaws.com' }, /unknown member Service/],
    [{}, /is not \*/],
    ['', /is not \*/],
    [7, /principal 7 is not \*/],
    ['alice', /principal "alice" is not \*/],
    ['arn:aws:iam::000000000000:user/*', /without wildcards/],
    ['arn:aws:iam::000000000000:role/', /is not \*/],
    ['arn:aws:sts::000000000000:assumed-role/deploy', /is not \*/],
    ['arn:aws:sts::000000000000:assumed-role/deploy/*', /without wildcards/],
    ['arn:aws:s3:::bucket', /is not \*/],
  ])('is refused for the principal %j', (principal, message) => {
    expect(() => parse({ principal })).toThrow(message)
  })

  it.each<[string, object, RegExp]>([
    ['member', { issuer: 'https://idp.example' }, /unknown member issuer/],
    [
      'condition key',
      { conditions: { StringEquals: { 'aws:nope': 'x' } } },
      /aws:nope is not supported/,
    ],
    ['operator', { conditions: { Equals: { 'aws:username': 'x' } } }, /operator Equals/],
    ['action', { actions: ['sts:AssumeRole', 'sts:*'] }, /actions must be sts:AssumeRole/],
    ['list of actions without sts:AssumeRole', { actions: 'sts:TagSession' }, /actions must be/],
    ['action of another type', { actions: ['sts:AssumeRole', 7] }, /actions must be/],
  ])('is refused with a wrong %s', (_what, change, message) => {
    expect(() => parse({ principal: '000000000000', ...change })).toThrow(message)
  })

  it('may stand beside entries about tokens', () => {
    const token = {
      issuer: 'https://idp.example',
      audience: 'x',
      conditions: { StringEquals: { sub: 'a' } },
    }
    expect(parse([token, { principal: '000000000000' }])).toMatchObject({
      trust: [{ issuer: 'https://idp.example' }],
      principals: [{ hasAccount: true }],
    })
  })
})
