import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { account, openRoleSts, roleArn, type RoleSts } from '../../support/server/role-sts.ts'
import { root, version, type Parameters } from '../../support/server/sts-harness.ts'

const everyone = { principal: { AWS: `arn:aws:iam::${account}:root` } }
const may = (name: string, Action: string | string[] = 'sts:AssumeRole'): object => {
  return { Effect: 'Allow', Action, Resource: roleArn(name) }
}
const trusting = (principal: unknown, more: object = {}): object => {
  return { trust: { principal, ...more } }
}

const denied = (name: string, action = 'sts:AssumeRole'): object => ({
  status: 403,
  code: 'AccessDenied',
  message: expect.stringMatching(
    new RegExp(
      `^User: arn:aws:.* is not authorized to perform: ${action} on resource: .*/${name}\\. Encoded authorization failure message: [\\w-]+$`,
    ),
  ) as string,
})

describe('AssumeRole with a role of this server', () => {
  it('gives the role’s policies, its name and the session’s, and not the caller’s rights', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } }, { caller: [may('reader')] })
    const answer = await sts.assume('reader', await sts.login())
    expect(answer.text).toContain(
      `<Arn>arn:aws:sts::${account}:assumed-role/reader/job</Arn><AssumeRoleId>AROA`,
    )
    const credentials = await sts.become('reader', await sts.login())
    expect(await sts.inspect(credentials)).toMatchObject({
      subject: 'alice',
      policyNames: ['readonly'],
      claims: { roleArn: 'arn:minio:iam:us-east-1::role/reader' },
      roleSessionName: 'job',
      expiresAtMs: sts.clock.nowMs + 3_600_000,
    })
  })

  it('limits the session by Policy and by PolicyArns, of which each must allow what it does', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } }, { caller: [may('reader')] })
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' }],
    })
    const credentials = await sts.become('reader', await sts.login(), {
      Policy,
      'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/readwrite',
      'PolicyArns.member.2.arn': `arn:aws:iam::${account}:policy/writeonly`,
    })
    expect(await sts.inspect(credentials)).toMatchObject({
      sessionPolicy: Policy,
      sessionPolicyNames: ['readwrite', 'writeonly'],
    })
  })

  it.each([
    `arn:aws:iam::${account}:role/reader`,
    'arn:aws:iam::123456789012:role/reader',
    'arn:minio:iam:us-east-1::role/reader',
    'arn:minio:iam:::role/reader',
  ])('finds the role by the ARN %s', async (RoleArn) => {
    const sts = openRoleSts({ reader: { trust: everyone } }, { caller: [may('reader')] })
    expect(await sts.assume('reader', await sts.login(), { RoleArn })).toMatchObject({
      status: 200,
    })
  })

  it.each(['arn:aws:iam::000000000000:role/other', 'arn:aws:iam::000000000000:user/reader'])(
    'refuses the unknown ARN %s, also to root',
    async (RoleArn) => {
      const sts = openRoleSts({ reader: { trust: everyone } })
      expect(await sts.assume('', root, { RoleArn })).toMatchObject({
        status: 400,
        code: 'InvalidParameterValue',
      })
    },
  )

  it('takes the ARN that means no role for the caller’s own rights, as without an ARN', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    for (const RoleArn of [`arn:aws:iam::${account}:role/by-claim`, undefined])
      expect(await sts.inspect(await sts.become('', root, { RoleArn }))).toMatchObject({
        policyNames: ['consoleAdmin'],
        claims: { parent: root.accessKeyId },
      })
  })

  it('tells nobody who did not sign which roles there are', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    const ask = (name: string): Promise<unknown> =>
      sts
        .send({ form: { Action: 'AssumeRole', Version: version, RoleArn: roleArn(name) } })
        .then(({ code, message }) => ({ code, message }))
    expect(await ask('reader')).toEqual(await ask('other'))
  })
})

