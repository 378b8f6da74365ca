import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { accessToken, startOpenId, type FakeOpenId } from '../support/commands/fake-openid.ts'
import {
  clientId,
  errorOf,
  json,
  minioJson,
  openStage,
  type IoOptions,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
let idp: FakeOpenId

beforeEach(async () => {
  stage = await openStage()
  idp = await startOpenId()
})

interface Login extends Ran {
  /** The URLs that the command passed to the browser. */
  readonly opened: readonly string[]
  /** The page on which the browser ended. */
  readonly page: string
}

/** Logs in with a fake browser that follows redirects. */
async function login(flags: readonly string[] = [], options: IoOptions = {}): Promise<Login> {
  const opened: string[] = []
  let page: Promise<string> = Promise.resolve('')
  const visit = async (address: string): Promise<string> => (await fetch(address)).text()
  const browser = (address: string): void => {
    opened.push(address)
    page = visit(address)
  }
  const [command = 'login', ...rest] =
    flags[0]?.startsWith('-') === false ? flags : ['login', ...flags]
  const argv = ['--grant', 'browser', '--issuer', idp.url, '-cid', clientId]
  const stsFlags = command === 'login' ? ['-sts-ep', stage.sts.url] : []
  const ran = await stage.cli([command, ...argv, ...stsFlags, ...rest], { browser, ...options })
  return { ...ran, opened, page: await page }
}

const addressIn = (text: string): string => /http:\S+/.exec(text)?.[0] ?? ''

describe('browser login', () => {
  it('a browser login exchanges the access token and prints the credentials', async () => {
    const { code, stdout, page } = await login()
    expect({ code, stdout }).toEqual({ code: 0, stdout: `##### Credentials\n${minioJson}` })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(accessToken)
    expect(stage.sts.seen[0]?.form.get('DurationSeconds')).toBe('3600')
    expect(page).toContain('<h1>Signed in</h1>')
  })

  it('a browser login sends PKCE, state, nonce and a loopback redirect URI with a free port', async () => {
    await login()
    const asked = Object.fromEntries(idp.asked)
    expect(asked).toEqual({
      client_id: clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    })
  })

  it('a browser login sends no secret as a public client, and client_secret_basic with a secret', async () => {
    await login()
    await login(['-csec', 'hush'])
    const [open, proven] = idp.seen.filter(({ url }) => url === '/token')
    expect(open?.form.get('client_id')).toBe(clientId)
    expect(open?.headers.authorization).toBeUndefined()
    const basic = `Basic ${Buffer.from(`${clientId}:hush`).toString('base64')}`
    expect(proven?.headers.authorization).toBe(basic)
  })

  it('a browser login exchanges the ID token when the action is web-identity', async () => {
    const { code } = await login(['--action', 'web-identity'])
    expect(code).toBe(0)
    const { form } = stage.sts.seen[0] ?? { form: new URLSearchParams() }
    expect(decodeJwt(form.get('WebIdentityToken') ?? '').claims).toMatchObject({ sub: 'alice' })
    // The lifetime of the access token says nothing about that of the ID token.
    expect(form.has('DurationSeconds')).toBe(false)
  })

  it('token prints the access token of a browser login, or its ID token with --id-token', async () => {
    expect((await login(['token'])).stdout).toBe(`${accessToken}\n`)
    const { stdout } = await login(['token', '--id-token'])
    expect(decodeJwt(stdout.trim()).claims).toMatchObject({ sub: 'alice' })
  })

  it('a browser login passes scope, audience and extra parameters to the provider', async () => {
    await login([
      '--scope',
      'openid groups',
      '--audience',
      'minio',
      '--param',
      'kc_idp_hint=github',
    ])
    const { scope, audience, kc_idp_hint: hint } = Object.fromEntries(idp.asked)
    expect({ scope, audience, hint }).toEqual({
      scope: 'openid groups',
      audience: 'minio',
      hint: 'github',
    })
  })

  it('a browser login needs no ID token when the scope does not include openid', async () => {
    idp.tokenAnswers.push(json({ access_token: accessToken, token_type: 'Bearer' }))
    const { code } = await login(['--scope', 's3'])
    expect(code).toBe(0)
    expect(idp.asked.has('nonce')).toBe(false)
  })

  it('a browser login uses the host name and the path of --redirect-uri', async () => {
    await login(['--redirect-uri', 'http://localhost:0/oauth/cb'])
    expect(idp.asked.get('redirect_uri')).toMatch(/^http:\/\/localhost:\d+\/oauth\/cb$/)
  })

  it('a browser login discovers a provider whose issuer is its token endpoint, like WSO2', async () => {
    idp.metadata = { issuer: `${idp.url}/oauth2/token` }
    const answer = idp.answer
    idp.answer = (seen, count) =>
      typeof answer !== 'function'
        ? answer
        : answer({ ...seen, url: seen.url.replace('/oauth2/token/.well', '/.well') }, count)
    idp.claims = { iss: `${idp.url}/oauth2/token` }
    const flags = ['--grant', 'browser', '-idp-ep', `${idp.url}/oauth2/token`, '-cid', clientId]
    const browser = (address: string): void => void fetch(address)
    const ran = await stage.cli(['login', ...flags, '-sts-ep', stage.sts.url], { browser })
    expect(ran).toMatchObject({ code: 0, stdout: `##### Credentials\n${minioJson}` })
  })
})

describe('browser login URL', () => {
  it('the URL opened in the browser is local, holds no secret and works once', async () => {
    let second: Promise<number> = Promise.resolve(0)
    const browser = (address: string): void => {
      const first = fetch(address, { redirect: 'manual' })
      second = first.then(async (answer) => {
        const again = await fetch(address, { redirect: 'manual' })
        await fetch(answer.headers.get('location') ?? '')
        return again.status
      })
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}$/)
    }
    expect((await login([], { browser })).code).toBe(0)
    expect(await second).toBe(404)
  })

  it('a browser login prints the provider’s URL in case no browser opens', async () => {
    const { stderr } = await login()
    expect(stderr).toContain('a browser opens for you to sign in; if it does not, open:\n')
    expect(addressIn(stderr)).toMatch(new RegExp(`^${idp.url}/authorize\\?`))
  })

  it('a browser login with --no-browser only prints the URL', async () => {
    const reader = (text: string): void => {
      if (addressIn(text) !== '') void fetch(addressIn(text))
    }
    const { code, opened, stderr } = await login(['--no-browser'], { reader })
    expect({ code, opened }).toEqual({ code: 0, opened: [] })
    expect(stderr).toContain('open this address in a browser on this machine')
  })
})

