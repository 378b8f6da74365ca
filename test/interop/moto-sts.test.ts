/** moto's STS as an STS that is not ours: what the client sends, and how it reads the answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { encodeStsSuccess } from '../../src/protocol/sts-wire.ts'
import { startFake } from '../support/commands/harness.ts'
import { startMoto, type Moto } from './moto.ts'
import { binPath, cachedPath } from './stack.ts'

const account = '123456789012'
const other = '210987654321'
const role = (name: string, id = account): string => `arn:aws:iam::${id}:role/${name}`

/** A token whose issuer can be read; moto looks at none. */
const token = [{ alg: 'RS256' }, { iss: 'https://idp.example', sub: 'job' }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat('c2ln')
  .join('.')

let moto: Moto
let home: string
beforeAll(async () => {
  moto = await startMoto()
})
afterAll(() => moto.stop())
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'sts-cli-moto-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
})

interface Ran {
  readonly exitCode?: number
  readonly stdout: string
  readonly stderr: string
}

async function cli(argv: string[], env: Record<string, string> = {}): Promise<Ran> {
  return execa(process.execPath, [binPath, ...argv], {
    env: { HOME: home, ...env },
    extendEnv: false,
    reject: false,
  })
}
const login = (...flags: string[]): Promise<Ran> =>
  cli(['login', '-sts-ep', moto.url, '--action', 'web-identity', '-f', 'process', ...flags], {
    STS_CLI_TOKEN: token,
  })

/** Asks moto by the AWS CLI's own library who the credentials are of. */
async function whoIs({ stdout }: Ran): Promise<string> {
  const keys = JSON.parse(stdout) as Record<string, string>
  const env = {
    AWS_ACCESS_KEY_ID: keys['AccessKeyId'] ?? '',
    AWS_SECRET_ACCESS_KEY: keys['SecretAccessKey'] ?? '',
    AWS_SESSION_TOKEN: keys['SessionToken'] ?? '',
    AWS_DEFAULT_REGION: 'us-east-1',
  }
  const script = `import boto3; print(boto3.client('sts', endpoint_url='${moto.url}').get_caller_identity()['Arn'])`
  const ran = await execa(cachedPath('moto', 'bin', 'python'), ['-c', script], {
    env: { HOME: home, ...env },
    extendEnv: false,
  })
  return ran.stdout
}

describe('an STS that is not ours', () => {
  it('login by a token assumes a role', async () => {
    const ran = await login('--role-arn', role('demo'), '--role-session-name', 'job-7')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await whoIs(ran)).toBe(`arn:aws:sts::${account}:assumed-role/demo/job-7`)
  })

  it('login goes through a chain of roles to another account, with all parameters', async () => {
    const flags = [
      ['--role-arn', role('first')],
      ['--role-arn', role('second', other)],
      ['--role-session-name', 'chained'],
      ['--external-id', 'x/9'],
      ['--source-identity', 'alice'],
      ['--expect-account', other],
      ['--expect-issuer', 'https://idp.example'],
      ['--duration', '15m'],
      ['--policy-arn', 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
      ['--tag', 'team=a b'],
      ['--tag', 'job=7'],
      ['--transitive-tag', 'team'],
    ]
    const ran = await login(...flags.flat())
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await whoIs(ran)).toBe(`arn:aws:sts::${other}:assumed-role/second/chained`)
    const left =
      Date.parse((JSON.parse(ran.stdout) as { Expiration: string }).Expiration) - Date.now()
    expect(left).toBeLessThanOrEqual(900_000)
  })

  it('login refuses the credentials of another account and caches nothing', async () => {
    const ran = await login(
      '--role-arn',
      role('demo', other),
      '--role-session-name',
      'job',
      '--expect-account',
      account,
    )
    expect(ran).toMatchObject({ exitCode: 77, stdout: '' })
    expect(ran.stderr).toContain(`those of the account ${other}, not ${account}`)
    expect(await cli(['status'])).toMatchObject({ exitCode: 1 })
  })

  it('a renewal repeats the chain', async () => {
    await login('--role-arn', role('first'), '--role-arn', role('second', other))
    const ran = await cli(['creds', '-f', 'process', '--refresh'], { STS_CLI_TOKEN: token })
    expect(await whoIs(ran)).toBe(`arn:aws:sts::${other}:assumed-role/second/sts-cli`)
  })
})