describe('who may assume a role', () => {
  const open = (principal: unknown, caller: readonly object[] = [may('reader')]): RoleSts =>
    openRoleSts(
      {
        reader: trusting(principal),
        first: { ...trusting({ AWS: '000000000000' }), policies: ['caller'] },
      },
      { caller: [...caller, may('first')] },
    )

  it.each<[string, unknown]>([
    ['the account', { AWS: `arn:aws:iam::${account}:root` }],
    ['the account by its digits', [account]],
    ['the account in MinIO’s form', 'arn:minio:iam:::root'],
    ['the user', { AWS: ['arn:aws:iam::000000000000:user/bob', 'arn:minio:iam:::user/alice'] }],
    ['the user with an account of AWS', 'arn:aws:iam::123456789012:user/alice'],
  ])('a user may whose trust names %s', async (_what, principal) => {
    const sts = open(principal)
    expect(await sts.assume('reader', await sts.login())).toMatchObject({ status: 200 })
  })

  it.each<[string, unknown]>([
    ['another user', `arn:aws:iam::${account}:user/bob`],
    ['a role', roleArn('first')],
    ['a session of that name', `arn:aws:sts::${account}:assumed-role/first/alice`],
  ])('a user may not whose trust names %s', async (_what, principal) => {
    const sts = open(principal)
    expect(await sts.assume('reader', await sts.login())).toMatchObject(denied('reader'))
    const chosen = await sts.login({ preferred_username: 'bob' })
    expect(await sts.assume('reader', chosen)).toMatchObject(denied('reader'))
  })

  it.each<[string, unknown, number]>([
    ['the role', roleArn('first'), 200],
    ['the role in MinIO’s form', 'arn:minio:iam:us-east-1::role/first', 200],
    ['its session', `arn:aws:sts::${account}:assumed-role/first/one`, 200],
    ['another session', `arn:aws:sts::${account}:assumed-role/first/two`, 403],
    ['its user', `arn:aws:iam::${account}:user/alice`, 403],
  ])('a session of a role is named by %s', async (_what, principal, status) => {
    const sts = open(principal)
    const session = await sts.become('first', await sts.login(), { RoleSessionName: 'one' })
    expect(await sts.assume('reader', session)).toMatchObject({ status })
  })

  it.each<[string, readonly object[]]>([
    ['no statement', []],
    ['another role', [may('other')]],
    ['a part of the name', [{ ...may('reader'), Resource: roleArn('read') }]],
    ['a bucket', [{ ...may('reader'), Resource: 'arn:aws:s3:::reader' }]],
    ['everything but the role', [{ Effect: 'Allow', Action: 'sts:*', NotResource: roleArn('r*') }]],
    ['a Deny', [may('*'), { ...may('reader'), Effect: 'Deny' }]],
    ['another action', [may('reader', 'sts:TagSession')]],
    ['a variable without a value', [may('${aws:PrincipalTag/role}')]],
  ])('nobody may whose own policies have %s for it', async (_what, caller) => {
    const sts = open({ AWS: account }, caller)
    expect(await sts.assume('reader', await sts.login())).toMatchObject(denied('reader'))
  })

  it.each<[string, object]>([
    ['the role', may('reader')],
    ['a pattern', may('rea*')],
    ['everything', { Effect: 'Allow', Action: '*', Resource: '*' }],
    ['no resource', { Effect: 'Allow', Action: 'STS:assumerole' }],
    ['MinIO’s form', { ...may('reader'), Resource: 'arn:minio:iam:::role/reader' }],
    ['a pattern of accounts', { ...may('reader'), Resource: 'arn:aws:iam::*:role/reader' }],
    [
      'other resources besides',
      {
        ...may('reader', ['sts:AssumeRole', 's3:GetObject']),
        Resource: ['arn:aws:s3:::b/*', roleArn('reader')],
      },
    ],
    [
      'everything but another role',
      { Effect: 'Allow', Action: 'sts:AssumeRole', NotResource: roleArn('x') },
    ],
    ['a variable', may('${jwt:role}')],
  ])('somebody may whose own policies allow %s', async (_what, statement) => {
    const sts = open({ AWS: account }, [statement])
    expect(await sts.assume('reader', await sts.login({ role: 'reader' }))).toMatchObject({
      status: 200,
    })
  })

  it('root may if the trust names the account, and not because it is root', async () => {
    expect(await open({ AWS: account }).assume('reader', root)).toMatchObject({ status: 200 })
    const named = open(`arn:aws:iam::${account}:user/alice`)
    expect(await named.assume('reader', root)).toMatchObject(denied('reader'))
  })

  it('a session policy that does not allow it keeps a session from it', async () => {
    const sts = open({ AWS: account })
    const limited = { 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/readonly' }
    const session = await sts.become('first', await sts.login(), limited)
    expect(await sts.assume('reader', session)).toMatchObject(denied('reader'))
  })
})

describe('the conditions of a trust', () => {
  it.each<[string, object, Parameters, Parameters]>([
    [
      'sts:ExternalId',
      { 'sts:ExternalId': 'shared-42' },
      { ExternalId: 'shared-42' },
      { ExternalId: 'x-1' },
    ],
    [
      'sts:RoleSessionName',
      { 'sts:RoleSessionName': '${aws:username}' },
      { RoleSessionName: 'alice' },
      { RoleSessionName: 'bob' },
    ],
    [
      'sts:SourceIdentity',
      { 'sts:SourceIdentity': 'alice' },
      { SourceIdentity: 'alice' },
      { SourceIdentity: 'bob' },
    ],
    [
      'aws:RequestTag',
      { 'aws:RequestTag/Team': 'blue' },
      { 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': 'blue' },
      { 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': 'red' },
    ],
    [
      'aws:TagKeys',
      { 'aws:TagKeys': 'team' },
      { 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': '' },
      { 'Tags.member.1.Key': 'x', 'Tags.member.1.Value': '' },
    ],
  ])('%s decides by what the request has', async (key, block, held, other) => {
    const conditions = { StringEquals: block }
    const actions = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
    const sts = openRoleSts(
      {
        reader: trusting({ AWS: account }, { conditions, actions }),
      },
      { caller: [may('reader')] },
    )
    const session = await sts.login()
    expect(await sts.assume('reader', session, held)).toMatchObject({ status: 200 })
    expect(await sts.assume('reader', session, other)).toMatchObject(denied('reader'))
    if (key !== 'sts:RoleSessionName')
      expect(await sts.assume('reader', session)).toMatchObject(denied('reader'))
  })

  it.each([
    ['127.0.0.1', 200],
    ['10.0.0.0/8', 403],
  ])('aws:SourceIp decides by the caller’s address: %s', async (network, status) => {
    const conditions = { IpAddress: { 'aws:SourceIp': network } }
    const sts = openRoleSts({ reader: trusting('*', { conditions }) })
    expect(await sts.assume('reader', root)).toMatchObject({ status })
  })

  it('a header or a parameter of the query cannot take the place of what the trust asks for', async () => {
    const conditions = { StringEquals: { 'sts:ExternalId': 'shared-42' } }
    const sts = openRoleSts({ reader: trusting('*', { conditions }) }, { caller: [may('reader')] })
    const form = {
      Action: 'AssumeRole',
      Version: version,
      RoleArn: roleArn('reader'),
      RoleSessionName: 'job',
    }
    for (const name of ['sts:ExternalId', 'ExternalID', 'externalid'])
      expect(
        await sts.send({
          form: { ...form, [name]: 'shared-42' },
          headers: { externalid: 'shared-42' },
          query: { [name]: 'shared-42' },
          signedBy: await sts.login(),
        }),
      ).toMatchObject(denied('reader'))
  })
})

describe('role chaining', () => {
  const open = (): RoleSts =>
    openRoleSts(
      {
        first: { trust: everyone, policies: ['caller'], maxDurationSeconds: 43_200 },
        second: {
          trust: { principal: roleArn('first') },
          policies: ['caller'],
          maxDurationSeconds: 43_200,
        },
      },
      { caller: [may('*')] },
    )

  it('a session of a role assumes another for at most an hour', async () => {
    const sts = open()
    const first = await sts.become('first', root, { DurationSeconds: '43200' })
    expect((await sts.inspect(first)).expiresAtMs).toBe(sts.clock.nowMs + 43_200_000)
    const second = await sts.become('second', first, { DurationSeconds: '3600' })
    expect((await sts.inspect(second)).expiresAtMs).toBe(sts.clock.nowMs + 3_600_000)
    expect(await sts.assume('second', first, { DurationSeconds: '3601' })).toMatchObject({
      status: 400,
      code: 'ValidationError',
      message:
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    })
  })

  it('a duration beyond the role’s maximum is refused', async () => {
    const sts = open()
    expect(await sts.assume('first', root, { DurationSeconds: '43201' })).toMatchObject({
      code: 'ValidationError',
      message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    })
  })

  it('the user, and the source identity, stay those of the first session', async () => {
    const sts = open()
    const first = await sts.become('first', root, { SourceIdentity: 'alice' })
    const second = await sts.become('second', first, { RoleSessionName: 'two' })
    expect(await sts.inspect(second)).toMatchObject({
      subject: root.accessKeyId,
      sourceIdentity: 'alice',
      claims: { roleArn: 'arn:minio:iam:us-east-1::role/second' },
    })
    const same = await sts.assume('second', first, { SourceIdentity: 'alice' })
    expect(same.text).toContain('<SourceIdentity>alice</SourceIdentity>')
    expect(await sts.assume('second', first, { SourceIdentity: 'bob' })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
      message: expect.stringContaining('source identity') as string,
    })
  })

  it('a trust reads the source identity of the caller as aws:SourceIdentity', async () => {
    const conditions = { StringEquals: { 'aws:SourceIdentity': 'alice' } }
    const sts = openRoleSts(
      {
        first: { trust: everyone, policies: ['caller'] },
        second: { trust: { principal: '*', conditions } },
      },
      { caller: [may('*')] },
    )
    for (const [SourceIdentity, status] of [
      ['alice', 200],
      ['bob', 403],
      [undefined, 403],
    ] as const) {
      const first = await sts.become('first', root, { SourceIdentity })
      expect(await sts.assume('second', first)).toMatchObject({ status })
    }
  })

  it('a session of a role of root is not root’s child, for which a MinIO would let it do everything', async () => {
    const sts = open()
    const { claims } = await sts.inspect(await sts.become('first', root))
    expect(claims['parent']).toBeUndefined()
  })

  it('a session keeps the user and the issuer, by which revocations name it, whatever roles it went through', async () => {
    const sts = open()
    const alice = await sts.login({ iss: 'https://idp.example' })
    const second = await sts.become('second', await sts.become('first', alice))
    expect(await sts.inspect(second)).toMatchObject({
      subject: 'alice',
      claims: { iss: 'https://idp.example' },
    })
  })
})

describe('parameters of AssumeRole that are out of AWS’s limits', () => {
  const tag = (key: string, value: string, at = 1): Parameters => {
    return { [`Tags.member.${at}.Key`]: key, [`Tags.member.${at}.Value`]: value }
  }
  const many = (count: number): Parameters =>
    Object.assign({}, ...Array.from({ length: count }, (_, at) => tag(`k${at}`, 'v', at + 1)))

  it.each<[string, Parameters, string]>([
    ['a session name of one letter', { RoleSessionName: 'j' }, 'ValidationError'],
    ['a session name with a space', { RoleSessionName: 'my job' }, 'ValidationError'],
    ['no session name', { RoleSessionName: undefined }, 'ValidationError'],
    ['a short external ID', { ExternalId: 'x' }, 'ValidationError'],
    ['a long external ID', { ExternalId: 'x'.repeat(1225) }, 'ValidationError'],
    ['an external ID with a space', { ExternalId: 'x y' }, 'ValidationError'],
    ['a short source identity', { SourceIdentity: 'x' }, 'ValidationError'],
    ['a long source identity', { SourceIdentity: 'x'.repeat(65) }, 'ValidationError'],
    ['a source identity with a colon', { SourceIdentity: 'a:b' }, 'ValidationError'],
    ['a tag without a value', { 'Tags.member.1.Key': 'a' }, 'ValidationError'],
    ['a tag without a key', { 'Tags.member.1.Value': 'a' }, 'ValidationError'],
    ['an empty key', tag('', 'a'), 'ValidationError'],
    ['a long key', tag('k'.repeat(129), 'a'), 'ValidationError'],
    ['a long value', tag('k', 'v'.repeat(257)), 'ValidationError'],
    ['a key with a star', tag('k*', 'v'), 'ValidationError'],
    ['a value with a line break', tag('k', 'a\nb'), 'ValidationError'],
    ['51 tags', many(51), 'ValidationError'],
    ['a key of AWS’s', tag('AWS:x', 'v'), 'InvalidParameterValue'],
    ['a key twice', { ...tag('team', 'a'), ...tag('Team', 'b', 2) }, 'InvalidParameterValue'],
    ['a gap between tags', tag('a', 'b', 2), 'InvalidParameterValue'],
    ['a field that there is not', { 'Tags.member.1.Name': 'x' }, 'InvalidParameterValue'],
    ['a tag list without numbers', { 'Tags.Key': 'x' }, 'InvalidParameterValue'],
    [
      'a transitive key that is no tag',
      { 'TransitiveTagKeys.member.1': 'x' },
      'InvalidParameterValue',
    ],
    ['a policy ARN that is none', { 'PolicyArns.member.1.arn': 'readonly' }, 'ValidationError'],
    [
      'an unknown policy',
      { 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/x' },
      'InvalidParameterValue',
    ],
    ['a session policy that is no JSON', { Policy: '{' }, 'MalformedPolicyDocument'],
    ['a short duration', { DurationSeconds: '899' }, 'ValidationError'],
    ['a duration that is no number', { DurationSeconds: '900.5' }, 'ValidationError'],
    [
      'a duration of more than the server’s maximum',
      { DurationSeconds: '31536001' },
      'ValidationError',
    ],
    ['a short ARN', { RoleArn: 'role/x' }, 'ValidationError'],
    [
      'tags that do not fit into a token',
      Object.assign(
        {},
        ...Array.from({ length: 20 }, (_, at) => tag(`k${at}`, 'v'.repeat(256), at + 1)),
      ),
      'PackedPolicyTooLarge',
    ],
    [
      'a session policy that is too long',
      { Policy: JSON.stringify({ Version: '2012-10-17', Statement: [], Id: 'x'.repeat(2100) }) },
      'PackedPolicyTooLarge',
    ],
  ])('%s is refused', async (_what, changed, code) => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    expect(await sts.assume('reader', root, changed)).toMatchObject({ status: 400, code })
  })

  it('a refusal does not repeat an external ID', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    const { text } = await sts.assume('reader', root, { ExternalId: 'shared secret' })
    expect(text).not.toContain('secret')
  })

  it('50 tags, and names and values of the greatest length, are accepted', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    for (const tags of [many(50), tag('k'.repeat(128), 'v'.repeat(256)), tag('ключ', 'знач ение')])
      expect(await sts.assume('reader', root, tags)).toMatchObject({ status: 200 })
  })

  it('whatever tags a request has, they are refused or kept as they are', async () => {
    const sts = openRoleSts({ reader: { trust: everyone } })
    const tags = fc.uniqueArray(
      fc.tuple(fc.string({ maxLength: 140 }), fc.string({ maxLength: 20 })),
      {
        maxLength: 5,
        selector: ([key]) => key.toLowerCase(),
      },
    )
    await fc.assert(
      fc.asyncProperty(tags, async (list) => {
        const form = Object.assign({}, ...list.map(([key, value], at) => tag(key, value, at + 1)))
        const { status } = await sts.assume('reader', root, form)
        if (status !== 200) {
          expect(status).toBe(400)
          return
        }
        const { claims } = await sts.inspect(await sts.become('reader', root, form))
        const kept = (claims['https://aws.amazon.com/tags'] ?? { principal_tags: {} }) as {
          principal_tags: object
        }
        expect(Object.entries(kept.principal_tags)).toEqual(
          expect.arrayContaining(list.map(([key, value]) => [key, [value]])),
        )
      }),
      { numRuns: 50 },
    )
  })
})
