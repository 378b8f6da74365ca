import { describe, expect, it } from 'vitest'
import { evaluateDocument } from '../../../src/server/policy/evaluate-document.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import {
  allowAll,
  decide,
  makeRequest,
  refusalOf,
  write,
} from '../../support/server/policy-requests.ts'

const Version = '2012-10-17'
const get = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' }
const at0 = 'the policy statement 0'

describe('refused policy documents', () => {
  it.each<[unknown, string]>([
    ['', 'the policy is not a JSON object'],
    ['{"Version":', 'the policy is not a JSON object'],
    ['[]', 'the policy is not a JSON object'],
    ['null', 'the policy is not a JSON object'],
    [{ Version: 1, Statement: [get] }, 'the policy: Version must be 2012-10-17'],
    [{ Version: '2012-10-18', Statement: [get] }, 'the policy: Version must be 2012-10-17'],
    [{ Version: '2008-10-17', Statement: [get] }, 'the policy: Version must be 2012-10-17'],
    [{ Version }, 'the policy: Statement must be a list of at most 256'],
    [
      { Version, Statement: Array.from({ length: 257 }, () => get) },
      'the policy: Statement must be a list of at most 256',
    ],
    [{ Version, Statements: [get] }, 'the policy has an unknown member Statements'],
    [{ Version, Statement: ['x'] }, `${at0} is not an object`],
    [{ Version, Statement: [get, null] }, 'the policy statement 1 is not an object'],
  ])('the policy document %j is refused', (document, message) => {
    expect(refusalOf(typeof document === 'string' ? document : JSON.stringify(document))).toBe(
      message,
    )
  })

  it.each<[object, string]>([
    [{ Effect: 'allow' }, `${at0}: Effect must be Allow or Deny`],
    [{ Effect: undefined }, `${at0}: Effect must be Allow or Deny`],
    [{ Principal: '*' }, `${at0} has an unknown member Principal`],
    [{ effect: 'Allow' }, `${at0} has an unknown member effect`],
    [{ Sid: 7 }, `${at0}: Sid must be a string`],
    [{ Action: undefined }, `${at0} must have Action or NotAction, one of them`],
    [{ NotAction: 's3:PutObject' }, `${at0} must have Action or NotAction, one of them`],
    [{ Resource: undefined }, `${at0} must have Resource or NotResource, one of them`],
    [{ NotResource: '*' }, `${at0} must have Resource or NotResource, one of them`],
    [{ Action: [] }, `${at0}: Action must be a string or a list of strings`],
    [{ Action: ['s3:GetObject', 7] }, `${at0}: Action must be a string or a list of strings`],
    [{ Action: '' }, `${at0}: Action must be a string or a list of strings`],
    [
      { Action: undefined, NotAction: {} },
      `${at0}: NotAction must be a string or a list of strings`,
    ],
    [{ Resource: { a: 1 } }, `${at0}: Resource must be a string or a list of strings`],
    [{ Action: 's3:GetObjet' }, `${at0}: the action s3:GetObjet is not known`],
    [{ Action: 's3:getobjet' }, `${at0}: the action s3:getobjet is not known`],
    [{ Action: 's4:*' }, `${at0}: the action s4:* is not known`],
    [{ Action: undefined, NotAction: 's3:Gett*' }, `${at0}: the action s3:Gett* is not known`],
    [{ Resource: 'bucket/*' }, `${at0}: the resource bucket/* must begin with arn:aws:s3:::`],
    [
      { Resource: ['*', 'arn:aws:iam::1:user/x'] },
      `${at0}: the resource arn:aws:iam::1:user/x must begin with arn:aws:s3:::`,
    ],
    [{ Resource: 'arn:aws:s3:::' }, `${at0}: the resource arn:aws:s3::: names no bucket`],
    [{ Resource: 'arn:aws:s3:::/x' }, `${at0}: the resource arn:aws:s3:::/x names no bucket`],
    [
      { Resource: 'arn:aws:s3:::home/${aws:user}/*' },
      `${at0}: the variable \${aws:user} is not supported`,
    ],
    [{ Condition: [] }, `${at0}: Condition must be an object`],
    [{ Condition: 'x' }, `${at0}: Condition must be an object`],
  ])('a policy statement with %j is refused', (changed, message) => {
    expect(refusalOf(write({ ...get, ...changed }))).toBe(message)
  })

  it.each([
    [`{"Version":"${Version}","Version":"${Version}","Statement":[]}`, 'Version'],
    [
      `{"Version":"${Version}","Statement":[{"Effect":"Deny","\\u0045ffect":"Allow","Action":"s3:*","Resource":"*"}]}`,
      'Effect',
    ],
  ])('a policy document with a duplicate member is refused: %s', (text, name) => {
    expect(refusalOf(text)).toBe(`the policy has the member ${name} twice in one object`)
  })

  it('a policy document over the limits for values, conditions and length is refused', () => {
    const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `x${at}`)
    const like = (values: unknown): object => ({
      Condition: { StringLike: { 'aws:UserAgent': values } },
    })
    const names = Object.fromEntries(many(65).map((name) => [`jwt:${name}`, 'x']))
    const long = 'x'.repeat(2049)
    for (const [changed, message] of [
      [like(many(1025)), 'StringLike aws:UserAgent has 1025 values; at most 1024 are accepted'],
      [
        like(long),
        'a value of StringLike aws:UserAgent has 2049 characters; at most 2048 are accepted',
      ],
      [
        { Resource: `arn:aws:s3:::${long}` },
        'a value of Resource has 2062 characters; at most 2048 are accepted',
      ],
      [{ Action: many(1025) }, 'Action has 1025 values; at most 1024 are accepted'],
      [{ Resource: many(1025) }, 'Resource has 1025 values; at most 1024 are accepted'],
    ] as const)
      expect(refusalOf(write({ ...get, ...changed }))).toBe(`${at0}: ${message}`)
    expect(refusalOf(write({ ...get, Condition: { StringLike: names } }))).toBe(
      `${at0} has 65 conditions; at most 64 are accepted`,
    )
    expect(refusalOf(write({ Sid: 'x'.repeat(256 * 1024), ...get }))).toMatch(
      /^the policy has \d+ characters; at most 262144 are accepted$/,
    )
    for (const changed of [like(many(1024)), like(long.slice(1))])
      expect(refusalOf(write({ ...get, ...changed }))).toBe('accepted')
  })

  it('a policy document with too deep nesting is refused with an error', () => {
    expect(refusalOf('['.repeat(100_000))).toBe('the policy is not a JSON object')
    expect(refusalOf(`{"Statement":${'['.repeat(5000)}${']'.repeat(5000)}}`)).toMatch(/^the policy/)
  })
})

