import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { openTestBrowser } from '../support/commands/test-browser.ts'
import { openHome } from '../support/e2e/harness.ts'
import { makeProof, makeProofKey } from '../support/server/dpop.ts'

/** Listens as `aws login` does; resolves to the query with which the browser comes. */
async function listenForCode(): Promise<{ redirectUri: string; came: Promise<URLSearchParams> }> {
  let tell: (query: URLSearchParams) => void = () => {}
  const came = new Promise<URLSearchParams>((resolve) => (tell = resolve))
  const server = createServer((asked, response) => {
    tell(new URL(asked.url ?? '', 'http://127.0.0.1').searchParams)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { redirectUri: `http://127.0.0.1:${port}/oauth/callback`, came }
}

interface SignInAnswer {
  readonly accessToken: { readonly accessKeyId: string }
  readonly tokenType: string
  readonly expiresIn: number
  readonly refreshToken: string
  readonly idToken: string
}

describe('aws login at sts-cli serve', () => {
  it.each([[[]], [['--workers', '2']]])(
    'a user signs in at the embedded provider by the steps of aws login, and renews twice, with %j',
    async (flags) => {
      const home = await openHome()
      const serving = await home.serve(['--user', 'alice:wonderland:readwrite', ...flags])
      const { sts, caFile } = serving.ready
      const { redirectUri, came } = await listenForCode()
      const verifier = randomUUID() + randomUUID()
      const state = randomUUID()
      const authorize = new URL('/v1/authorize', sts)
      authorize.search = new URLSearchParams({
        response_type: 'code',
        client_id: 'arn:aws:signin:::devtools/same-device',
        state,
        code_challenge_method: 'SHA-256',
        scope: 'openid',
        redirect_uri: redirectUri,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      }).toString()
      const browser = openTestBrowser(await readFile(caFile, 'utf8'))
      const form = await browser.visit(authorize.href)
      expect(form.html).toContain('Sign in')
      await browser.submit(form, { username: 'alice', password: 'wonderland' })
      const answer = await came
      expect(answer.get('state')).toBe(state)

      const clientId = 'arn:aws:signin:::devtools/same-device'
      const key = makeProofKey()
      const ask = async (body: Readonly<Record<string, unknown>>) => {
        const url = new URL('/v1/token', sts).href
        const dpop = makeProof(key, { url, nowMs: Date.now() })
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', dpop },
          body: JSON.stringify({ clientId, ...body }),
        })
        expect(response.status).toBe(200)
        return (await response.json()) as SignInAnswer
      }
      let token = await ask({
        grantType: 'authorization_code',
        code: answer.get('code'),
        codeVerifier: verifier,
        redirectUri,
      })
      expect(token.tokenType).toBe('urn:aws:params:oauth:token-type:access_token_sigv4')
      for (let round = 0; round < 2; round += 1) {
        const before = token
        token = await ask({ grantType: 'refresh_token', refreshToken: before.refreshToken })
        expect(token.accessToken.accessKeyId).not.toBe(before.accessToken.accessKeyId)
      }
      expect(decodeJwt(token.idToken).claims['sub']).toBe(
        'arn:aws:sts::000000000000:assumed-role/sts-cli/alice',
      )
      expect(token.expiresIn).toBeGreaterThan(890)
      expect(serving.stderr()).toBe('')
      expect(await serving.stop()).toBe(0)
    },
  )

  it('a device is let in over two workers with https, by the profile that write writes', async () => {
    const home = await openHome()
    const serving = await home.serve(['--user=alice:wonderland:readwrite', '--workers=2', '--tls'])
    const { sts, caFile } = serving.ready
    const ca = await readFile(caFile, 'utf8')
    const ask = (path: string, given: Omit<SentJson, 'ca'>) =>
      sendJson(new URL(path, sts), { ca, ...given })
    const client = { clientId: 'kept', clientSecret: 'of-another-server' }
    const device = await ask('/device_authorization', {
      json: { ...client, startUrl: 'https://d-0000000000.awsapps.com/start' },
    })
    const browser = openTestBrowser(ca)
    const form = await browser.visit(String(device['verificationUriComplete']))
    const page = await browser.submit(form, { username: 'alice', password: 'wonderland' })
    expect(page.html).toContain(String(device['userCode']))
    expect((await browser.submit(page, { answer: 'yes' })).html).toContain('Signed in')
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
    const token = await ask('/token', {
      json: { grantType, ...client, deviceCode: device['deviceCode'] },
    })

    const written = await home.cli(['write', '--sso-session', 'minio', '--dry-run'])
    const [, account = ''] = /sso_account_id = (\d+)/.exec(written.stdout) ?? []
    const [, role = ''] = /sso_role_name = (\S+)/.exec(written.stdout) ?? []
    expect(written.stdout).toContain(`endpoint_url = ${sts}\n`)
    const bearer = { 'x-amz-sso_bearer_token': String(token['accessToken']) }
    const query = `role_name=${role}&account_id=${account}`
    const answer = await ask(`/federation/credentials?${query}`, { headers: bearer })
    expect(answer['roleCredentials']).toMatchObject({ accessKeyId: expect.any(String) })
    // Whichever worker answers knows of the logout.
    await ask('/logout', { method: 'POST', headers: bearer })
    for (let times = 0; times < 6; times += 1)
      expect(await ask('/assignment/accounts', { headers: bearer })).toMatchObject({
        __type: 'UnauthorizedException',
      })
    expect(serving.stderr()).toBe('')
  })
})

interface SentJson {
  readonly ca: string
  readonly method?: string
  readonly json?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a request on a connection of its own, and returns the JSON of the answer. */
async function sendJson(
  url: URL,
  { ca, json, headers, method = json === undefined ? 'GET' : 'POST' }: SentJson,
): Promise<Record<string, unknown>> {
  const type = json === undefined ? {} : { 'content-type': 'application/json' }
  const call = request(url, { method, ca, agent: false, headers: { ...type, ...headers } })
  call.end(json && JSON.stringify(json))
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  return JSON.parse(await text(response)) as Record<string, unknown>
}
