import { onTestFinished, describe, expect, it } from 'vitest'
import { createJsonClient } from '../../../src/base/http/json-client.ts'
import { listPluginArns } from '../../../src/server/open/role-arns.ts'
import { createIdentityPlugin } from '../../../src/server/identity/identity-plugin.ts'
import {
  findClosedPort,
  json,
  startFake,
  type Answer,
  type Fake,
} from '../../support/commands/harness.ts'
import {
  openSts,
  version,
  type Parameters,
  type StsHarness,
} from '../../support/server/sts-harness.ts'

const action = 'AssumeRoleWithCustomToken'
const arn = 'arn:minio:iam:us-east-1::role/idmp-external'
const token = 'opaque token/with+signs'
const alice = { user: 'alice', maxValiditySeconds: 7200, claims: { team: 'ops' } }

interface Opened extends StsHarness {
  readonly plugin: Fake
}

async function open(answer: Answer = json(alice), timeoutMs = 10_000): Promise<Opened> {
  const plugin = await startFake(answer)
  return { ...openWith(`${plugin.url}/auth?tenant=a`, timeoutMs), plugin }
}

function openWith(url: string, timeoutMs = 10_000): StsHarness {
  const limits = { timeoutMs, maxBytes: 64 * 1024 }
  const client = createJsonClient({ ...limits, authorization: 'plugin-secret' })
  onTestFinished(() => client.close())
  const logged: string[] = []
  const log = (facts: object, message: string): void =>
    void logged.push(message + JSON.stringify(facts))
  const plugin = {
    client: createIdentityPlugin({
      url,
      post: client.postForAnswer,
      log: { info: log, warn: log, error: log },
    }),
    arns: listPluginArns('us-east-1', { roleId: 'external', url }),
    policyNames: ['readonly'],
  }
  const sts = openSts({ plugin })
  return { ...sts, logged }
}

const ask = (changed: Parameters = {}): Parameters => ({
  Action: action,
  Version: version,
  Token: token,
  RoleArn: arn,
  ...changed,
})

