import { describe, expect, it } from 'vitest'
import {
  allowAll,
  decide,
  holds,
  refusalOf,
  root,
  session,
  write,
  listWords,
} from '../../support/server/policy-requests.ts'

const at0 = 'the policy statement 0'
const refusalOfCondition = (Condition: unknown): string =>
  refusalOf(write({ ...allowAll, Condition }))

describe('refused conditions', () => {
  it.each<[object, string]>([
    [{ StringEquals: 'x' }, 'condition StringEquals must be an object'],
    [
      { StringMatches: { 's3:prefix': 'x' } },
      'the condition operator StringMatches is not supported',
    ],
    [
      { stringEquals: { 's3:prefix': 'x' } },
      'the condition operator stringEquals is not supported',
    ],
    [{ constructor: { 's3:prefix': 'x' } }, 'the condition operator constructor is not supported'],
    [
      { 'ForNoValue:StringEquals': { 's3:prefix': 'x' } },
      'the condition operator ForNoValue:StringEquals is not supported',
    ],
    [{ NullIfExists: { 'jwt:sub': true } }, 'the condition operator NullIfExists is not supported'],
    [
      { 'ForAnyValue:Null': { 'jwt:sub': true } },
      'the condition operator ForAnyValue:Null is not supported',
    ],
    [{ StringEquals: { 's3:prefx': 'x' } }, 'the condition key s3:prefx is not supported'],
    [{ StringEquals: { sub: 'x' } }, 'the condition key sub is not supported'],
    [{ StringEquals: { 'jwt:': 'x' } }, 'the condition key jwt: is not supported'],
    [{ StringEquals: { 's3:prefix': [] } }, 'StringEquals s3:prefix has no value'],
    [
      { StringEquals: { 's3:prefix': null } },
      'the values of StringEquals s3:prefix must be strings, numbers or booleans',
    ],
    [
      { StringEquals: { 's3:prefix': ['x', {}] } },
      'the values of StringEquals s3:prefix must be strings, numbers or booleans',
    ],
    [{ StringEquals: { 's3:prefix': '${jwt:}' } }, 'the variable ${jwt:} is not supported'],
    [
      { Bool: { 'aws:SecureTransport': 'yes' } },
      'Bool aws:SecureTransport takes true or false, not yes',
    ],
    [{ Null: { 'jwt:sub': 'maybe' } }, 'Null jwt:sub takes true or false, not maybe'],
    [
      { NumericLessThan: { 's3:max-keys': '1e3' } },
      'NumericLessThan s3:max-keys takes a number, not 1e3',
    ],
    [{ NumericEquals: { 's3:max-keys': '' } }, 'NumericEquals s3:max-keys takes a number, not '],
    [
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } },
      'IpAddress aws:SourceIp takes an IP address or network, not 10.0.0.0/33',
    ],
    [
      { NotIpAddress: { 'aws:SourceIp': ['10.0.0.1', 'fe80::/8/1'] } },
      'NotIpAddress aws:SourceIp takes an IP address or network, not fe80::/8/1',
    ],
    [
      { IpAddress: { 'aws:SourceIp': 'localhost' } },
      'IpAddress aws:SourceIp takes an IP address or network, not localhost',
    ],
  ])('the condition %j is refused', (condition, message) => {
    expect(refusalOfCondition(condition)).toBe(`${at0}: ${message}`)
  })

  it.each(['yesterday', '2026', '2026-11-23T16:00:00', '2026-13-01', '23.11.2026'])(
    'the date %s in a condition is refused unless it is epoch seconds',
    (text) => {
      const message = refusalOfCondition({ DateLessThan: { 'aws:CurrentTime': text } })
      expect(message).toBe(
        text === '2026'
          ? 'accepted'
          : `${at0}: DateLessThan aws:CurrentTime takes a date as 2026-11-23T16:00:00Z or epoch seconds, not ${text}`,
      )
    },
  )
})

/** The value or values in the document, the value in the request, and whether the condition holds. */
type Row = readonly [string, string | number | boolean | readonly string[], string, boolean]

