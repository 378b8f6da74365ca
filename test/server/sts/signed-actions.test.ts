import { describe, expect, it } from 'vitest'
import { makeToken, nowMs, signers } from '../../support/tokens.ts'
import {
  openSts,
  root,
  version,
  type Parameters,
  type StsHarness,
} from '../../support/server/sts-harness.ts'
import type { TemporaryCredentials } from '../../../src/protocol/credentials.ts'

const role: Parameters = { Action: 'AssumeRole', Version: version }
const caller: Parameters = { Action: 'GetCallerIdentity', Version: version }
const readonly = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
})

async function login(sts: StsHarness, sub = 'alice'): Promise<TemporaryCredentials> {
  const Token = makeToken(signers.RS256, { policy: 'consoleAdmin', sub })
  const form = { Action: 'AssumeRoleWithClientGrants', Version: version, Token }
  const { credentials } = await sts.call('AssumeRoleWithClientGrants', { form })
  if (credentials === undefined) throw new Error('no credentials')
  return credentials
}

describe('AssumeRole', () => {
  it('AssumeRole grants root temporary credentials with the policy consoleAdmin', async () => {
    const sts = openSts()
    const { credentials } = await sts.call('AssumeRole', { form: role, signedBy: root })
    expect(credentials?.expiration).toEqual(new Date(nowMs + 3_600_000))
    expect(await sts.inspect(credentials)).toMatchObject({
      kind: 'session',
      subject: root.accessKeyId,
      policyNames: ['consoleAdmin'],
      sessionPolicy: undefined,
    })
  })

  it('AssumeRole grants the requested duration, or the operator’s default', async () => {
    const sts = openSts({ limits: { defaultDurationSeconds: 7200 } })
    const lives = await Promise.all(
      [undefined, '', '900', '31536000'].map(async (DurationSeconds) => {
        const form = { ...role, DurationSeconds }
        const { credentials } = await sts.call('AssumeRole', { form, signedBy: root })
        return ((credentials?.expiration.getTime() ?? 0) - nowMs) / 1000
      }),
    )
    expect(lives).toEqual([7200, 7200, 900, 31_536_000])
  })

  it('AssumeRole accepts a session policy', async () => {
    const sts = openSts()
    const form = { ...role, Policy: readonly }
    const { credentials } = await sts.call('AssumeRole', { form, signedBy: root })
    expect(await sts.inspect(credentials)).toMatchObject({ sessionPolicy: readonly })
  })

  it('AssumeRole ignores the role and the session name, which the tools of AWS always send', async () => {
    const form = { ...role, RoleArn: 'arn:aws:iam::0:role/x', RoleSessionName: 'x' }
    expect(await openSts().send({ form, signedBy: root })).toMatchObject({ status: 200 })
  })

  it('AssumeRole is refused without a signature', async () => {
    expect(await openSts().send({ form: role })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    })
  })

  it('AssumeRole is refused with temporary credentials, so that they cannot renew themselves', async () => {
    const sts = openSts()
    const first = await sts.call('AssumeRole', { form: role, signedBy: root })
    for (const signedBy of [await login(sts), first.credentials ?? root])
      expect(await sts.send({ form: role, signedBy })).toMatchObject({
        status: 403,
        code: 'AccessDenied',
        message: 'temporary credentials cannot get further credentials',
      })
  })

  it.each<[string, Parameters, string]>([
    ['duration', { DurationSeconds: '1' }, 'DurationSeconds'],
    ['session policy', { Policy: '{}' }, 'the session policy'],
  ])('AssumeRole is refused for an invalid %s', async (_what, changed, message) => {
    const answer = await openSts().send({ form: { ...role, ...changed }, signedBy: root })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidParameterValue' })
    expect(answer.message).toContain(message)
  })
})

