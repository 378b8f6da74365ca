/** What `serve` prints for AWS's SDKs. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { parseArgv } from '../../../src/commands/options/parse-argv.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { renderSdkSettings } from '../../../src/commands/serve/sdk-settings.ts'
import { runServe } from '../../../src/commands/serve/serve.ts'
import { createIo, makeFolder } from '../../support/commands/harness.ts'

/** Starts `serve` and stops it as soon as it is ready. */
async function serve(argv: readonly string[], env: Record<string, string> = {}) {
  const addresses = ['--address', '127.0.0.1:0', '--idp-address', '127.0.0.1:0']
  const words = [...addresses, '--log-level', 'silent', ...argv]
  const parsed = parseArgv(words, optionsOf('serve'), { isStoppingAtOperand: false })
  const recorded = createIo({ env: { HOME: await makeFolder(), ...env } })
  const io = { ...recorded, catchSignals: () => AbortSignal.abort(), nowMs: () => Date.now() }
  expect(await runServe(createSettings(parsed, io), io)).toBe(0)
  return { stdout: recorded.out.join(''), stderr: recorded.err.join('') }
}

/** Returns the fields of the ready line, and the variables that it has for AWS's SDKs. */
async function readyLine(argv: readonly string[], env: Record<string, string> = {}) {
  const { stdout } = await serve(['--json', ...argv], env)
  return JSON.parse(stdout) as { sts: string; caFile?: string; aws?: Record<string, string> }
}

async function writeRole(change: object = {}): Promise<string> {
  const file = path.join(await makeFolder(), 'role.json')
  const trust = {
    issuer: 'https://token.actions.githubusercontent.com',
    audience: 'sts-cli',
    conditions: { StringEquals: { repository: 'my-org/my-repo' } },
  }
  await writeFile(
    file,
    JSON.stringify({ name: 'team/deploy', policies: ['readwrite'], trust, ...change }),
  )
  return file
}

const catalog = { name: 'catalog', trust: { principal: '000000000000' } }
const byClaim = 'arn:aws:iam::000000000000:role/by-claim'

describe('the login of AWS’s own tools', () => {
  it.each<[string, readonly string[], Record<string, string>]>([
    ['the embedded provider has users', ['--user', 'ann:right'], {}],
    [
      'a provider with a client is named',
      [],
      {
        MINIO_IDENTITY_OPENID_CONFIG_URL: 'https://idp.example/.well-known/openid-configuration',
        MINIO_IDENTITY_OPENID_CLIENT_ID: 'minio',
        MINIO_IDENTITY_OPENID_CLIENT_SECRET: 'hush',
      },
    ],
  ])('serve prints its lines when %s', async (_what, argv, env) => {
    const { stderr } = await serve(argv, env)
    expect(stderr).toContain('  sts-cli write --login-profile minio\n  aws login --profile minio\n')
    expect(stderr).not.toContain('hush')
  })

  it('serve prints no lines of it when nobody can sign in', async () => {
    expect((await serve([])).stderr).not.toContain('aws login')
  })
})