describe('string operators', () => {
  it.each<Row>([
    ['StringEquals', 'home/', 'home/', true],
    ['StringEquals', 'home/', 'Home/', false],
    ['StringEquals', 'home/*', 'home/x', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', '', '', true],
    ['StringNotEquals', 'home/', 'home/', false],
    ['StringNotEquals', 'home/', 'x', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringEqualsIgnoreCase', 'HOME/', 'home/', true],
    ['StringEqualsIgnoreCase', 'HOME/', 'home', false],
    ['StringNotEqualsIgnoreCase', 'HOME/', 'home/', false],
    ['StringNotEqualsIgnoreCase', 'HOME/', 'x', true],
    ['StringLike', 'home/*', 'home/a/b', true],
    ['StringLike', 'home/?', 'home/ab', false],
    ['StringLike', 'HOME/*', 'home/a', false],
    ['StringNotLike', 'home/*', 'home/a', false],
    ['StringNotLike', ['home/*', 'x*'], 'y', true],
    ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
    ['BinaryEquals', 'QmluYXJ5', 'qmluyxj5', false],
  ])('%s %j holds for the value %j: %s', (operator, wanted, prefix, isTrue) => {
    expect(holds({ [operator]: { 's3:prefix': wanted } }, { conditions: { prefix } })).toBe(isTrue)
  })
})

describe('ARN operators, part by part', () => {
  const arn = 'arn:aws:sts::123456789012:assumed-role/app/alice:x'
  it.each<readonly [string, string, boolean]>([
    ['ArnEquals', arn, true],
    ['ArnLike', 'arn:aws:sts::123456789012:assumed-role/app/*', true],
    ['ArnLike', 'arn:aws:*::123456789012:assumed-role/*', true],
    ['ArnEquals', 'arn:aws:sts::??????789012:*', true],
    ['ArnLike', 'arn:aws:*', false],
    ['ArnLike', 'arn:*:assumed-role/app/alice', false],
    ['ArnLike', 'arn:aws:sts::123:*', false],
    ['ArnNotEquals', arn, false],
    ['ArnNotLike', 'arn:aws:sts::123456789012:*', false],
    ['ArnNotLike', 'arn:aws:iam::123456789012:*', true],
  ])('%s %s holds for the ARN of an assumed role: %s', (operator, wanted, isTrue) => {
    const claims = { arn }
    expect(holds({ [operator]: { 'jwt:arn': wanted } }, { claims })).toBe(isTrue)
  })
})

describe('numeric operators', () => {
  it.each<Row>([
    ['NumericEquals', 10, '10', true],
    ['NumericEquals', '10.0', '10', true],
    ['NumericEquals', '10', '', false],
    ['NumericEquals', '16', '0x10', false],
    ['NumericEquals', ['1', '2'], '2', true],
    ['NumericNotEquals', '10', '10', false],
    ['NumericNotEquals', '10', '11', true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThan', '10', 'x', false],
    ['NumericLessThan', '10', ' ', false],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericLessThanEquals', '10', '10.5', false],
    ['NumericGreaterThan', '10', '11', true],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThan', '10', 'Infinity', false],
    ['NumericGreaterThanEquals', '-1', '-1', true],
    ['NumericGreaterThanEquals', '-1', '-2', false],
  ])('%s %j holds for the number %j: %s', (operator, wanted, asked, isTrue) => {
    const conditions = { 'max-keys': asked }
    expect(holds({ [operator]: { 's3:max-keys': wanted } }, { conditions })).toBe(isTrue)
  })
})

describe('date operators', () => {
  const conditions = { CurrentTime: '2026-11-23T16:33:27.000Z', EpochTime: '1795451607' }
  it.each<readonly [string, string, boolean]>([
    ['DateEquals', '2026-11-23T16:33:27Z', true],
    ['DateEquals', '2026-11-23T17:33:27+01:00', true],
    ['DateEquals', '1795451607', true],
    ['DateNotEquals', '1795451607', false],
    ['DateNotEquals', '2026-11-23', true],
    ['DateLessThan', '2026-11-24', true],
    ['DateLessThan', '2026-11-23T16:33:27Z', false],
    ['DateLessThanEquals', '2026-11-23T16:33:27Z', true],
    ['DateGreaterThan', '2026-11-23T16:33Z', true],
    ['DateGreaterThan', '2026-12', false],
    ['DateGreaterThanEquals', '1795451607', true],
    ['DateGreaterThanEquals', '1795451608', false],
  ])('%s %s holds at 2026-11-23T16:33:27Z: %s', (operator, wanted, isTrue) => {
    for (const key of ['aws:CurrentTime', 'aws:EpochTime'])
      expect(holds({ [operator]: { [key]: wanted } }, { conditions })).toBe(isTrue)
  })

  it('a claim that is not a valid date satisfies no date operator', () => {
    for (const until of ['soon', '2026-11-23T16:00:00']) {
      const question = { claims: { until } }
      expect(holds({ DateLessThan: { 'jwt:until': '2030-01-01' } }, question)).toBe(false)
      expect(holds({ DateGreaterThan: { 'jwt:until': '2000-01-01' } }, question)).toBe(false)
    }
  })
})

describe('IP address operators', () => {
  it.each<readonly [string, string | readonly string[], string, boolean]>([
    ['IpAddress', '10.0.0.0/8', '10.1.2.3', true],
    ['IpAddress', '10.0.0.0/8', '11.1.2.3', false],
    ['IpAddress', '10.1.2.3', '10.1.2.3', true],
    ['IpAddress', '10.1.2.3', '10.1.2.30', false],
    ['IpAddress', '0.0.0.0/0', '10.1.2.3', true],
    ['IpAddress', '0.0.0.0/0', '2001:db8::1', false],
    ['IpAddress', '2001:db8::/32', '2001:db8:1::7', true],
    ['IpAddress', '2001:db8::/32', '2001:db9::7', false],
    ['IpAddress', '2001:DB8:0:0::1', '2001:db8::1', true],
    ['IpAddress', '::/0', '10.1.2.3', false],
    // A dual-stack server sees an IPv4 client like this.
    ['IpAddress', '10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['IpAddress', '10.0.0.0/8', '::FFFF:10.1.2.3', true],
    ['IpAddress', '::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['IpAddress', '::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['IpAddress', ['192.168.0.0/16', '::1'], '::1', true],
    ['IpAddress', '10.0.0.0/8', 'unknown', false],
    ['NotIpAddress', '10.0.0.0/8', '10.1.2.3', false],
    ['NotIpAddress', '10.0.0.0/8', '::ffff:10.1.2.3', false],
    ['NotIpAddress', ['10.0.0.0/8', '2001:db8::/32'], '192.168.0.1', true],
  ])('%s %j holds for the address %s: %s', (operator, wanted, SourceIp, isTrue) => {
    const condition = { [operator]: { 'aws:SourceIp': wanted } }
    expect(holds(condition, { conditions: { SourceIp } })).toBe(isTrue)
  })
})

describe('Bool and Null', () => {
  it.each<Row>([
    ['Bool', true, 'true', true],
    ['Bool', 'TRUE', 'true', true],
    ['Bool', 'false', 'true', false],
    ['Bool', false, 'false', true],
  ])('%s %j holds for the boolean %j: %s', (operator, wanted, SecureTransport, isTrue) => {
    const condition = { [operator]: { 'aws:SecureTransport': wanted } }
    expect(holds(condition, { conditions: { SecureTransport } })).toBe(isTrue)
  })

  it.each([
    [true, {}, true],
    ['true', { sub: 'alice' }, false],
    [false, { sub: 'alice' }, true],
    ['False', {}, false],
    [['true', 'false'], {}, true],
  ])('Null %j of the claim sub holds for the claims %j: %s', (wanted, claims, isTrue) => {
    expect(holds({ Null: { 'jwt:sub': wanted } }, { claims })).toBe(isTrue)
  })

  it('Null is true for an empty request value, as in MinIO', () => {
    const condition = { Null: { 'aws:Referer': 'true' } }
    expect(holds(condition, { conditions: { Referer: '' } })).toBe(true)
    expect(holds(condition, { conditions: { Referer: 'http://x/' } })).toBe(false)
  })
})

describe('missing condition keys', () => {
  const value: Readonly<Record<string, string>> = { Numeric: '1', Date: '2026-01-01' }
  const valueOf = (operator: string): string =>
    Object.entries(value).find(([kind]) => operator.startsWith(kind))?.[1] ??
    (operator === 'Bool' ? 'true' : operator.includes('Ip') ? '10.0.0.1' : 'x')
  const positive =
    listWords(`StringEquals StringEqualsIgnoreCase StringLike ArnEquals ArnLike BinaryEquals Bool
    IpAddress NumericEquals NumericLessThan NumericLessThanEquals NumericGreaterThan
    NumericGreaterThanEquals DateEquals DateLessThan DateLessThanEquals DateGreaterThan
    DateGreaterThanEquals`)
  const negated =
    listWords(`StringNotEquals StringNotEqualsIgnoreCase StringNotLike ArnNotEquals ArnNotLike
    NumericNotEquals DateNotEquals NotIpAddress`)
  const asks = (name: string, operator: string): boolean =>
    holds({ [name]: { 'jwt:absent': valueOf(operator) } })

  it.each(positive)('a missing key fails %s, not its IfExists or ForAllValues', (operator) => {
    expect(asks(operator, operator)).toBe(false)
    expect(asks(`${operator}IfExists`, operator)).toBe(true)
    expect(asks(`ForAllValues:${operator}`, operator)).toBe(true)
    expect(asks(`ForAnyValue:${operator}`, operator)).toBe(false)
  })

  it.each(negated)('a missing key satisfies %s, but not its ForAnyValue', (operator) => {
    expect(asks(operator, operator)).toBe(true)
    expect(asks(`${operator}IfExists`, operator)).toBe(true)
    expect(asks(`ForAllValues:${operator}`, operator)).toBe(true)
    expect(asks(`ForAnyValue:${operator}`, operator)).toBe(false)
    expect(asks(`ForAnyValue:${operator}IfExists`, operator)).toBe(true)
  })

  it('IfExists still checks a key that is present', () => {
    const condition = { StringEqualsIfExists: { 's3:prefix': 'a' } }
    expect(holds(condition, { conditions: { prefix: 'b' } })).toBe(false)
    expect(holds(condition, { conditions: { prefix: '' } })).toBe(false)
    expect(holds(condition)).toBe(true)
  })
})

describe('condition keys with several values', () => {
  it.each<readonly [string, readonly string[], boolean]>([
    ['ForAnyValue:StringEquals', ['a', 'x'], true],
    ['ForAnyValue:StringEquals', ['x', 'y'], false],
    ['ForAllValues:StringEquals', ['a', 'b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'x'], false],
    ['ForAllValues:StringLike', ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', ['a', 'x'], true],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], false],
    ['ForAllValues:StringNotEquals', ['x', 'y'], true],
    ['ForAllValues:StringNotEquals', ['a', 'x'], false],
    // Without a quantifier, a positive operator holds if any value matches; a negated one holds if none does.
    ['StringEquals', ['x', 'b'], true],
    ['StringNotEquals', ['x', 'b'], false],
    ['StringNotEquals', ['x', 'y'], true],
  ])('%s of a and b holds for the values %j: %s', (operator, groups, isTrue) => {
    const condition = { [operator]: { 'jwt:groups': ['a', 'b'] } }
    expect(holds(condition, { claims: { groups } })).toBe(isTrue)
    const grouped = { 'aws:groups': ['a', 'b'] }
    expect(holds({ [operator]: grouped }, { principal: { ...session, groups } })).toBe(isTrue)
  })
})

describe('several conditions', () => {
  it('all conditions must hold, in one operator and in several', () => {
    const both = { StringEquals: { 's3:prefix': 'a', 's3:delimiter': '/' } }
    const two = { StringEquals: { 's3:prefix': 'a' }, StringLike: { 's3:delimiter': '?' } }
    for (const condition of [both, two]) {
      expect(holds(condition, { conditions: { prefix: 'a', delimiter: '/' } })).toBe(true)
      expect(holds(condition, { conditions: { prefix: 'a' } })).toBe(false)
      expect(holds(condition, { conditions: { prefix: 'b', delimiter: '/' } })).toBe(false)
    }
  })
})

describe('condition keys', () => {
  it.each<readonly [string, string, string]>([
    ['aws:SourceIp', 'SourceIp', '127.0.0.1'],
    ['aws:UserAgent', 'UserAgent', 'aws-cli'],
    ['AWS:referer', 'Referer', 'http://x/'],
    ['aws:securetransport', 'SecureTransport', 'true'],
    ['s3:signatureversion', 'signatureversion', 'AWS4-HMAC-SHA256'],
    ['s3:authType', 'authType', 'REST-HEADER'],
    ['s3:VersionId', 'versionid', 'v1'],
    ['s3:delimiter', 'delimiter', '/'],
    ['s3:x-amz-copy-source', 'X-Amz-Copy-Source', 'a/b'],
    ['s3:x-amz-storage-class', 'X-Amz-Storage-Class', 'STANDARD'],
    ['s3:x-amz-metadata-directive', 'X-Amz-Metadata-Directive', 'COPY'],
    ['s3:x-amz-server-side-encryption', 'X-Amz-Server-Side-Encryption', 'AES256'],
    ['s3:x-amz-content-sha256', 'X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'],
  ])('the condition key %s reads %s', (key, name, value) => {
    const condition = { StringEquals: { [key]: value } }
    expect(holds(condition, { conditions: { [name]: value } })).toBe(true)
    expect(holds(condition)).toBe(false)
  })

  it.each<readonly [string, string, object]>([
    ['aws:username', 'alice', {}],
    ['aws:userid', session.accessKey, {}],
    ['aws:principaltype', 'AssumedRole', {}],
    ['aws:principaltype', 'Account', { principal: root }],
    ['jwt:sub', 'alice', {}],
    ['JWT:azp', 'my-app', {}],
    ['jwt:level', '7', { claims: { level: 7 } }],
    ['jwt:email_verified', 'true', { claims: { email_verified: true } }],
  ])('the condition key %s is %s for the caller', (key, value, question) => {
    expect(holds({ StringEquals: { [key]: value } }, question)).toBe(true)
  })

  it('a jwt: condition key is case-sensitive, and has no value for a claim that is absent or an object', () => {
    expect(holds({ StringEquals: { 'jwt:Sub': 'alice' } })).toBe(false)
    expect(holds({ Null: { 'jwt:constructor': 'false' } })).toBe(false)
    expect(holds({ Null: { 'jwt:address': 'false' } }, { claims: { address: {} } })).toBe(false)
  })

  it('a condition key about the principal never reads a value that the client sent', () => {
    const conditions = {
      username: 'admin',
      Username: 'admin',
      userid: 'x',
      sub: 'admin',
      Sub: 'admin',
    }
    for (const key of ['aws:username', 'aws:userid', 'jwt:sub', 'jwt:name'])
      expect(holds({ StringEquals: { [key]: ['admin', 'x'] } }, { conditions })).toBe(false)
  })

  it('a condition applies to a deny as to an allow', () => {
    const Condition = { Bool: { 'aws:SecureTransport': 'false' } }
    const statements = [allowAll, { ...allowAll, Effect: 'Deny', Condition }]
    expect(decide(statements, { conditions: { SecureTransport: 'false' } })).toBe('Deny')
    expect(decide(statements, { conditions: { SecureTransport: 'true' } })).toBe('Allow')
  })
})

describe('request values over 8,192 characters', () => {
  const operators =
    listWords(`StringEquals StringNotEquals StringLike StringNotLike StringEqualsIgnoreCase ArnLike
    ArnNotLike StringLikeIfExists ForAnyValue:StringLike ForAllValues:StringNotLike`)
  const sent = (length: number): object => ({ conditions: { UserAgent: 'a'.repeat(length) } })

  it.each(operators)(
    '%s on an overlong value does not hold in an allow, and holds in a deny',
    (operator) => {
      for (const value of ['*', 'x', 'a'.repeat(2000)]) {
        const Condition = { [operator]: { 'aws:UserAgent': value } }
        expect(holds(Condition, sent(8193))).toBe(false)
        expect(decide([allowAll, { ...allowAll, Effect: 'Deny', Condition }], sent(8193))).toBe(
          'Deny',
        )
      }
    },
  )

  it('an overlong value counts as such among several values too', () => {
    const conditions = { UserAgent: ['a', 'a'.repeat(8193)] }
    expect(holds({ StringLike: { 'aws:UserAgent': 'a' } }, { conditions })).toBe(false)
  })

  it('an overlong value exists for Null, and a value of 8,192 characters is compared', () => {
    expect(holds({ Null: { 'aws:UserAgent': 'false' } }, sent(8193))).toBe(true)
    expect(holds({ StringLike: { 'aws:UserAgent': 'a*' } }, sent(8192))).toBe(true)
  })
})
