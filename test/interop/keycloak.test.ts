import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBlock } from '../support/readme-blocks.ts'
import { type Chromium, type Page, startChromium } from './chromium.ts'
import { findFreePort } from './free-port.ts'
import { type Keycloak, startKeycloak } from './keycloak.ts'
import { startOpa, writeRoleRule } from './opa.ts'
import { binPath, cachedPath, runServeBlock, startStack, type Stack } from './stack.ts'
import { generateKeys } from '../support/generate-keys.ts'

let keycloak: Keycloak
let stack: Stack

beforeAll(async () => {
  keycloak = await startKeycloak()
  stack = await startStack(['--bucket', 'my-bucketname'], {
    MINIO_IDENTITY_OPENID_CONFIG_URL: `${keycloak.issuer}/.well-known/openid-configuration`,
    MINIO_IDENTITY_OPENID_CLIENT_ID: keycloak.clientId,
  })
}, 300_000)
afterAll(async () => {
  await stack.stop()
  await keycloak.stop()
})

async function run(argv: string[], settings: Record<string, string> = {}, input = '') {
  const env = { ...stack.env, STS_CLI_CLIENT_SECRET: keycloak.clientSecret, ...settings }
  const options = { env, extendEnv: false, reject: false, input }
  const { exitCode, stdout, stderr } = await execa(process.execPath, [binPath, ...argv], options)
  return { exitCode, stdout, stderr }
}

const tokenEndpoint = (): string => `${keycloak.issuer}/protocol/openid-connect/token`
const logIn = (...more: string[]) =>
  run(['login', '-cid', keycloak.clientId, '-sts-ep', stack.sts, ...more])

interface Client {
  id: string
  enabled: boolean
  clientAuthenticatorType: string
  attributes: Record<string, string>
}

async function changeClient(change: (client: Client) => Partial<Client>): Promise<void> {
  const where = `/clients?clientId=${keycloak.clientId}`
  const [client] = (await keycloak.admin('GET', where)) as Client[]
  if (client === undefined) throw new Error('the client is gone')
  await keycloak.admin('PUT', `/clients/${client.id}`, { ...client, ...change(client) })
}

describe('roles for Keycloak tokens', () => {
  /** Starts a server with one role that trusts Keycloak's client by a claim that Keycloak itself writes. */
  const startWithRole = async (conditions: object): Promise<Stack> => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-role-'))
    const file = path.join(folder, 'role.json')
    const trust = { issuer: keycloak.issuer, audience: keycloak.clientId, conditions }
    await writeFile(file, JSON.stringify({ name: 'deploy', policies: ['readwrite'], trust }))
    const other = await startStack(['--no-idp', '--role', file])
    await rm(folder, { recursive: true })
    return other
  }
  const assume = async (other: Stack) => {
    const role = ['--role-arn', 'arn:minio:iam:us-east-1::role/deploy']
    const flags = ['-cid', keycloak.clientId, '-idp-ep', tokenEndpoint(), '-sts-ep', other.sts]
    return run(['login', ...flags, ...role])
  }

  it('a role is assumed only by the Keycloak client that it trusts', async () => {
    for (const [client_id, code] of [
      [keycloak.clientId, 0],
      ['another', 77],
    ] as const) {
      const other = await startWithRole({ StringEquals: { client_id } })
      try {
        const { exitCode, stderr } = await assume(other)
        expect(exitCode).toBe(code)
        if (code !== 0) expect(stderr).toContain('does not trust this token: see its client_id')
      } finally {
        await other.stop()
      }
    }
  })

  it('MINIO_IDENTITY_OPENID_ROLE_POLICY gives Keycloak’s tokens a role', async () => {
    const other = await startStack([], {
      MINIO_IDENTITY_OPENID_CONFIG_URL_KEYCLOAK: `${keycloak.issuer}/.well-known/openid-configuration`,
      MINIO_IDENTITY_OPENID_CLIENT_ID_KEYCLOAK: keycloak.clientId,
      MINIO_IDENTITY_OPENID_ROLE_POLICY_KEYCLOAK: 'readonly',
    })
    try {
      const flags = ['-cid', keycloak.clientId, '-idp-ep', tokenEndpoint(), '-sts-ep', other.sts]
      expect(await run(['login', ...flags, '--role-arn', other.roles[0] ?? ''])).toMatchObject({
        exitCode: 0,
      })
      expect((await run(['login', ...flags])).stderr).toContain('RoleArn is missing')
    } finally {
      await other.stop()
    }
  })
})