describe('the variables for AWS’s SDKs', () => {
  it('serve prints the lines that the AWS CLI and SDKs need to exchange a token by themselves', async () => {
    const { stderr } = await serve([])
    const [, sts] = /^STS and S3 at (\S+) /.exec(stderr) ?? []
    expect(stderr.slice(stderr.indexOf('for the AWS CLI'))).toBe(
      `for the AWS CLI and SDKs, with a token in a file:

  export AWS_ROLE_ARN=${byClaim}
  export AWS_ENDPOINT_URL_STS=${sts}
  export AWS_ENDPOINT_URL_S3=${sts}
  export AWS_REGION=us-east-1
  export AWS_DEFAULT_REGION=us-east-1
  export AWS_WEB_IDENTITY_TOKEN_FILE=FILE
`,
    )
  })

  it('the ready line of --json has the variables as a field', async () => {
    const { sts, aws } = await readyLine([])
    expect(aws).toEqual({
      AWS_ROLE_ARN: byClaim,
      AWS_ENDPOINT_URL_STS: sts,
      AWS_ENDPOINT_URL_S3: sts,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    })
  })

  it('with a region of its own and a certificate of its own, the server has lines for these too', async () => {
    const { caFile, aws } = await readyLine(['--tls', '--region', 'eu-west-1'])
    expect(aws).toMatchObject({
      AWS_ENDPOINT_URL_S3: expect.stringMatching(/^https:/) as string,
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_CA_BUNDLE: caFile,
    })
    expect(caFile).toMatch(/pem$/)
  })

  it.each<[string, () => Promise<string[]>, Record<string, string>, string | undefined]>([
    ['an embedded provider beside a role', async () => ['--role', await writeRole()], {}, byClaim],
    [
      'only a role',
      async () => ['--no-idp', '--role', await writeRole()],
      {},
      'arn:aws:iam::000000000000:role/team/deploy',
    ],
    [
      'a role that no token assumes',
      async () => ['--no-idp', '--role', await writeRole(catalog)],
      {},
      undefined,
    ],
    [
      'such a role before another',
      async () => ['--no-idp', '--role', await writeRole(catalog), '--role', await writeRole()],
      {},
      'arn:aws:iam::000000000000:role/team/deploy',
    ],
    [
      'a role with an ARN of its own',
      async () => [
        '--no-idp',
        '--role',
        await writeRole({ arn: 'arn:aws:iam::123456789012:role/X' }),
      ],
      {},
      'arn:aws:iam::123456789012:role/X',
    ],
    [
      'a provider with a role policy',
      async () => [],
      {
        MINIO_IDENTITY_OPENID_CONFIG_URL: 'https://idp.example/.well-known/openid-configuration',
        MINIO_IDENTITY_OPENID_CLIENT_ID: 'app',
        MINIO_IDENTITY_OPENID_ROLE_POLICY: 'readonly',
      },
      'arn:aws:iam::000000000000:role/fRBDRz1Vv6kOhTDTWAHU44G8afA',
    ],
    [
      'a provider whose claim names policies',
      async () => [],
      { MINIO_IAM_JWKS_URL: 'https://idp.example/jwks' },
      byClaim,
    ],
    [
      'a role that no token may assume before one that tokens may',
      async () => [
        '--no-idp',
        '--role',
        await writeRole({ name: 'catalog', trust: { principal: '000000000000' } }),
        '--role',
        await writeRole(),
      ],
      {},
      'arn:aws:iam::000000000000:role/team/deploy',
    ],
    [
      'only a role that no token may assume',
      async () => ['--no-idp', '--role', await writeRole({ trust: { principal: '000000000000' } })],
      {},
      undefined,
    ],
    ['no provider', async () => ['--no-idp'], {}, undefined],
    [
      'only an identity plugin, whose tokens the SDKs do not send',
      async () => ['--no-idp'],
      {
        MINIO_IDENTITY_PLUGIN_URL: 'https://plugin.example',
        MINIO_IDENTITY_PLUGIN_ROLE_POLICY: 'readonly',
      },
      undefined,
    ],
  ])('the role to send, with %s', async (_what, flags, env, expected) => {
    const { aws } = await readyLine(await flags(), env)
    expect(aws?.['AWS_ROLE_ARN']).toBe(expected)
  })

  it('serve has no lines for AWS’s SDKs without an identity provider', async () => {
    expect((await serve(['--no-idp'])).stderr).not.toMatch(/AWS|token/)
  })

  it('a value that a shell would read otherwise is quoted', () => {
    expect(renderSdkSettings({ AWS_CA_BUNDLE: "/tmp/it's $HOME/ca.pem" })).toContain(
      "  export AWS_CA_BUNDLE='/tmp/it'\\''s $HOME/ca.pem'",
    )
  })
})