describe('accepted policy documents', () => {
  it('a policy document may have a single statement, an Id, a Sid and single strings', () => {
    const text = JSON.stringify({ Version, Id: 'mine', Statement: { Sid: 'read', ...get } })
    expect(parsePolicyDocument(text, 'x').statements).toMatchObject([
      { label: 'read', actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/*'] },
    ])
  })

  it('a policy document may use the same member names in different objects', () => {
    expect(refusalOf(write({ Sid: '"Sid":{', ...get }, { Sid: '"Sid":{', ...get }))).toBe(
      'accepted',
    )
  })

  it('a policy document may name admin, STS and KMS actions without a resource', () => {
    expect(refusalOf(write({ Effect: 'Allow', Action: ['admin:*', 'sts:*', 'kms:Status'] }))).toBe(
      'accepted',
    )
  })

  it('a policy document without statements allows nothing', () => {
    expect(decide([])).toBe('none')
  })
})

describe('the effect of a document', () => {
  const deny = { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::bucket/secret*' }

  it('an explicit deny wins, wherever it is in the document', () => {
    for (const statements of [
      [allowAll, deny],
      [deny, allowAll],
    ]) {
      expect(decide(statements, { at: 'bucket/secret' })).toBe('Deny')
      expect(decide(statements, { at: 'bucket/public' })).toBe('Allow')
    }
  })

  it('a document has no effect if none of its statements applies', () => {
    expect(decide(get, { action: 's3:PutObject' })).toBe('none')
    expect(decide(deny)).toBe('none')
  })

  it('the effect names the statement by its Sid, or by its position', () => {
    const label = (...statements: object[]): unknown =>
      evaluateDocument(
        parsePolicyDocument(write(...statements.map((one) => ({ ...one }))), 'x'),
        makeRequest(),
      )
    expect(label({ ...get, Action: 's3:PutObject' }, get)).toEqual({ effect: 'Allow', label: '#1' })
    expect(label({ ...get, Sid: '' })).toEqual({ effect: 'Allow', label: '#0' })
    expect(label({ Sid: 'stop', ...allowAll, Effect: 'Deny' })).toEqual({
      effect: 'Deny',
      label: 'stop',
    })
  })
})

describe('Action', () => {
  it.each([
    ['s3:GetObject', true],
    ['s3:Get*', true],
    ['s3:*', true],
    ['*', true],
    ['s3:Get?bject', true],
    ['s3:GetObject*', true],
    ['s3:GetObjectTagging', false],
    ['s3:PutObject', false],
    ['s3:*Bucket', false],
    ['admin:*', false],
  ])('the Action %s covers s3:GetObject: %s', (Action, isMeant) => {
    expect(decide({ ...allowAll, Action })).toBe(isMeant ? 'Allow' : 'none')
  })

  it('an Action list covers each of its actions', () => {
    expect(decide({ ...allowAll, Action: ['s3:PutObject', 's3:GetObject'] })).toBe('Allow')
  })
})

describe('NotAction', () => {
  const notDelete = { Effect: 'Allow', NotAction: ['s3:Delete*'], Resource: '*' }

  it('NotAction covers every action except the listed ones', () => {
    expect(decide(notDelete)).toBe('Allow')
    expect(decide(notDelete, { action: 's3:DeleteObject' })).toBe('none')
  })

  it('a deny with NotAction denies every action except the listed ones', () => {
    const only = { Effect: 'Deny', NotAction: 's3:GetObject', Resource: '*' }
    expect(decide([allowAll, only])).toBe('Allow')
    expect(decide([allowAll, only], { action: 's3:PutObject' })).toBe('Deny')
  })
})

describe('Resource', () => {
  it.each([
    ['*', 'bucket/key', true],
    ['*', 'bucket', true],
    ['*', '', true],
    ['arn:aws:s3:::*', 'bucket/key', true],
    ['arn:aws:s3:::*', '', true],
    ['arn:aws:s3:::bucket', 'bucket', true],
    ['arn:aws:s3:::bucket', 'bucket/key', false],
    ['arn:aws:s3:::bucket', 'bucket2', false],
    ['arn:aws:s3:::bucket', '', false],
    ['arn:aws:s3:::bucket/*', 'bucket/key', true],
    ['arn:aws:s3:::bucket/*', 'bucket/a/b/c', true],
    // As in MinIO: the bucket's own resource ends in a slash there.
    ['arn:aws:s3:::bucket/*', 'bucket', true],
    ['arn:aws:s3:::bucket/*', 'bucket2/key', false],
    ['arn:aws:s3:::bucket/user1', 'bucket/user1', true],
    // MinIO of 2018 compared prefixes: the policy of user1 covered user10.
    ['arn:aws:s3:::bucket/user1', 'bucket/user10/x', false],
    ['arn:aws:s3:::bucket/user1', 'bucket/user1/x', false],
    ['arn:aws:s3:::bucket/user1/*', 'bucket/user10/x', false],
    ['arn:aws:s3:::bucket/user1/*', 'bucket', false],
    ['arn:aws:s3:::buck*', 'bucket/key', true],
    ['arn:aws:s3:::bucke?/k?y', 'bucket/key', true],
    ['arn:aws:s3:::bucket/*.txt', 'bucket/a/b.txt', true],
    ['arn:aws:s3:::bucket/*.txt', 'bucket/a/b.txt.exe', false],
    ['arn:aws:s3:::bucket/key', 'bucket/Key', false],
    ['arn:aws:s3:::bucket/a/../key', 'bucket/key', false],
    ['arn:aws:s3:::bucket/key', 'bucket//key', false],
    ['arn:aws:s3:::bucket/?', 'bucket/😀', true],
  ])('the Resource %s covers "%s": %s', (Resource, at, isNamed) => {
    expect(decide({ ...allowAll, Resource }, { at })).toBe(isNamed ? 'Allow' : 'none')
  })

  it('a Resource list covers each of its resources', () => {
    const Resource = ['arn:aws:s3:::other/*', 'arn:aws:s3:::bucket/*']
    expect(decide({ ...allowAll, Resource })).toBe('Allow')
  })

  it('Resource limits only S3 actions', () => {
    const admin = { Effect: 'Allow', Action: 'admin:*', Resource: 'arn:aws:s3:::x' }
    expect(decide(admin, { action: 'admin:ServerInfo', at: '' })).toBe('Allow')
    const { Resource: NotResource, ...rest } = admin
    expect(decide({ ...rest, NotResource }, { action: 'admin:ServerInfo', at: '' })).toBe('Allow')
  })
})

describe('NotResource', () => {
  const notSecret = { Effect: 'Allow', Action: 's3:*', NotResource: 'arn:aws:s3:::bucket/secret/*' }

  it('NotResource covers every resource except the listed ones', () => {
    expect(decide(notSecret)).toBe('Allow')
    expect(decide(notSecret, { at: 'bucket/secret/x' })).toBe('none')
  })

  it('a deny with NotResource denies every resource except the listed ones', () => {
    const only = { Effect: 'Deny', Action: 's3:*', NotResource: 'arn:aws:s3:::bucket/*' }
    expect(decide([allowAll, only])).toBe('Allow')
    expect(decide([allowAll, only], { at: 'other/key' })).toBe('Deny')
  })
})