describe('an STS that verifies signatures and policies', () => {
  let keys: Record<string, string>
  beforeAll(async () => {
    // A user who may assume the first role only, which may assume the second.
    const script = `
import boto3, json
iam = boto3.client('iam', endpoint_url='${moto.url}', region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')
def document(**statement): return json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole', **statement}]})
iam.create_user(UserName='alice')
iam.put_user_policy(UserName='alice', PolicyName='p', PolicyDocument=document(Resource='${role('first')}'))
iam.create_role(RoleName='first', AssumeRolePolicyDocument=document(Principal={'AWS': 'arn:aws:iam::${account}:user/alice'}, Condition={'StringEquals': {'sts:ExternalId': 'x/9'}}))
iam.put_role_policy(RoleName='first', PolicyName='p', PolicyDocument=document(Resource='${role('second')}'))
iam.create_role(RoleName='second', AssumeRolePolicyDocument=document(Principal={'AWS': 'arn:aws:sts::${account}:assumed-role/first/sts-cli'}))
key = iam.create_access_key(UserName='alice')['AccessKey']
print(json.dumps({'AWS_ACCESS_KEY_ID': key['AccessKeyId'], 'AWS_SECRET_ACCESS_KEY': key['SecretAccessKey']}))
`
    const { stdout } = await execa(cachedPath('moto', 'bin', 'python'), ['-c', script])
    keys = JSON.parse(stdout) as Record<string, string>
    await fetch(`${moto.url}/moto-api/reset-auth`, { method: 'POST', body: '0' })
  })

  const assume = (arns: string[], { env = keys, externalId = 'x/9' } = {}): Promise<Ran> =>
    cli(
      `login -sts-ep ${moto.url} --action assume-role -f process --external-id ${externalId}`
        .split(' ')
        .concat(arns.flatMap((arn) => ['--role-arn', arn])),
      env,
    )

  it('a chain from access keys is signed at each step by the credentials before it', async () => {
    expect(await assume([role('first'), role('second')])).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('the user cannot assume the second role directly, and the refusal is AWS’s', async () => {
    const ran = await assume([role('second')])
    expect(ran).toMatchObject({ exitCode: 77, stdout: '' })
    expect(ran.stderr).toMatch(/AccessDenied/)
    expect(ran.stderr).toMatch(/user\/alice is not authorized to perform: sts:AssumeRole/)
  })

  it('a role that asks for another external ID is refused', async () => {
    expect(await assume([role('first')], { externalId: 'x/8' })).toMatchObject({ exitCode: 77 })
  })

  it('a refusal in a chain names its role', async () => {
    const ran = await assume([role('first'), role('first')])
    expect(ran.exitCode).toBe(77)
    expect(ran.stderr).toContain(`the STS refused the role ${role('first')}`)
  })

  it('a wrong secret key is refused', async () => {
    const ran = await assume([role('first')], {
      env: { ...keys, AWS_SECRET_ACCESS_KEY: 'wrong' },
    })
    expect(ran).toMatchObject({ exitCode: 77, stdout: '' })
    expect(ran.stderr).toContain('SignatureDoesNotMatch')
  })
})

describe('the form of a request', () => {
  it('is that of boto3, parameter for parameter', async () => {
    const credentials = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' }
    const expirationText = '2038-01-01T00:00:00Z'
    const issued = { ...credentials, expirationText, expiration: new Date(expirationText) }
    const fake = await startFake({
      body: encodeStsSuccess('AssumeRole', { credentials: issued }, 'request-1'),
    })
    const parameters = {
      RoleArn: role('demo'),
      RoleSessionName: 'a+b=c',
      DurationSeconds: 900,
      Policy: '{"Version":"2012-10-17","Statement":[]}',
      PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/A' }, { arn: 'arn:aws:iam::aws:policy/B' }],
      Tags: [
        { Key: 'Größe 大', Value: 'a=b /@' },
        { Key: 'empty', Value: '' },
      ],
      TransitiveTagKeys: ['Größe 大', 'empty'],
      ExternalId: 'x:/9',
      SourceIdentity: 'alice@example.com',
    }
    const env = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' }
    const script = `import boto3, json, sys; boto3.client('sts', endpoint_url='${fake.url}', region_name='us-east-1').assume_role(**json.loads(sys.argv[1]))`
    await execa(cachedPath('moto', 'bin', 'python'), ['-c', script, JSON.stringify(parameters)], {
      env: { HOME: home, ...env },
      extendEnv: false,
    })
    const flags = [
      ['--role-arn', parameters.RoleArn, '--role-session-name', parameters.RoleSessionName],
      ['--duration', '15m', '--policy', parameters.Policy],
      parameters.PolicyArns.flatMap(({ arn }) => ['--policy-arn', arn]),
      parameters.Tags.flatMap(({ Key, Value }) => ['--tag', `${Key}=${Value}`]),
      parameters.TransitiveTagKeys.flatMap((key) => ['--transitive-tag', key]),
      ['--external-id', parameters.ExternalId, '--source-identity', parameters.SourceIdentity],
    ].flat()
    const ran = await cli(
      ['login', '-q', '--action', 'assume-role', '-sts-ep', fake.url, ...flags],
      env,
    )
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    const [boto3, own] = fake.seen.map(({ form }) => Object.fromEntries(form))
    expect(own).toEqual(boto3)
  })
})