describe('GetCallerIdentity', () => {
  const identify = (sts: StsHarness, signedBy: typeof root): Promise<unknown> =>
    sts.call('GetCallerIdentity', { form: caller, signedBy })

  it('GetCallerIdentity names root by its account', async () => {
    expect(await identify(openSts(), root)).toMatchObject({
      callerIdentity: {
        account: '000000000000',
        arn: 'arn:aws:iam::000000000000:root',
        userId: '000000000000',
      },
    })
  })

  it('GetCallerIdentity names a session by its subject, and replaces characters that an ARN cannot contain', async () => {
    const sts = openSts()
    const session = await login(sts, 'cn=alice/ü <a@b>')
    expect(await identify(sts, session)).toMatchObject({
      callerIdentity: {
        arn: 'arn:aws:sts::000000000000:assumed-role/sts-cli/cn=alice____a@b_',
        userId: expect.stringMatching(/^AROA[0-9A-F]{17}:cn=alice____a@b_$/) as string,
      },
    })
  })

  it('GetCallerIdentity is refused without a signature', async () => {
    expect(await openSts().send({ form: caller })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    })
  })

  it('GetCallerIdentity tells an expired session that it has expired', async () => {
    const sts = openSts()
    const signedBy = await login(sts)
    sts.clock.nowMs += 3_600_000
    expect(await sts.send({ form: caller, signedBy })).toMatchObject({
      status: 400,
      code: 'ExpiredToken',
    })
  })
})

describe.each([role, caller])('the signature of $Action', (form) => {
  it.each<[string, typeof root, string]>([
    ['with another secret', { ...root, secretAccessKey: 'x' }, 'SignatureDoesNotMatch'],
    ['by an unknown key', { ...root, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, 'InvalidAccessKeyId'],
  ])('a signature %s is refused with an STS document', async (_what, signedBy, code) => {
    expect(await openSts().send({ form, signedBy })).toMatchObject({ status: 403, code })
  })

  it('a signature for another region is refused', async () => {
    expect(await openSts().send({ form, signedBy: root, region: 'eu-west-1' })).toMatchObject({
      status: 400,
      code: 'AuthorizationHeaderMalformed',
    })
  })

  it('a signature covers the body', async () => {
    const sts = openSts()
    const body = new URLSearchParams(form as Record<string, string>).toString()
    const { headers } = await captureSigned(body)
    expect(await sts.send({ form: body, headers })).toMatchObject({ status: 200 })
    expect(await sts.send({ form: `${body}&DurationSeconds=900`, headers })).toMatchObject({
      code: 'SignatureDoesNotMatch',
    })
  })
})

/** Returns the headers that sign one body; the test sends them with another. */
async function captureSigned(body: string): Promise<{ headers: Record<string, string> }> {
  const { signRequest } = await import('../../../src/protocol/sigv4/sign.ts')
  const { sha256Hex } = await import('../../../src/protocol/digest.ts')
  const url = new URL('http://127.0.0.1:9000/')
  const given = { 'content-type': 'application/x-www-form-urlencoded' }
  const unsigned = { method: 'POST', url, headers: given, payloadHash: sha256Hex(body) }
  return { headers: signRequest(unsigned, root, { region: 'us-east-1', service: 'sts', nowMs }) }
}

describe('TokenRevokeType', () => {
  it('TokenRevokeType is stored in the session, but not the identity provider’s claim of that name', async () => {
    const sts = openSts()
    const form = { ...role, TokenRevokeType: 'ci' }
    const { credentials } = await sts.call('AssumeRole', { form, signedBy: root })
    expect(await sts.inspect(credentials)).toMatchObject({ claims: { tokenRevokeType: 'ci' } })

    const Token = makeToken(signers.RS256, { policy: 'readonly', sub: 'a', tokenRevokeType: 'x' })
    const action = 'AssumeRoleWithWebIdentity'
    const federated = { Action: action, Version: version, WebIdentityToken: Token }
    const without = await sts.call(action, { form: federated })
    expect((await sts.inspect(without.credentials)).claims).not.toHaveProperty('tokenRevokeType')
    const withType = await sts.call(action, { form: { ...federated, TokenRevokeType: 'laptop' } })
    expect(await sts.inspect(withType.credentials)).toMatchObject({
      claims: { tokenRevokeType: 'laptop' },
    })
  })

  it('TokenRevokeType is refused if it is over 128 characters', async () => {
    const form = { ...role, TokenRevokeType: 'x'.repeat(129) }
    expect(await openSts().send({ form, signedBy: root })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
    })
  })
})
