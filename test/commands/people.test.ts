/** Logins of the embedded provider’s users, from the command line to the credentials. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'
import { makeFolder, runLine, type IoOptions, type Ran } from '../support/commands/harness.ts'
import { openTestBrowser, type Page, type TestBrowser } from '../support/commands/test-browser.ts'

let server: StartedServer
let ca: string

beforeAll(async () => {
  server = await startServer({
    users: [
      { name: 'alice', password: 'wonder & land', policy: 'readwrite' },
      { name: 'bob', password: 'builder', policy: 'no-such-policy' },
      { name: 'mallory', password: 'locked', policy: 'readonly' },
    ],
  })
  ca = readFileSync(server.caFile, 'utf8')
})
afterAll(() => server.stop())

const addressIn = (text: string): string =>
  /https:\/\/localhost\S+authorize\S+/.exec(text)?.[0] ?? ''

async function run(argv: readonly string[], options: IoOptions = {}): Promise<Ran> {
  const [command = '', ...flags] = argv
  const where = ['-idp-ep', server.tokenEndpoint, '--ca-file', server.caFile]
  const sts = command === 'login' ? ['-sts-ep', server.url] : []
  const env = { HOME: await makeFolder() }
  return runLine([command, ...where, ...sts, ...flags], { env, ...options }, Date.now())
}

/** Logs in with a browser in which the user signs in; `act` gets the login page. */
async function logIn(
  flags: readonly string[],
  act: (page: Page, browser: TestBrowser) => Promise<Page>,
): Promise<Ran & { page: Page }> {
  let page: Promise<Page> | undefined
  const visit = async (address: string): Promise<Page> => {
    const browser = openTestBrowser(ca)
    return act(await browser.visit(address), browser)
  }
  const reader = (text: string): void => {
    if (addressIn(text) !== '') page ??= visit(addressIn(text))
  }
  const argv = ['login', '--json', '--grant', 'browser', '--no-browser', '-cid', 'sts-cli']
  const ran = await run([...argv, ...flags], { reader })
  if (page === undefined) throw new Error(`no address was printed: ${ran.stderr}`)
  return { ...ran, page: await page }
}

const asAlice = { username: 'alice', password: 'wonder & land' }

describe('user with a browser', () => {
  it.each(['client-grants', 'web-identity'])(
    'a user signs in with a browser and gets credentials by %s',
    async (action) => {
      const { code, stdout, page } = await logIn(['--action', action], (form, browser) =>
        browser.submit(form, asAlice),
      )
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        accessKeyId: expect.stringMatching(/^[A-Z0-9]{20}$/),
      })
      expect(page.html).toContain('<h1>Signed in</h1>')
    },
  )

  it('the tokens of a browser login have the user, the policy and the client', async () => {
    const tokens: Record<string, unknown> = {}
    let page: Promise<Page> | undefined
    const reader = (text: string): void => {
      const browser = openTestBrowser(ca)
      if (addressIn(text) !== '')
        page ??= browser.visit(addressIn(text)).then((form) => browser.submit(form, asAlice))
    }
    const flags = ['--json', '--grant', 'browser', '--no-browser', '-cid', 'sts-cli']
    const { stdout } = await run(['token', ...flags], { reader })
    await page
    const answer = JSON.parse(stdout) as { access_token: string; id_token: string }
    tokens['access'] = decodeJwt(answer.access_token).claims
    tokens['id'] = decodeJwt(answer.id_token).claims
    const claims = { sub: 'alice', aud: 'sts-cli', policy: 'readwrite', iss: server.tokenEndpoint }
    expect(tokens).toMatchObject({ access: { ...claims, azp: 'sts-cli' }, id: claims })
  })

  it('a browser login may use a client with a secret and any loopback port', async () => {
    const client = ['-cid', server.clientId, '-csec', server.clientSecret]
    const { code } = await logIn(
      [...client, '--redirect-uri', 'http://localhost:0/'],
      (form, browser) => browser.submit(form, asAlice),
    )
    expect(code).toBe(0)
  })

  it('the login page answers a wrong password and an unknown user with the same error', async () => {
    const seen: Page[] = []
    const { code } = await logIn([], async (form, browser) => {
      seen.push(await browser.submit(form, { username: 'alice', password: 'wrong' }))
      seen.push(await browser.submit(form, { username: 'nobody', password: 'wrong' }))
      return browser.submit(form, asAlice)
    })
    expect(code).toBe(0)
    expect(seen.map(({ status }) => status)).toEqual([401, 401])
    const [known = '', unknown = ''] = seen.map(({ html }) => html.replace(/value="\w*"/, ''))
    expect(known).toBe(unknown)
    expect(known).toContain('The name or the password is wrong.')
  })

  it('a user can sign in with the right password after several wrong ones', async () => {
    const statuses: number[] = []
    const { code } = await logIn([], async (form, browser) => {
      for (let i = 0; i < 4; i += 1)
        statuses.push(
          (await browser.submit(form, { username: 'mallory', password: `${i}` })).status,
        )
      return browser.submit(form, { username: 'mallory', password: 'locked' })
    })
    expect(statuses).toEqual([401, 401, 401, 401])
    expect(code).toBe(0)
  })

  it('the STS refuses a user whose policy does not exist', async () => {
    const { code, stderr } = await logIn([], (form, browser) =>
      browser.submit(form, { username: 'bob', password: 'builder' }),
    )
    expect(code).toBe(77)
    expect(stderr).toContain('names no policy that exists here: no-such-policy')
  })
})

