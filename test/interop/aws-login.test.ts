/**
 * People sign in with a real browser at the login of AWS's own tools, and real SDKs renew by themselves. The AWS CLI's own part, which no registry has in
 * version 2, is done here step by step: the request of the browser, the code, and the files in `~/.aws`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { makeProof, makeProofKey } from '../support/server/dpop.ts'
import { startChromium, type Chromium } from './chromium.ts'
import { binPath, cachedPath, startStack, type Stack } from './stack.ts'

/** More than two lifetimes of credentials. */
const lifetimeSeconds = 4
const runSeconds = 10

let stack: Stack
let chromium: Chromium

beforeAll(async () => {
  stack = await startStack([
    '--user=alice:wonderland:readwrite',
    '--bucket=hers',
    '--min-duration=1',
    `--max-duration=${lifetimeSeconds}`,
  ])
  chromium = await startChromium({ ignoreHTTPSErrors: true })
})
afterAll(async () => {
  await chromium?.stop()
  await stack?.stop()
})

type Texts = Readonly<Record<string, string>>

interface Code {
  readonly code: string
  readonly codeVerifier: string
  readonly redirectUri: string
}

/** Signs Alice in with the browser, as `aws login` and `aws sso login` do. */
async function signIn(pathname: string, query: Texts): Promise<Code> {
  let resolve: (url: URL) => void = () => {}
  const promise = new Promise<URL>((tell) => (resolve = tell))
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    if (url.pathname === '/oauth/callback') resolve(url)
    response.end('You may close this window')
  })
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
  try {
    const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/oauth/callback`
    const codeVerifier = randomUUID() + randomUUID()
    const state = randomUUID()
    const url = new URL(pathname, stack.sts)
    url.search = new URLSearchParams({
      response_type: 'code',
      ...query,
      state,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    }).toString()
    const page = await chromium.openPage()
    await page.goto(url.href)
    await fillIn(page)
    const back = await promise
    expect(back.searchParams.get('state')).toBe(state)
    return { code: back.searchParams.get('code') ?? '', codeVerifier, redirectUri }
  } finally {
    listener.close()
    listener.closeAllConnections()
  }
}

async function fillIn(page: Awaited<ReturnType<Chromium['openPage']>>): Promise<void> {
  await page.waitForSelector('input[name=username]')
  await page.fill('input[name=username]', 'alice')
  await page.fill('input[name=password]', 'wonderland')
  await page.click('button[type=submit]')
}

async function post(
  pathname: string,
  json: object,
  headers: Texts = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(pathname, stack.sts), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  })
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) throw new Error(JSON.stringify(answer))
  return answer
}

const inSeconds = (seconds: unknown): string =>
  new Date(Date.now() + Number(seconds) * 1000).toISOString().replace(/\.\d+Z/, 'Z')

/** Writes a file of AWS's cache. */
async function keep(folder: string, name: string, value: object): Promise<void> {
  const directory = path.join(stack.home, '.aws', folder)
  await mkdir(directory, { recursive: true })
  await writeFile(path.join(directory, `${name}.json`), JSON.stringify(value), { mode: 0o600 })
}

async function writeProfile(flag: string): Promise<void> {
  const folder = path.join(stack.home, '.aws')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'config'), '')
  await execa(process.execPath, [binPath, 'write', flag, 'minio', '-sts-ep', stack.sts], {
    env: stack.env,
    extendEnv: false,
  })
}

async function run(program: string, argv: readonly string[]): Promise<Record<string, unknown>> {
  const env = { ...stack.env, AWS_PROFILE: 'minio', AWS_EC2_METADATA_DISABLED: 'true' }
  const { stdout } = await execa(program, [...argv, 'hers', String(runSeconds)], {
    env,
    extendEnv: false,
  })
  return JSON.parse(stdout) as Record<string, unknown>
}

const runBoto3 = () =>
  run(cachedPath('login-clients', 'bin', 'python3'), [path.join(import.meta.dirname, 'login.py')])
const runJavaScript = () =>
  run(process.execPath, ['--no-warnings', path.join(import.meta.dirname, 'login.mjs')])

describe('aws login', () => {
  beforeAll(async () => {
    await writeProfile('--login-profile')
    const clientId = 'arn:aws:signin:::devtools/same-device'
    const challenge = { client_id: clientId, code_challenge_method: 'SHA-256', scope: 'openid' }
    const code = await signIn('/v1/authorize', challenge)
    const key = makeProofKey()
    const url = new URL('/v1/token', stack.sts).href
    const dpop = makeProof(key, { url, nowMs: Date.now() })
    const answer = await post(
      '/v1/token',
      { clientId, grantType: 'authorization_code', ...code },
      { dpop },
    )
    const session = String(decodeJwt(String(answer['idToken'])).claims['sub'])
    await keep('login/cache', createHash('sha256').update(session).digest('hex'), {
      ...answer,
      clientId,
      accessToken: {
        ...(answer['accessToken'] as object),
        accountId: session.split(':')[4],
        expiresAt: inSeconds(answer['expiresIn']),
      },
      dpopKey: key.privateKey.export({ type: 'sec1', format: 'pem' }),
    })
    const config = path.join(stack.home, '.aws', 'config')
    const text = await readFile(config, 'utf8')
    await writeFile(
      config,
      text.replace('[profile minio]\n', `[profile minio]\nlogin_session = ${session}\n`),
    )
  })

  it('boto3 renews credentials of aws login by itself', async () => {
    const done = await runBoto3()
    expect(done['keys']).toBeGreaterThan(2)
    expect(done['arn']).toBe('arn:aws:sts::000000000000:assumed-role/sts-cli/alice')
  })

  it('the SDK for JavaScript renews credentials of aws login by itself', async () => {
    expect((await runJavaScript())['keys']).toBeGreaterThan(2)
  })
})

describe('aws sso login', () => {
  let client: Texts
  let start: Texts

  beforeAll(async () => {
    await writeProfile('--sso-session')
    start = {
      startUrl: 'https://d-0000000000.awsapps.com/start',
      region: 'us-east-1',
    }
    const registered = await post('/client/register', {
      clientName: 'botocore-client-minio',
      clientType: 'public',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['http://127.0.0.1/oauth/callback'],
      issuerUrl: start['startUrl'],
      scopes: ['sso:account:access'],
    })
    client = {
      clientId: String(registered['clientId']),
      clientSecret: String(registered['clientSecret']),
    }
  })

  const tokenFile = createHash('sha1').update('minio').digest('hex')

  /** Expects that the client renewed the token, and kept the new one. */
  async function expectRenewed(answer: Readonly<Record<string, unknown>>): Promise<void> {
    const file = path.join(stack.home, '.aws/sso/cache', `${tokenFile}.json`)
    const kept = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    expect(kept['accessToken']).not.toBe(answer['accessToken'])
    expect(kept['refreshToken']).not.toBe(answer['refreshToken'])
  }

  /** Writes the file in which every SDK looks for the token of a session. */
  async function keepToken(answer: Readonly<Record<string, unknown>>): Promise<void> {
    await keep('sso/cache', tokenFile, {
      ...start,
      ...client,
      accessToken: answer['accessToken'],
      // Clients renew a token that is about to end.
      expiresAt: inSeconds(100),
      registrationExpiresAt: inSeconds(3600),
      refreshToken: answer['refreshToken'],
    })
  }

  it('boto3 renews the token and the role’s credentials of aws sso login by itself', async () => {
    const challenge = {
      client_id: client['clientId'] ?? '',
      code_challenge_method: 'S256',
      scopes: 'sso:account:access',
    }
    const code = await signIn('/authorize', challenge)
    const answer = await post('/token', { grantType: 'authorization_code', ...client, ...code })
    await keepToken(answer)
    expect((await runBoto3())['keys']).toBeGreaterThan(2)
    await expectRenewed(answer)
  })

  it('the SDK for JavaScript renews the token and the role’s credentials of a device that a person let in', async () => {
    const device = await post('/device_authorization', { ...client, startUrl: start['startUrl'] })
    const page = await chromium.openPage()
    await page.goto(String(device['verificationUriComplete']))
    await fillIn(page)
    expect(await page.textContent('b:nth-of-type(2)')).toBe(device['userCode'])
    await page.click('button[value=yes]')
    await page.waitForSelector('text=You may close this window')
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
    const { deviceCode } = device
    const answer = await post('/token', { grantType, ...client, deviceCode })
    await keepToken(answer)
    expect((await runJavaScript())['keys']).toBeGreaterThan(2)
    await expectRenewed(answer)
  })
})
