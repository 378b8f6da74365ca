/** People sign in with a real browser at the login of AWS's own tools, and real SDKs renew by themselves. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  doAwsLogin,
  inSeconds,
  keep,
  lifetimeSeconds,
  post,
  runBoto3,
  runJavaScript,
  signIn,
  writeProfile,
  type Texts,
} from './aws-login-steps.ts'
import { startChromium, type Chromium, type Page } from './chromium.ts'
import { startKeycloak, type Keycloak } from './keycloak.ts'
import { findFreePort } from './free-port.ts'
import { startStack, type Stack } from './stack.ts'

const shortLived = ['--bucket=hers', '--min-duration=1', `--max-duration=${lifetimeSeconds}`]

let chromium: Chromium

beforeAll(async () => {
  chromium = await startChromium({ ignoreHTTPSErrors: true })
})
afterAll(() => chromium?.stop())

async function signInAt(page: Page): Promise<void> {
  await page.waitForSelector('input[name=username]')
  await page.fill('input[name=username]', 'alice')
  await page.fill('input[name=password]', 'wonderland')
  await page.click('button[type=submit]')
}

describe('the embedded provider', () => {
  let stack: Stack

  beforeAll(async () => {
    stack = await startStack(['--user=alice:wonderland:readwrite', ...shortLived])
  })
  afterAll(() => stack?.stop())

  describe('aws login', () => {
    beforeAll(() => doAwsLogin({ stack, chromium, signInAt }))

    it('boto3 renews credentials of aws login by itself', async () => {
      const done = await runBoto3(stack)
      expect(done['keys']).toBeGreaterThan(2)
      expect(done['arn']).toBe('arn:aws:sts::000000000000:assumed-role/sts-cli/alice')
    })

    it('the SDK for JavaScript renews credentials of aws login by itself', async () => {
      expect((await runJavaScript(stack))['keys']).toBeGreaterThan(2)
    })
  })

  describe('aws sso login', () => {
    const start = { startUrl: 'https://d-0000000000.awsapps.com/start', region: 'us-east-1' }
    const tokenFile = createHash('sha1').update('minio').digest('hex')
    let client: Texts

    beforeAll(async () => {
      await writeProfile(stack, '--sso-session')
      const json = {
        clientName: 'botocore-client-minio',
        clientType: 'public',
        grantTypes: ['authorization_code', 'refresh_token'],
        redirectUris: ['http://127.0.0.1/oauth/callback'],
        issuerUrl: start.startUrl,
        scopes: ['sso:account:access'],
      }
      const registered = await post(stack, '/client/register', { json })
      client = {
        clientId: String(registered['clientId']),
        clientSecret: String(registered['clientSecret']),
      }
    })

    /** Writes the file in which every SDK looks for the token of a session. */
    const keepToken = (answer: Readonly<Record<string, unknown>>): Promise<void> =>
      keep(
        stack,
        { folder: 'sso/cache', name: tokenFile },
        {
          ...start,
          ...client,
          accessToken: answer['accessToken'],
          // Clients renew a token that is about to end.
          expiresAt: inSeconds(100),
          registrationExpiresAt: inSeconds(3600),
          refreshToken: answer['refreshToken'],
        },
      )

    /** Expects that the client renewed the token, and kept the new one. */
    async function expectRenewed(answer: Readonly<Record<string, unknown>>): Promise<void> {
      const file = path.join(stack.home, '.aws/sso/cache', `${tokenFile}.json`)
      const kept = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
      expect(kept['accessToken']).not.toBe(answer['accessToken'])
      expect(kept['refreshToken']).not.toBe(answer['refreshToken'])
    }

    it('boto3 renews the token and the role’s credentials of aws sso login by itself', async () => {
      const challenge = {
        client_id: client['clientId'] ?? '',
        code_challenge_method: 'S256',
        scopes: 'sso:account:access',
      }
      const code = await signIn({ stack, chromium, signInAt }, '/authorize', challenge)
      const json = { grantType: 'authorization_code', ...client, ...code }
      const answer = await post(stack, '/token', { json })
      await keepToken(answer)
      expect((await runBoto3(stack))['keys']).toBeGreaterThan(2)
      await expectRenewed(answer)
    })

    it('the SDK for JavaScript renews the token and the role’s credentials of a device that a person let in', async () => {
      const asked = { ...client, startUrl: start.startUrl }
      const device = await post(stack, '/device_authorization', { json: asked })
      const page = await chromium.openPage()
      await page.goto(String(device['verificationUriComplete']))
      await signInAt(page)
      expect(await page.textContent('b:nth-of-type(2)')).toBe(device['userCode'])
      await page.click('button[value=yes]')
      await page.waitForSelector('text=You may close this window')
      const { deviceCode } = device
      const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
      const answer = await post(stack, '/token', { json: { grantType, ...client, deviceCode } })
      await keepToken(answer)
      expect((await runJavaScript(stack))['keys']).toBeGreaterThan(2)
      await expectRenewed(answer)
    })
  })
})

describe('Keycloak', () => {
  let keycloak: Keycloak
  let stack: Stack

  beforeAll(async () => {
    const port = await findFreePort()
    keycloak = await startKeycloak()
    stack = await startStack(['--address', `127.0.0.1:${port}`, ...shortLived], {
      MINIO_IDENTITY_OPENID_CONFIG_URL: `${keycloak.issuer}/.well-known/openid-configuration`,
      MINIO_IDENTITY_OPENID_CLIENT_ID: keycloak.clientId,
      MINIO_IDENTITY_OPENID_CLIENT_SECRET: keycloak.clientSecret,
    })
    const [client] = (await keycloak.admin('GET', `/clients?clientId=${keycloak.clientId}`)) as {
      id: string
    }[]
    await keycloak.admin('PUT', `/clients/${client?.id}`, {
      ...client,
      standardFlowEnabled: true,
      redirectUris: [`${stack.sts}/minio/aws-login/callback`],
      attributes: { 'pkce.code.challenge.method': 'S256' },
    })
  }, 300_000)
  afterAll(async () => {
    await stack?.stop()
    await keycloak?.stop()
  })

  it('a person signs in at Keycloak by aws login, and boto3 renews by itself', async () => {
    const { name, password } = keycloak.user
    await doAwsLogin({
      stack,
      chromium,
      async signInAt(page) {
        await page.fill('#username', name)
        await page.fill('#password', password)
        await page.click('#kc-login')
      },
    })
    const done = await runBoto3(stack)
    expect(done['keys']).toBeGreaterThan(2)
    expect(done['arn']).toMatch(/^arn:aws:sts::000000000000:assumed-role\/sts-cli\/alice/)
  })
})
