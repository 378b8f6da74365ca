/** The actions of AWS's STS that long-lived credentials call: GetSessionToken, GetFederationToken, GetAccessKeyInfo, DecodeAuthorizationMessage. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Credentials, TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { decodeStsAnswer } from '../../../src/protocol/sts-wire.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { createAuthorizationMessages } from '../../../src/server/sts/authorization-messages.ts'
import { account, openRoleSts, roleArn, type RoleSts } from '../../support/server/role-sts.ts'
import { root, version, type Answer, type Parameters } from '../../support/server/sts-harness.ts'

function ask(
  sts: RoleSts,
  Action: string,
  signedBy: Credentials | undefined,
  parameters: Parameters = {},
): Promise<Answer> {
  const form = { Action, Version: version, ...parameters }
  return sts.send(signedBy === undefined ? { form } : { form, signedBy })
}

async function issue(
  sts: RoleSts,
  action: string,
  parameters: Parameters = {},
): Promise<TemporaryCredentials> {
  const { status, text } = await ask(sts, action, root, parameters)
  const { credentials } = decodeStsAnswer(action, status, text)
  if (credentials === undefined) throw new Error('no credentials')
  return credentials
}

async function identify(sts: RoleSts, signedBy: Credentials): Promise<unknown> {
  const form = { Action: 'GetCallerIdentity', Version: version }
  return (await sts.call('GetCallerIdentity', { form, signedBy })).callerIdentity
}

const allow = (Action: string, Resource = '*'): object => ({ Effect: 'Allow', Action, Resource })
const federation = { Name: 'report' }

describe('GetSessionToken', () => {
  it('gives root’s rights for an hour at most', async () => {
    const sts = openRoleSts({})
    for (const DurationSeconds of [undefined, '900', '129600']) {
      const credentials = await issue(sts, 'GetSessionToken', { DurationSeconds })
      expect(await sts.inspect(credentials)).toMatchObject({
        policyNames: ['consoleAdmin'],
        expiresAtMs: sts.clock.nowMs + Math.min(Number(DurationSeconds ?? 3600), 3600) * 1000,
      })
    }
  })

  it.each<[string, Parameters, string]>([
    ['more than a day and a half', { DurationSeconds: '129601' }, 'ValidationError'],
    ['less than a quarter of an hour', { DurationSeconds: '899' }, 'ValidationError'],
    ['what is no number', { DurationSeconds: '1e3' }, 'ValidationError'],
    [
      'a code of an MFA device',
      { SerialNumber: 'GAHT12345678', TokenCode: '123456' },
      'AccessDenied',
    ],
  ])('is refused for %s', async (_what, parameters, code) => {
    expect(await ask(openRoleSts({}), 'GetSessionToken', root, parameters)).toMatchObject({ code })
  })
})

describe.each([
  ['GetSessionToken', {}],
  ['GetFederationToken', federation],
] as const)('%s', (action, parameters) => {
  it('is refused with temporary credentials, and without a signature', async () => {
    const sts = openRoleSts({}, { caller: [allow('sts:*')] })
    const message = `Cannot call ${action} with session credentials`
    for (const signedBy of [await sts.login(), await issue(sts, action, parameters)])
      expect(await ask(sts, action, signedBy, parameters)).toMatchObject({
        status: 403,
        code: 'AccessDenied',
        message,
      })
    expect(await ask(sts, action, undefined, parameters)).toMatchObject({ code: 'AccessDenied' })
  })
})

describe('GetFederationToken', () => {
  const limited = { ...federation, 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/readonly' }

  it('names the federated user in its answer and in GetCallerIdentity', async () => {
    const sts = openRoleSts({})
    const { text } = await ask(sts, 'GetFederationToken', root, limited)
    const arn = `arn:aws:sts::${account}:federated-user/report`
    expect(text).toContain(
      `<FederatedUser><FederatedUserId>${account}:report</FederatedUserId><Arn>${arn}</Arn></FederatedUser>`,
    )
    expect(text).toMatch(/<PackedPolicySize>\d+</)
    const credentials = await issue(sts, 'GetFederationToken', limited)
    expect(await identify(sts, credentials)).toEqual({ account, arn, userId: `${account}:report` })
  })

  it('gives what the session policies allow, and nothing without one', async () => {
    const sts = openRoleSts({})
    const authorizer = combinePolicies(
      createIamAuthorizer({ policies: cannedPolicies }),
      undefined,
      cannedPolicies,
    )
    const may = async (parameters: Parameters, action: string): Promise<boolean> => {
      const principal = await sts.inspect(await issue(sts, 'GetFederationToken', parameters))
      const question = { principal, action, bucket: 'b', object: 'k', conditions: new Map() }
      return (await authorizer.authorize(question)).isAllowed
    }
    expect(await may(federation, 's3:GetObject')).toBe(false)
    expect(await may(limited, 's3:GetObject')).toBe(true)
    expect(await may(limited, 's3:PutObject')).toBe(false)
  })

  it('is no session of a role that has the federated user’s name, and assumes none', async () => {
    const sessions = `arn:aws:sts::${account}:assumed-role/report/report`
    const sts = openRoleSts({
      report: { trust: { principal: account } },
      next: { trust: { principal: [sessions, roleArn('report'), account] } },
    })
    const credentials = await issue(sts, 'GetFederationToken', federation)
    expect(await sts.assume('next', credentials)).toMatchObject({
      code: 'AccessDenied',
      message: 'Cannot call AssumeRole as a federated user',
    })
    expect(() =>
      openRoleSts({ a: { trust: { principal: `arn:aws:sts::${account}:federated-user/x` } } }),
    ).toThrow(/is not \*/)
  })

  it('carries tags', async () => {
    const sts = openRoleSts({})
    const credentials = await issue(sts, 'GetFederationToken', {
      ...federation,
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'blue',
    })
    const claim = 'https://aws.amazon.com/tags'
    expect((await sts.inspect(credentials)).claims[claim]).toEqual({
      principal_tags: { team: ['blue'] },
    })
  })

  it('is refused for a session policy that is no JSON, with AWS’s code', async () => {
    const answer = await ask(openRoleSts({}), 'GetFederationToken', root, {
      ...federation,
      Policy: '{',
    })
    expect(answer).toMatchObject({ status: 400, code: 'MalformedPolicyDocument' })
  })

  it.each<[string, Parameters]>([
    ['no name', {}],
    ['a name of one letter', { Name: 'x' }],
    ['a name of 33 letters', { Name: 'x'.repeat(33) }],
    ['a name with a slash', { Name: 'a/b' }],
    ['a wrong tag', { ...federation, 'Tags.member.1.Key': 'a' }],
    ['a long lifetime', { ...federation, DurationSeconds: '129601' }],
  ])('is refused for %s', async (_what, parameters) => {
    const answer = await ask(openRoleSts({}), 'GetFederationToken', root, parameters)
    expect(answer).toMatchObject({ status: 400, code: 'ValidationError' })
  })
})