describe('provider’s answer to a browser login', () => {
  it.each<[string, Partial<FakeOpenId>, object]>([
    [
      'another state',
      { callback: { state: 'forged' } },
      { code: 'ERR_PROTOCOL', exitCode: 76, hint: 'it may belong to an older login: start again' },
    ],
    ['another nonce', { claims: { nonce: 'replayed' } }, { code: 'ERR_PROTOCOL', exitCode: 76 }],
    [
      'a token for another client',
      { claims: { aud: 'other' } },
      { code: 'ERR_PROTOCOL', exitCode: 76 },
    ],
    [
      'a token of another issuer',
      { claims: { iss: 'https://evil.example' } },
      { code: 'ERR_PROTOCOL', exitCode: 76 },
    ],
    ['an expired token', { claims: { exp: 1 } }, { code: 'ERR_PROTOCOL', exitCode: 76 }],
    [
      'an unknown code',
      { callback: { code: 'guessed' } },
      { code: 'ERR_REFUSED', exitCode: 77, serverCode: 'invalid_grant' },
    ],
    [
      'a refusal',
      { callback: { error: 'access_denied', error_description: 'not \u001b[31mtoday\u0007' } },
      {
        code: 'ERR_REFUSED',
        exitCode: 77,
        serverCode: 'access_denied',
        serverMessage: 'not  [31mtoday',
      },
    ],
  ])('a browser login fails when the provider answers with %s', async (_what, over, error) => {
    Object.assign(idp, over)
    const ran = await login(['--json'])
    const said = JSON.parse(ran.stderr.slice(ran.stderr.indexOf('{"error"'))) as { error: object }
    expect(said.error).toMatchObject({ ...error, stage: 'idp' })
    expect(ran.page).toContain('<h1>Not signed in</h1>')
    expect(stage.sts.seen).toEqual([])
  })

  it('the browser page shows a provider’s error as text, never as HTML', async () => {
    idp.callback = { error: 'x', error_description: '<script>alert(1)</script>' }
    const { page } = await login()
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).not.toContain('<script')
  })

  it.each<[string, FakeOpenId['tokenAnswers'][number], number, string]>([
    ['a web page', { body: '<html>' }, 76, 'an HTML page'],
    [
      'a redirect',
      { status: 302, headers: { location: 'http://evil.example/' } },
      76,
      'a redirect to evil.example',
    ],
    ['a page too long', { body: 'x'.repeat(1024 * 1024 + 1) }, 76, 'longer than 1048576 bytes'],
    ['nothing', 'hang', 75, 'no answer from'],
    ['a server error', { status: 500, body: 'oops' }, 69, 'answered with an error'],
    ['no access token', json({ token_type: 'Bearer' }), 76, 'access_token'],
    ['an invalid HTTP status', { status: 999, body: '{}' }, 76, 'is not accepted'],
  ])('a browser login reports %s in the token answer', async (_what, answer, code, message) => {
    idp.tokenAnswers.push(answer)
    const ran = await login(['--retries', '0', ...(answer === 'hang' ? ['--timeout', '1s'] : [])])
    expect(ran.code).toBe(code)
    expect(ran.stderr).toContain(message)
  })
})

