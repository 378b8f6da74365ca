import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { accessToken, startOpenId, type FakeOpenId } from '../support/commands/fake-openid.ts'
import {
  clientId,
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

const login = (flags: readonly string[] = [], options: IoOptions = {}): Promise<Ran> => {
  const argv = ['--grant', 'device-code', '--issuer', idp.url, '-cid', clientId]
  return stage.cli(['login', ...argv, '-sts-ep', stage.sts.url, ...flags], options)
}
const wait = (code: string): ReturnType<typeof json> => json({ error: code }, 400)
const polls = (): FakeOpenId['seen'] => idp.seen.filter(({ url }) => url === '/token')

describe('device login', () => {
  it('a device login prints the URL and the code, and polls until the user has signed in', async () => {
    idp.tokenAnswers.push(wait('authorization_pending'), wait('authorization_pending'))
    const { code, stdout, stderr } = await login()
    expect({ code, stdout }).toEqual({ code: 0, stdout: `##### Credentials\n${minioJson}` })
    expect(stderr).toBe(
      `to sign in, open ${idp.url}/activate on any device and enter the code WDJB-MJHT\n` +
        `or open ${idp.url}/activate?user_code=WDJB-MJHT\n`,
    )
    expect(polls()).toHaveLength(3)
    expect(Object.fromEntries(polls()[0]?.form ?? [])).toEqual({
      client_id: clientId,
      device_code: 'the-device-code',
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(accessToken)
  })

  it('a device login exchanges the ID token when the action is web-identity', async () => {
    await login(['--action', 'web-identity'])
    const token = stage.sts.seen[0]?.form.get('WebIdentityToken') ?? ''
    expect(decodeJwt(token).claims).toMatchObject({ sub: 'alice', aud: clientId })
  })

  it('a device login shows a QR code only on a terminal', async () => {
    expect((await login([], { isTty: true })).stderr).toMatch(/[▀▄█]{10}/)
    expect((await login()).stderr).not.toMatch(/[▀▄█]/)
  })

  it('a device login shows no QR code without a URL that contains the code', async () => {
    idp.device = { verification_uri_complete: undefined }
    const { code, stderr } = await login([], { isTty: true })
    expect(code).toBe(0)
    expect(stderr).not.toMatch(/[▀▄█]|or open/)
  })

  it('a device login opens no browser', async () => {
    expect((await login([], { browser: () => expect.fail('opened') })).code).toBe(0)
  })

  it('a device login polls five seconds less often after each slow_down', async () => {
    // Only the pauses between two polls are one second or longer.
    const { setTimeout: real } = globalThis
    const pauses: number[] = []
    vi.stubGlobal('setTimeout', (work: () => void, ms?: number) => {
      if (ms === undefined || ms > 20_000) return real(work, ms)
      pauses.push(ms)
      return real(work, 0)
    })
    onTestFinished(() => void vi.unstubAllGlobals())
    idp.device = { interval: 1 }
    idp.tokenAnswers.push(wait('authorization_pending'), wait('slow_down'), wait('slow_down'))
    expect((await login()).code).toBe(0)
    expect(polls()).toHaveLength(4)
    // 1, 1, then 6 and 11, in steps of at most five.
    expect(pauses).toEqual([1000, 1000, 5000, 1000, 5000, 5000, 1000])
  })
})

describe('failed device login', () => {
  it.each([
    ['access_denied', 'the login was refused or given up at the identity provider'],
    ['expired_token', 'nobody signed in while the code was good: start again'],
  ])('a device login fails when the provider answers %s', async (code, hint) => {
    idp.tokenAnswers.push(wait('authorization_pending'), wait(code))
    const ran = await login()
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain(`(HTTP 400, ${code})\nhint: ${hint}\n`)
    expect(stage.sts.seen).toEqual([])
  })

  it('a device login fails when nobody signs in within --wait', async () => {
    idp.device = { interval: 5 }
    const ran = await login(['--wait', '0'])
    expect(ran.code).toBe(75)
    expect(ran.stderr).toContain('error: idp: nobody signed in in time\n')
  })

  it.each<[string, FakeOpenId['tokenAnswers'][number], number, string]>([
    ['a web page', { body: '<html>' }, 76, 'an HTML page'],
    [
      'a redirect',
      { status: 302, headers: { location: 'http://evil.example/' } },
      76,
      'a redirect',
    ],
    ['a body that is too long', { body: 'x'.repeat(1024 * 1024 + 1) }, 76, 'longer than'],
    ['no answer', 'hang', 75, 'no answer from'],
  ])('a device login fails when a poll is answered by %s', async (_what, answer, code, message) => {
    idp.tokenAnswers.push(answer)
    const ran = await login(['--retries', '0', ...(answer === 'hang' ? ['--timeout', '1s'] : [])])
    expect(ran.code).toBe(code)
    expect(ran.stderr).toContain(message)
  })

  it('a device login fails when the provider has no device authorization endpoint', async () => {
    idp.metadata = { device_authorization_endpoint: undefined }
    const ran = await login()
    expect(ran.code).toBe(76)
    expect(ran.stderr).toContain('the identity provider offers no device logins')
  })

  it.each([
    { verification_uri: 'javascript:alert(1)' },
    { user_code: undefined },
    { expires_in: 'x' },
  ])('a device login refuses a device answer with %j', async (device) => {
    idp.device = device
    const ran = await login()
    expect(ran.stderr).toMatch(/^error: idp: /)
    expect(polls()).toEqual([])
  })
})

describe('device login’s output', () => {
  it('a device login strips control characters from the provider’s code', async () => {
    idp.device = { user_code: '\u001b[2JWDJB\u0007' }
    const { stderr } = await login()
    expect(stderr).toContain('enter the code [2JWDJB\n')
    expect(stderr).toBe(stderr.replaceAll('\u001b', '').replaceAll('\u0007', ''))
  })
})