describe('login page', () => {
  const open = async (act: (page: Page, browser: TestBrowser) => Promise<void>): Promise<void> => {
    await logIn([], async (form, browser) => {
      await act(form, browser)
      return browser.submit(form, asAlice)
    })
  }

  it('the login page has no script, loads nothing and posts only to itself and the redirect URI', async () => {
    await open(async (form) => {
      const policy = String(form.headers['content-security-policy'])
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'nonce-sts-cli'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http:\/\/127\.0\.0\.1:\d+$/,
      )
      expect(form.headers['cache-control']).toBe('no-store')
      expect(form.headers['x-frame-options']).toBe('DENY')
      expect(form.html).not.toMatch(/<script|https?:|src=|\son\w+=/)
    })
  })

  it('the login page shows the typed user name as text', async () => {
    await open(async (form, browser) => {
      const typed = { username: '"><script>alert(1)</script>', password: 'x' }
      const again = await browser.submit(form, typed)
      expect(again.html).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
      expect(again.html).not.toContain('<script')
    })
  })

  it('the login page refuses a browser that did not start the login', async () => {
    await open(async (form) => {
      const stranger = openTestBrowser(ca)
      const [seen, sent] = [await stranger.visit(form.url), await stranger.submit(form, asAlice)]
      expect([seen.status, sent.status]).toEqual([400, 400])
      expect(seen.html).toContain('This login is over')
      expect(seen.html).not.toContain('<form')
    })
  })

  it('the login page ignores a form that is too large', async () => {
    await open(async (form, browser) => {
      const big = await browser.submit(form, { ...asAlice, more: 'x'.repeat(10_000) })
      expect(big.status).toBe(401)
    })
  })

  it('the login page sets HttpOnly, Secure and SameSite on its cookies', async () => {
    const { get } = await import('node:https')
    const url = `${server.tokenEndpoint.replace('/token', '/authorize')}?client_id=sts-cli&response_type=code&scope=openid&redirect_uri=http://127.0.0.1:1/callback&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`
    const cookies = await new Promise<string[]>((resolve, reject) =>
      get(url, { ca, agent: false }, (response) => {
        response.resume()
        resolve(response.headers['set-cookie'] ?? [])
      }).on('error', reject),
    )
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) expect(cookie).toMatch(/httponly/i)
    for (const cookie of cookies) expect(cookie).toMatch(/samesite=lax/i)
    for (const cookie of cookies) expect(cookie).toMatch(/secure/i)
  })
})