describe('redirect URI of a browser login', () => {
  const send = (
    address: string,
    options: { method?: string; headers?: Record<string, string> },
  ): Promise<number> =>
    new Promise((resolve, reject) => {
      const call = request(address, options, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      call.on('error', reject).end()
    })

  it('the redirect URI accepts one answer, only on its path, under its host name and by GET', async () => {
    const seen: Record<string, number> = {}
    let done: Promise<unknown> = Promise.resolve()
    const reader = (text: string): void => {
      if (addressIn(text) === '') return
      const redirect = new URL(addressIn(text)).searchParams.get('redirect_uri') ?? ''
      const state = new URL(addressIn(text)).searchParams.get('state') ?? ''
      const answer = `${redirect}?code=the-code&state=${state}`
      done = (async () => {
        seen['elsewhere'] = await send(answer.replace('/callback', '/other'), {})
        seen['by another name'] = await send(answer, { headers: { host: 'evil.example' } })
        seen['by POST'] = await send(answer, { method: 'POST' })
        seen['without an answer'] = await send(redirect, {})
        await fetch(addressIn(text), { redirect: 'manual' })
        const [first, second] = [send(answer, {}), send(answer, {})]
        seen['first'] = await first
        seen['second'] = await second.catch(() => 0)
      })()
    }
    const { code } = await login(['--no-browser'], { reader })
    await done
    expect(code).toBe(0)
    expect(seen).toMatchObject({
      elsewhere: 404,
      'by another name': 404,
      'by POST': 404,
      'without an answer': 404,
      first: 200,
    })
    expect([0, 410]).toContain(seen['second'])
  })

  it('the page at the end of a browser login forbids all scripts and all loading', async () => {
    let headers: Promise<Headers> | undefined
    const browser = (address: string): void => {
      headers = fetch(address).then((answer) => answer.headers)
    }
    await login([], { browser })
    const policy = (await headers)?.get('content-security-policy')
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-/)
    expect(policy).not.toMatch(/script|unsafe/)
    expect((await headers)?.get('cache-control')).toBe('no-store')
    expect((await headers)?.get('referrer-policy')).toBe('no-referrer')
  })

  it('a browser login times out after --wait', async () => {
    const ran = await login(['--wait', '0', '--json', '--no-browser'])
    expect(ran.code).toBe(75)
    expect(ran.stderr).toContain('nobody signed in within 0 s')
  })

  it('a browser login fails when the port of its redirect URI is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const ran = await login(['--redirect-uri', `http://127.0.0.1:${port}/callback`])
    expect(ran.code).toBe(69)
    expect(ran.stderr).toContain('hint: another program has the port')
  })

  it.each([
    'https://127.0.0.1/cb',
    'http://example.com/cb',
    'http://127.0.0.1/cb?x=1',
    'javascript:0',
  ])('login rejects the redirect URI %s', async (address) => {
    const ran = await login(['--redirect-uri', address, '--json'])
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_USAGE', exitCode: 64 })
    expect(idp.seen).toEqual([])
  })
})

describe('refused browser login', () => {
  it('a browser login is refused with --no-input', async () => {
    const ran = await login(['--no-input'])
    expect(ran.code).toBe(64)
    expect(ran.opened).toEqual([])
  })

  it.each(['creds', 'env', 'credential-process'])(
    '%s opens no browser and tells the user to log in',
    async (command) => {
      const env = { STS_CLI_GRANT: 'browser', STS_CLI_ISSUER: idp.url, STS_CLI_CLIENT_ID: clientId }
      const ran = await stage.cli([command], { env, browser: () => expect.fail('opened') })
      expect(ran.code).toBe(77)
      expect(ran.stderr).toContain('hint: sts-cli login\n')
      expect(idp.seen).toEqual([])
    },
  )

  it('a browser login is refused together with --token', async () => {
    const ran = await login(['--token', accessToken])
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain('--token and --grant browser cannot be used together')
  })

  it('a browser login is refused when the provider has no authorization endpoint', async () => {
    idp.metadata = { authorization_endpoint: undefined }
    const ran = await login()
    expect(ran.code).toBe(76)
    expect(ran.stderr).toContain('the identity provider offers no browser logins')
  })

  it('a browser login without discovery fails and suggests --issuer', async () => {
    idp.answer = { status: 404 }
    const flags = ['--grant', 'browser', '-idp-ep', `${idp.url}/token`, '-cid', clientId]
    const ran = await stage.cli(['login', ...flags, '-sts-ep', stage.sts.url])
    expect(ran.code).toBe(76)
    expect(ran.stderr).toContain('hint: name the provider with --issuer URL')
  })
})