describe('AssumeRoleWithCustomToken', () => {
  it('AssumeRoleWithCustomToken asks the plugin as MinIO does, by query and by form', async () => {
    for (const where of [{ query: ask() }, { form: ask() }]) {
      const sts = await open()
      await sts.call(action, where)
      const [seen] = sts.plugin.seen
      expect(sts.plugin.seen).toHaveLength(1)
      expect(seen).toMatchObject({ method: 'POST', body: '' })
      expect(seen?.headers.authorization).toBe('plugin-secret')
      const { pathname, searchParams } = new URL(seen?.url ?? '', 'http://h')
      expect(pathname).toBe('/auth')
      expect(Object.fromEntries(searchParams)).toEqual({ tenant: 'a', token })
    }
  })

  it('the plugin’s role is named by AWS’s form of its ARN too, and the session has the role’s own', async () => {
    const sts = await open()
    const RoleArn = 'arn:aws:iam::123456789012:role/idmp-external'
    const { credentials } = await sts.call(action, { form: ask({ RoleArn }) })
    expect(await sts.inspect(credentials)).toMatchObject({ claims: { roleArn: arn } })
  })

  it('AssumeRoleWithCustomToken grants the policies of the role and the claims of the plugin', async () => {
    const sts = await open()
    const answer = await sts.call(action, { form: ask({ TokenRevokeType: 'ci' }) })
    expect(answer.assumedUser).toBe('custom:alice')
    expect(await sts.inspect(answer.credentials)).toMatchObject({
      subject: 'custom:alice',
      policyNames: ['readonly'],
      claims: {
        team: 'ops',
        sub: 'custom:alice',
        parent: 'custom:alice',
        roleArn: arn,
        tokenRevokeType: 'ci',
      },
      expiresAtMs: sts.clock.nowMs + 7_200_000,
    })
  })

  it('AssumeRoleWithCustomToken answers with MinIO’s document', async () => {
    const { text } = await (await open()).send({ form: ask() })
    expect(text).toContain(
      `</Credentials><AssumedUser>custom:alice</AssumedUser></${action}Result><ResponseMetadata>`,
    )
  })

  it('AssumeRoleWithCustomToken accepts the ARN of the role without a region', async () => {
    const form = ask({ RoleArn: 'arn:minio:iam:::role/idmp-external' })
    expect((await (await open()).call(action, { form })).assumedUser).toBe('custom:alice')
  })

  it('AssumeRoleWithCustomToken grants the requested duration, but no more than the plugin allows', async () => {
    const secondsOf = async (DurationSeconds: string): Promise<number> => {
      const sts = await open()
      const { credentials } = await sts.call(action, { form: ask({ DurationSeconds }) })
      return ((credentials?.expiration.getTime() ?? 0) - sts.clock.nowMs) / 1000
    }
    expect(await secondsOf('900')).toBe(900)
    expect(await secondsOf('86400')).toBe(7200)
  })

  it('AssumeRoleWithCustomToken accepts a session policy, and does not ask the plugin if it is invalid', async () => {
    const Policy = '{"Version":"2012-10-17","Statement":[]}'
    const sts = await open()
    const { credentials } = await sts.call(action, { form: ask({ Policy }) })
    expect(await sts.inspect(credentials)).toMatchObject({ sessionPolicy: Policy })
    const other = await open()
    expect(await other.send({ form: ask({ Policy: '{' }) })).toMatchObject({ status: 400 })
    expect(other.plugin.seen).toEqual([])
  })

  it('AssumeRoleWithCustomToken ignores claims of the plugin that belong to the server', async () => {
    const claims = { sub: 'root', parent: 'root', roleArn: 'x', accessKey: 'root', nested: {} }
    const sts = await open(json({ ...alice, claims }))
    const { credentials } = await sts.call(action, { form: ask() })
    const principal = await sts.inspect(credentials)
    expect(principal.claims).toEqual({ sub: 'custom:alice', parent: 'custom:alice', roleArn: arn })
  })

  it.each<[string, Parameters, string]>([
    ['no token', { Token: '' }, 'MissingParameter'],
    ['no role', { RoleArn: undefined }, 'MissingParameter'],
    ['another role', { RoleArn: `${arn}2` }, 'InvalidParameterValue'],
    ['a negative duration', { DurationSeconds: '-1' }, 'InvalidParameterValue'],
    ['an overlong token', { Token: 'a'.repeat(16 * 1024 + 1) }, 'InvalidParameterValue'],
  ])('the plugin is not asked if the request has %s', async (_what, changed, code) => {
    const sts = await open()
    expect(await sts.send({ form: ask(changed) })).toMatchObject({ status: 400, code })
    expect(sts.plugin.seen).toEqual([])
  })

  it('AssumeRoleWithCustomToken returns the plugin’s reason for a refusal', async () => {
    const sts = await open(json({ reason: 'badge\u001b[31m expired' }, 403))
    expect(await sts.send({ form: ask() })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
      message: 'the identity plugin refuses the token: badge [31m expired',
    })
  })

  const nobody = { status: 400, code: 'InvalidParameterValue' }
  const down = { status: 503, code: 'ServiceUnavailable' }
  it.each<[string, Answer, object]>([
    ['a 403 without a reason', { status: 403 }, { status: 403, code: 'AccessDenied' }],
    ['a 500 with a user', json(alice, 500), nobody],
    ['a 201 with a user', json(alice, 201), nobody],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, nobody],
    ['an HTML page', { body: '<html>' }, nobody],
    ['an empty user', json({ ...alice, user: '' }), nobody],
    ['a user that is a number', json({ ...alice, user: 7 }), nobody],
    ['a validity that is too short', json({ ...alice, maxValiditySeconds: 899 }), nobody],
    ['a validity that is too long', json({ ...alice, maxValiditySeconds: 31_536_001 }), nobody],
    ['no validity', json({ user: 'alice' }), nobody],
    ['claims that are a list', json({ ...alice, claims: ['a'] }), nobody],
    ['too many bytes', json({ ...alice, padding: 'x'.repeat(64 * 1024) }), down],
    ['nothing', 'hang', down],
    ['a closed connection', 'cut', down],
    ['an unfinished body', { body: '{', isUnfinished: true }, down],
  ])('there are no credentials if the plugin answers with %s', async (_what, answer, expected) => {
    const isEndless = answer === 'hang' || (answer !== 'cut' && answer.isUnfinished === true)
    const sts = await open(answer, isEndless ? 200 : 10_000)
    const { text, ...refused } = await sts.send({ form: ask() })
    expect(refused).toMatchObject(expected)
    expect(text + sts.logged.join()).not.toMatch(/opaque|plugin-secret/)
  })

  it('the answer is 503 if the plugin is unreachable', async () => {
    const sts = openWith(`http://127.0.0.1:${await findClosedPort()}/`)
    expect(await sts.send({ form: ask() })).toMatchObject(down)
  })

  it('AssumeRoleWithCustomToken says STSNotInitialized if it is not configured', async () => {
    expect(await openSts().send({ query: ask() })).toMatchObject({
      status: 503,
      code: 'STSNotInitialized',
    })
  })
})