describe('Rego on Keycloak’s roles', () => {
  it.each([
    ['offline_access', 'allowed'],
    ['a-role-that-nobody-has', 'AccessDenied'],
  ])('OPA decides by the realm role %s of a Keycloak token', async (role, expected) => {
    const port = await findFreePort()
    const opa = await startOpa(port, { rules: [writeRoleRule(role)] })
    const other = await startStack(['--bucket', 'my-bucketname'], {
      MINIO_IDENTITY_OPENID_CONFIG_URL: `${keycloak.issuer}/.well-known/openid-configuration`,
      MINIO_IDENTITY_OPENID_CLIENT_ID: keycloak.clientId,
      MINIO_POLICY_OPA_URL: `http://127.0.0.1:${port}/v1/data/httpapi/authz`,
    })
    try {
      const endpoints = ['-idp-ep', tokenEndpoint(), '-sts-ep', other.sts]
      const flags = ['-cid', keycloak.clientId, ...endpoints, '--cache', 'none', '-f', 'json']
      const { stdout, stderr } = await run(['login', ...flags])
      expect(stderr).not.toContain('error')
      const { expiration: _expiration, ...credentials } = JSON.parse(stdout) as Record<
        'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'expiration',
        string
      >
      const s3 = new S3Client({
        endpoint: other.sts,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials,
        maxAttempts: 1,
      })
      const put = s3.send(new PutObjectCommand({ Bucket: 'my-bucketname', Key: 'k', Body: 'x' }))
      const outcome = await put.then(
        () => 'allowed',
        (error: Error) => error.name,
      )
      expect(outcome).toBe(expected)
    } finally {
      await other.stop()
      await opa.stop()
    }
  })
})

describe('Keycloak as the identity provider', () => {
  it('the STS accepts Keycloak’s tokens from client_secret_basic and client_secret_post', async () => {
    for (const method of ['client_secret_basic', 'client_secret_post']) {
      const { exitCode, stdout } = await logIn('-idp-ep', tokenEndpoint(), '--auth-method', method)
      expect([exitCode, stdout.split('\n')[0]]).toEqual([0, '##### Credentials'])
    }
  })

  it('--issuer discovers Keycloak, and the credentials put and get an object', async () => {
    const flags = ['-cid', keycloak.clientId, '-csec', keycloak.clientSecret]
    const { exitCode, stderr } = await run([
      ...flags,
      '--issuer',
      keycloak.issuer,
      '-sts-ep',
      stack.sts,
    ])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'Uploaded my-objectname of size: 12 Successfully.',
    })
  })

  it('login reports Keycloak’s refusal of a wrong secret, an unknown client and an unknown realm', async () => {
    const secret = await run(
      ['login', '-cid', keycloak.clientId, '-idp-ep', tokenEndpoint(), '-sts-ep', stack.sts],
      { STS_CLI_CLIENT_SECRET: 'wrong' },
    )
    expect(secret.exitCode).toBe(77)
    expect(secret.stderr).toMatch(/HTTP 401, (unauthorized_client|invalid_client)/)

    const client = await run([
      'login',
      '-cid',
      'nobody',
      '-idp-ep',
      tokenEndpoint(),
      '-sts-ep',
      stack.sts,
    ])
    expect(client.exitCode).toBe(77)
    expect(client.stderr).toContain('invalid_client')

    const realm = await logIn('-idp-ep', tokenEndpoint().replace('quickstart', 'nowhere'))
    expect(realm.exitCode).toBe(77)
    expect(realm.stderr).toContain('HTTP 404')
    expect(realm.stderr).toContain('realm')
  })

  it('a running server finds a new signing key of Keycloak', async () => {
    await logIn('-idp-ep', tokenEndpoint(), '-q')
    const { id } = (await keycloak.admin('GET', '')) as { id: string }
    await keycloak.admin('POST', '/components', {
      name: 'rotated',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: id,
      config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
    })

    expect(await logIn('-idp-ep', tokenEndpoint(), '-q')).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('AssumeRoleWithWebIdentity accepts a Keycloak user’s ID token', async () => {
    const form = {
      grant_type: 'password',
      client_id: keycloak.clientId,
      client_secret: keycloak.clientSecret,
      username: 'alice',
      password: 'alice-password',
      scope: 'openid',
    }
    const answer = await fetch(tokenEndpoint(), { method: 'POST', body: new URLSearchParams(form) })
    const { id_token: token } = (await answer.json()) as { id_token: string }
    const argv = ['exchange', '-', '--action', 'web-identity', '-sts-ep', stack.sts]
    const { exitCode, stdout } = await run(argv, {}, token)
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('sessionToken')
  })

  it('credentials expire no later than a Keycloak token of one minute', async () => {
    await changeClient(({ attributes }) => ({
      attributes: { ...attributes, 'access.token.lifespan': '60' },
    }))
    const { exitCode, stdout } = await logIn('-idp-ep', tokenEndpoint(), '-f', 'json')
    const { expiration } = JSON.parse(stdout) as { expiration: string }
    expect(exitCode).toBe(0)
    expect(Date.parse(expiration) - Date.now()).toBeLessThanOrEqual(60_000)
  })

  it('a Keycloak client authenticates by private_key_jwt', async () => {
    const { privateKey, publicKey } = generateKeys('P-256')
    const keyFile = path.join(stack.home, 'client-key.json')
    const common = { kid: 'of the client', alg: 'ES256', use: 'sig' }
    const privateJwk = { ...privateKey.export({ format: 'jwk' }), ...common }
    await writeFile(keyFile, JSON.stringify(privateJwk), { mode: 0o600 })
    const publicJwk = { ...publicKey.export({ format: 'jwk' }), ...common }
    await changeClient(({ attributes }) => ({
      clientAuthenticatorType: 'client-jwt',
      attributes: {
        ...attributes,
        'use.jwks.string': 'true',
        'jwks.string': JSON.stringify({ keys: [publicJwk] }),
        'token.endpoint.auth.signing.alg': 'ES256',
      },
    }))
    const key = ['--auth-method', 'private_key_jwt', '--key-file', keyFile]
    const flags = ['-cid', keycloak.clientId, '-sts-ep', stack.sts, ...key, '-q']
    for (const where of [
      ['--issuer', keycloak.issuer],
      ['-idp-ep', tokenEndpoint()],
    ])
      expect(await run(['login', ...where, ...flags], { STS_CLI_CLIENT_SECRET: '' })).toEqual({
        exitCode: 0,
        stdout: '',
        stderr: '',
      })
    expect(await logIn('-idp-ep', tokenEndpoint())).toMatchObject({ exitCode: 77 })
    await changeClient(() => ({ clientAuthenticatorType: 'client-secret' }))
  })

  it('login reports a disabled Keycloak client', async () => {
    await changeClient(() => ({ enabled: false }))
    const { exitCode, stderr } = await logIn('-idp-ep', tokenEndpoint())
    expect(exitCode).toBe(77)
    expect(stderr).toMatch(/HTTP 40[01], (unauthorized_client|invalid_client)/)
  })
})