describe('GetAccessKeyInfo', () => {
  it('tells the account of any access key to those who may ask, and not whether it exists', async () => {
    const sts = openRoleSts({}, { caller: [allow('sts:GetAccessKeyInfo')], other: [allow('s3:*')] })
    const caller = await sts.login()
    for (const AccessKeyId of [caller.accessKeyId, 'AKIAIOSFODNN7EXAMPLE']) {
      const { text } = await ask(sts, 'GetAccessKeyInfo', caller, { AccessKeyId })
      expect(text).toContain(
        `<GetAccessKeyInfoResult><Account>${account}</Account></GetAccessKeyInfoResult>`,
      )
    }
    const AccessKeyId = caller.accessKeyId
    const other = await sts.login({ policy: 'other' })
    expect(await ask(sts, 'GetAccessKeyInfo', other, { AccessKeyId })).toMatchObject({
      status: 403,
      message: expect.stringMatching(/not authorized to perform: sts:GetAccessKeyInfo/) as string,
    })
    expect(await ask(sts, 'GetAccessKeyInfo', undefined, { AccessKeyId })).toMatchObject({
      code: 'AccessDenied',
    })
    for (const wrong of [undefined, 'short', 'x'.repeat(129), 'AKIA-IOSFODNN7EXAMPLE'])
      expect(await ask(sts, 'GetAccessKeyInfo', caller, { AccessKeyId: wrong })).toMatchObject({
        code: 'ValidationError',
      })
  })
})

