/** The names of a session: in log lines, in what the STS answers, and in what GetCallerIdentity says. */
import { describe, expect, it } from 'vitest'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { createTokenRole } from '../../../src/server/policy/token-role.ts'
import { readDisplayName } from '../../../src/server/sessions/describe-principal.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { splitJwt } from '../../../src/protocol/jwt/decode-jwt.ts'
import { configUrl, jwksUrl, makeProvider } from '../../support/server/fake-provider.ts'
import { openSts, root, version, type StsHarness } from '../../support/server/sts-harness.ts'
import { keySet, makeToken, signers, type Members } from '../../support/tokens.ts'

const action = 'AssumeRoleWithWebIdentity'
const issuer = 'https://idp.example'
const roleArn = 'arn:minio:iam:us-east-1::role/team/deploy'
const subject = '4df75e4e-12a1-4003-9ab0-a6567f8bf326'

function open(): StsHarness {
  const provider = makeProvider({ [configUrl]: { issuer, jwks_uri: jwksUrl }, [jwksUrl]: keySet })
  const document = {
    name: 'team/deploy',
    policies: ['readwrite'],
    trust: { issuer, audience: 'sts-cli', conditions: { StringEquals: { sub: subject } } },
  }
  const read = parseRoleDocument(JSON.stringify(document), 'role')
  const verifiers = new Map([[issuer, createTokenVerifier({ ...provider, configUrl })]])
  return openSts({ roles: new Map([[roleArn, createTokenRole(roleArn, read, verifiers)]]) })
}

const ask = (claims: Members = {}, more: Record<string, string> = {}) => ({
  form: {
    Action: action,
    Version: version,
    WebIdentityToken: makeToken(signers.RS256, {
      iss: issuer,
      aud: 'sts-cli',
      sub: subject,
      preferred_username: 'alice',
      policy: 'readwrite',
      ...claims,
    }),
    ...more,
  },
})

async function identify(sts: StsHarness, given: ReturnType<typeof ask>) {
  const { text } = await sts.send(given)
  const { credentials } = await sts.call(action, given)
  const signedBy = credentials ?? root
  const answer = await sts.send({
    form: { Action: 'GetCallerIdentity', Version: version },
    signedBy,
  })
  const element = (from: string, name: string) =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(from)?.[1]
  return {
    log: answer.log,
    arn: element(answer.text, 'Arn'),
    userId: element(answer.text, 'UserId'),
    assumedArn: element(text, 'Arn'),
    assumedId: element(text, 'AssumedRoleId'),
    minioId: element(text, 'AssumeRoleId'),
    token: splitJwt('sessionToken' in signedBy ? signedBy.sessionToken : '')?.claims ?? {},
  }
}

const prefix = 'arn:aws:sts::000000000000:assumed-role'

describe('the names of a session', () => {
  it('a session of a role is named by its role and RoleSessionName, in each answer and line', async () => {
    const named = { RoleArn: roleArn, RoleSessionName: 'nightly-job' }
    const { log, arn, userId, assumedArn, assumedId, minioId } = await identify(
      open(),
      ask({}, named),
    )
    expect(arn).toBe(`${prefix}/deploy/nightly-job`)
    expect(assumedArn).toBe(arn)
    expect(userId).toMatch(/^AROA[0-9A-F]{17}:nightly-job$/)
    expect([assumedId, minioId]).toEqual([userId, userId])
    expect(log).toMatchObject({
      principal: subject,
      name: 'alice',
      role: roleArn,
      roleSessionName: 'nightly-job',
      accessKeyId: expect.stringMatching(/^[A-Z0-9]{20}$/) as string,
    })
  })

  it('a session without a RoleSessionName is named after its user, or else its subject', async () => {
    expect((await identify(openSts(), ask())).arn).toBe(`${prefix}/sts-cli/alice`)
    const claims = { preferred_username: undefined }
    expect((await identify(openSts(), ask(claims))).arn).toBe(`${prefix}/sts-cli/${subject}`)
  })

  it('the exchange and each later request have the name in their lines', async () => {
    const { log } = await openSts().send(ask())
    expect(log).toMatchObject({ principal: subject, name: 'alice' })
  })

  it.each<[string, Members, string | undefined]>([
    ['one audience', { aud: 'sts-cli', azp: 'other' }, 'sts-cli'],
    ['one audience in a list', { aud: ['sts-cli'] }, 'sts-cli'],
    ['several audiences', { aud: ['api', 'sts-cli'], azp: 'my-app&co' }, 'my-app&amp;co'],
    ['several audiences and no authorized party', { aud: ['sts-cli', 'api'] }, 'sts-cli'],
    ['no audience', { aud: undefined }, undefined],
  ])(
    'AssumeRoleWithWebIdentity says who issued the token and to which client: %s',
    async (_what, claims, client) => {
      const { text } = await openSts().send(ask(claims))
      expect(text).toContain(`<Provider>${issuer}</Provider>`)
      expect(/<Audience>([^<]*)</.exec(text)?.[1]).toBe(client)
    },
  )

  it('AssumeRole answers with the names too', async () => {
    const form = { Action: 'AssumeRole', Version: version, RoleSessionName: 'ops' }
    const { text } = await openSts().send({ form, signedBy: root })
    expect(text).toContain(`<Arn>${prefix}/sts-cli/ops</Arn>`)
  })

  it('a session token says the RoleSessionName once, and nothing without one', async () => {
    const { token } = await identify(openSts(), ask({}, { RoleSessionName: 'nightly-job' }))
    expect(JSON.stringify(token).split('nightly-job')).toHaveLength(2)
    const { token: without } = await identify(openSts(), ask())
    expect(without['sts-cli']).not.toHaveProperty('name')
  })
})

describe('the readable name', () => {
  it.each([
    [{ preferred_username: 'alice', email: 'a@b', name: 'Alice A.' }, 'alice'],
    [{ upn: 'alice@corp', email: 'a@b' }, 'alice@corp'],
    [{ email: 'a@b', name: 'Alice A.' }, 'a@b'],
    [{ name: 'Alice A.' }, 'Alice A.'],
    [{ ldapUsername: 'al', preferred_username: 'x' }, 'al'],
    [{ preferred_username: '', name: 'Alice' }, 'Alice'],
    [{ preferred_username: ['x'], sub: 's' }, undefined],
    [{ preferred_username: 'a\n\u001B[31mroot\u202Etoor\u200B' }, 'a  [31mroottoor'],
    [{ preferred_username: 'x'.repeat(500) }, 'x'.repeat(64)],
  ])('the readable name of %j is %j', (claims, name) => {
    expect(readDisplayName(claims)).toBe(name)
  })
})