describe('Keycloak in README.md', () => {
  it('README.md’s Keycloak blocks create a realm and log in with it', async () => {
    const read = (name: string): string =>
      findBlock(`Keycloak ${name}`).text.replaceAll('http://localhost:8080', keycloak.origin)
    const { clients } = JSON.parse(read('1')) as { clients: { secret: string }[] }
    await writeFile(path.join(stack.home, 'realm.json'), read('1'))
    await writeFile(path.join(stack.home, 'client-secret.txt'), clients[0]?.secret ?? '')
    const bin = cachedPath('keycloak-server', 'bin')
    const env = { ...stack.env, PATH: `${bin}:${stack.env['PATH'] ?? ''}` }
    const options = { env, extendEnv: false, cwd: stack.home } as const
    await execa('bash', ['-c', read('2')], options)

    const server = await runServeBlock(read('3'), stack.home)
    try {
      const [cli, ...argv] = read('4').trim().split(' ')
      expect(cli).toBe('sts-cli')
      const login = [binPath, ...argv, '-sts-ep', server.sts]
      const { stdout } = await execa(process.execPath, login, options)
      expect(stdout).toMatch(/^##### Credentials\n/)
    } finally {
      await server.stop()
    }
  })
})

describe('user of Keycloak', () => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await startChromium()
  }, 120_000)
  afterAll(() => chromium.stop())

  /** Runs `login`, signs in as the user at the printed URL, and returns the result. */
  async function logInAs(grant: string, visit: (page: Page) => Promise<void>) {
    const who = ['-cid', keycloak.peopleClientId, '-sts-ep', stack.sts, '--issuer', keycloak.issuer]
    const argv = [binPath, 'login', '-f', 'json', '--cache', 'none', '--grant', grant, ...who]
    const options = { env: stack.env, extendEnv: false, reject: false } as const
    const login = execa(process.execPath, [...argv, '--no-browser'], options)
    const address = await new Promise<string>((resolve, reject) => {
      let printed = ''
      login.stderr.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        const [, url] = /(?:machine:\n\n {2}|or open )(http\S+)\n/.exec(printed) ?? []
        if (url !== undefined) resolve(url)
      })
      login.once('exit', (code) => reject(new Error(`login ended with ${code}: ${printed}`)))
    })
    const page = await chromium.openPage()
    await page.goto(address)
    await page.fill('#username', keycloak.user.name)
    await page.fill('#password', keycloak.user.password)
    await page.click('#kc-login')
    await visit(page)
    const { exitCode, stdout } = await login
    return { exitCode, credentials: JSON.parse(stdout) as Record<string, string> }
  }

  const credentials = { accessKeyId: expect.stringMatching(/^[A-Z0-9]{20}$/) as string }

  it('a Keycloak user logs in with a browser, PKCE and a loopback redirect URI', async () => {
    const ran = await logInAs('browser', async (page) => {
      await page.waitForSelector('text=Signed in')
    })
    expect(ran).toMatchObject({ exitCode: 0, credentials })
  })

  it('a Keycloak user logs in on another device with a code', async () => {
    const ran = await logInAs('device-code', async (page) => {
      await page.click('input[name=accept], button[name=accept]')
      await page.waitForSelector('text=Device Login Successful')
    })
    expect(ran).toMatchObject({ exitCode: 0, credentials })
  })
})