describe('DecodeAuthorizationMessage', () => {
  const action = 'DecodeAuthorizationMessage'
  const roles = { reader: { trust: { principal: account } } }
  const policies = {
    caller: [{ ...allow('sts:AssumeRole', roleArn('*')), Effect: 'Deny', Sid: 'NoRoles' }],
    auditor: [allow('sts:DecodeAuthorizationMessage')],
  }
  const readMessage = ({ message = '' }: Answer): string =>
    /Encoded authorization failure message: ([\w-]+)$/.exec(message)?.[1] ?? ''

  it('tells an auditor what was refused, and by what, and nobody else', async () => {
    const sts = openRoleSts(roles, policies)
    const alice = await sts.login()
    const refused = await sts.assume('reader', alice, {
      ExternalId: 'shared-secret-42',
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': '<blue>'.replaceAll(/[<>]/g, ''),
    })
    expect(refused.message).not.toContain('NoRoles')
    const EncodedMessage = readMessage(refused)
    const auditor = await sts.login({ sub: 'eve', policy: 'auditor' })
    const { text } = await ask(sts, action, auditor, { EncodedMessage })
    const [, xml = ''] = /<DecodedMessage>(.*)<\/DecodedMessage>/s.exec(text) ?? []
    const decoded: unknown = JSON.parse(xml.replaceAll('&quot;', '"').replaceAll('&#34;', '"'))
    expect(decoded).toMatchObject({
      allowed: false,
      explicitDeny: true,
      reason: 'denied by caller NoRoles',
      context: {
        principal: {
          id: alice.accessKeyId,
          arn: `arn:aws:sts::${account}:assumed-role/sts-cli/alice`,
        },
        action: 'sts:AssumeRole',
        resource: roleArn('reader'),
      },
    })
    expect(xml).toContain('aws:RequestTag/team')
    expect(xml).not.toContain('shared-secret')
    for (const signedBy of [alice, undefined])
      expect(await ask(sts, action, signedBy, { EncodedMessage })).toMatchObject({
        status: 403,
        code: 'AccessDenied',
      })
  })

  it('refuses a message that is not this server’s, or was changed', async () => {
    const sts = openRoleSts(roles, policies)
    const own = readMessage(await sts.assume('reader', await sts.login()))
    const other = createAuthorizationMessages('another-secret-of-some-length').seal('{}')
    const changed = own.slice(0, 20) + (own[20] === 'A' ? 'B' : 'A') + own.slice(21)
    for (const EncodedMessage of [other, changed, `${own}A`, own.slice(0, 30), 'x', `${own}=`, 'é'])
      expect(await ask(sts, action, root, { EncodedMessage })).toMatchObject({
        status: 400,
        code: 'InvalidAuthorizationMessageException',
      })
    for (const EncodedMessage of [undefined, '', 'x'.repeat(10_241)])
      expect(await ask(sts, action, root, { EncodedMessage })).toMatchObject({
        code: 'ValidationError',
      })
  })

  it('decodes every message of a refusal, however long what was asked for is', async () => {
    const sts = openRoleSts(roles, policies)
    const many = Array.from({ length: 14 }, (_, at): Parameters => {
      return {
        [`Tags.member.${at + 1}.Key`]: `${at}${'ключ'.repeat(30)}`,
        [`Tags.member.${at + 1}.Value`]: '値'.repeat(256),
      }
    })
    const refused = await sts.assume('reader', await sts.login(), Object.assign({}, ...many))
    const EncodedMessage = readMessage(refused)
    expect(EncodedMessage.length).toBeGreaterThan(1000)
    expect(EncodedMessage.length).toBeLessThanOrEqual(10_240)
    expect(await ask(sts, action, root, { EncodedMessage })).toMatchObject({ status: 200 })
  })

  it('opens what was sealed, and nothing else', () => {
    const messages = createAuthorizationMessages('a-root-secret-of-some-length-000')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        expect(messages.open(messages.seal(text))).toBe(text)
      }),
      { numRuns: 100 },
    )
    fc.assert(
      fc.property(fc.base64String({ maxLength: 200 }), (text) => {
        expect(messages.open(text)).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })
})

describe('what the STS does not serve', () => {
  it.each(['CreateUser', 'ListRoles', 'GetUser', 'x'.repeat(80)])(
    'a call of IAM is told that IAM is not served: %s',
    async (Action) => {
      const form = { Action, Version: '2010-05-08' }
      expect(await openRoleSts({}).send({ form, signedBy: root })).toMatchObject({
        status: 400,
        code: 'InvalidAction',
        message: expect.stringMatching(
          new RegExp(
            `^Could not find operation ${Action} for version 2010-05-08: IAM is not served`,
          ),
        ) as string,
      })
    },
  )

  it('AssumeRoleWithSAML is not implemented, by its name', async () => {
    expect(await ask(openRoleSts({}), 'AssumeRoleWithSAML', undefined)).toMatchObject({
      status: 501,
      code: 'NotImplemented',
      message: expect.stringMatching(/^AssumeRoleWithSAML is not supported/) as string,
    })
  })
})