describe('refused authorization requests', () => {
  const authorize = (parameters: Record<string, string>): Promise<Page> => {
    const url = new URL(server.tokenEndpoint.replace('/token', '/authorize'))
    const asked = {
      client_id: 'sts-cli',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: 'http://127.0.0.1:1/callback',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      ...parameters,
    }
    url.search = new URLSearchParams(asked).toString()
    return openTestBrowser(ca).visit(url.href)
  }

  it.each([
    ['a redirect URI on another host', { redirect_uri: 'http://evil.example/callback' }],
    ['a redirect URI with a fragment', { redirect_uri: 'http://127.0.0.1:1/callback#x' }],
    ['an unknown client', { client_id: 'stranger' }],
  ])('the provider refuses %s', async (_what, parameters) => {
    const page = await authorize(parameters)
    expect(page.status).toBe(400)
    expect(page.url).toContain('/oauth2/authorize')
  })

  it('the provider refuses a public client without PKCE', async () => {
    await expect(authorize({ code_challenge: '', code_challenge_method: '' })).rejects.toThrow(
      // The provider redirects the browser with the error to a closed port.
      /ECONNREFUSED/,
    )
  })
})

describe('user with another device', () => {
  it('a device login completes after the user enters the code and signs in', async () => {
    // The provider requires five seconds between two polls.
    const { setTimeout: real } = globalThis
    vi.stubGlobal('setTimeout', (work: () => void, ms?: number) =>
      real(work, ms === 5000 ? 20 : ms),
    )
    onTestFinished(() => void vi.unstubAllGlobals())
    let page: Promise<Page> | undefined
    const connect = async (address: string): Promise<Page> => {
      const browser = openTestBrowser(ca)
      const entry = await browser.visit(address)
      // The provider library’s page, which submits the code itself if scripts may run.
      const confirm = await browser.submit(entry)
      expect(confirm.html).toMatch(/<b>sts-cli<\/b> shows the code <b>[A-Z]{4}-[A-Z]{4}<\/b>/)
      expect(confirm.headers['content-security-policy']).toContain("default-src 'none'")
      const form = await browser.submit(confirm)
      return browser.submit(form, asAlice)
    }
    const reader = (text: string): void => {
      const [, address] = /^or open (\S+)/m.exec(text) ?? []
      if (address !== undefined) page ??= connect(address)
    }
    const argv = ['login', '--json', '--grant', 'device-code', '-cid', 'sts-cli']
    const { code, stdout } = await run([...argv, '--action', 'web-identity'], { reader })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('sessionToken')
    expect((await page)?.html).toContain('<h1>Signed in</h1>')
  })

  it('the device page asks for a code, and again after a wrong one', async () => {
    const browser = openTestBrowser(ca)
    const entry = await browser.visit(server.tokenEndpoint.replace('/token', '/device'))
    expect(entry.html).toContain('Enter the code that the terminal shows.')
    const again = await browser.submit(entry, { user_code: 'AAAA-AAAA' })
    expect(again.html).toContain('That code is not known')
    expect(again.html).not.toContain('<script')
  })
})

describe('user with a password', () => {
  const flags = ['--json', '--grant', 'password', '-cid', 'sts-cli']

  it.each(['client-grants', 'web-identity'])('a password login works with %s', async (action) => {
    const argv = ['login', ...flags, '--username', 'alice', '--action', action]
    const { code, stdout } = await run(argv, { typed: 'wonder & land' })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('sessionToken')
  })

  it.each(['alice', 'nobody'])('a wrong password is refused for the user %s', async (name) => {
    const ran = await run(['login', ...flags, '--username', name], { typed: 'wrong' })
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain('the name or the password is wrong')
  })
})

describe('server without users', () => {
  it('a server without users has no login page, device flow or password grant', async () => {
    const lonely = await startServer()
    try {
      const own = readFileSync(lonely.caFile, 'utf8')
      const browser = openTestBrowser(own)
      const origin = new URL(lonely.tokenEndpoint).origin
      expect((await browser.visit(`${origin}/oauth2/login/x`)).status).toBe(404)
      expect((await browser.visit(`${origin}/oauth2/device`)).status).toBe(404)
      const discovery = await browser.visit(`${origin}/.well-known/openid-configuration`)
      expect(JSON.parse(discovery.html)).not.toHaveProperty('device_authorization_endpoint')
    } finally {
      await lonely.stop()
    }
  })
})
