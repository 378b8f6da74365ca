import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { accessToken, startOpenId, type FakeOpenId } from '../support/commands/fake-openid.ts'
import {
  clientSecret,
  granted,
  idpToken,
  json,
  openStage,
  secrets,
  startFake,
  startMs,
  stsRefusal,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

/** Secrets in a text: as they are, or in the forms in which they travel. */
function findSecrets(text: string): string[] {
  return secrets
    .flatMap((secret) => [
      secret,
      Buffer.from(secret).toString('base64').slice(0, 20),
      encodeURIComponent(secret),
    ])
    .filter((form) => text.includes(form))
}

describe('a secret is in no message', () => {
  it('of a login that works, however much it tells', async () => {
    const { code, stdout, stderr } = await stage.ask(['login', '-q', '-v', '--debug'], {
      isTty: true,
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain(`idp: POST ${stage.idp.url}/token answered 200`)
    expect(findSecrets(stderr)).toEqual([])
  })

  const echo = `you sent ${clientSecret} and ${idpToken}`
  it.each<[string, (stage: Stage) => void]>([
    ['the provider answers with what it was sent', ({ idp }) => (idp.answer = { body: echo })],
    [
      'the provider’s JSON is cut',
      ({ idp }) => (idp.answer = { body: `{"access_token":"${idpToken}` }),
    ],
    [
      'the token is of a type that we do not know',
      ({ idp }) => (idp.answer = json({ access_token: idpToken, token_type: 'mac' })),
    ],
    ['the STS answers with what it was sent', ({ sts }) => (sts.answer = { body: echo })],
    ['the STS’s XML is cut', ({ sts }) => (sts.answer = { body: `<a>${granted.secretAccessKey}` })],
    ['the STS refuses', ({ sts }) => (sts.answer = stsRefusal('AccessDenied', 'no', 403))],
    ['the STS is gone', ({ sts }) => (sts.answer = 'cut')],
    ['the provider is gone', ({ idp }) => (idp.answer = 'cut')],
  ])('when %s', async (_when, prepare) => {
    prepare(stage)
    for (const form of [[], ['--json']]) {
      const ran = await stage.ask(['login', '-v', '--debug', '--retries=0', ...form])
      expect(ran.code).toBeGreaterThan(64)
      expect(findSecrets(ran.stdout + ran.stderr)).toEqual([])
    }
  })

  it('of the drop-in when the upload is refused', async () => {
    stage.sts.answer = ({ method }) =>
      method === 'PUT' ? { status: 403, body: '<Error><Code>No</Code></Error>' } : { body: 'x' }
    const ran = await stage.ask(['-v', '--debug'])
    expect(findSecrets(ran.stdout + ran.stderr)).toEqual([])
  })

  it.each<[string, (file: string) => readonly string[]]>([
    ['a flag too many', () => ['login', '-csec', clientSecret, 'and', granted.secretAccessKey]],
    ['a wrong flag', () => ['login', '-csec', clientSecret, '--nope']],
    [
      'two secrets',
      () => ['login', '-cid', 'x', '-csec', clientSecret, '--client-secret-file', 'f'],
    ],
    ['a token that is none', () => ['inspect', clientSecret]],
    ['a token file that is none', (file) => ['exchange', '--token-file', file, '-sts-ep', 'x']],
  ])('about %s', async (_what, argv) => {
    const file = path.join(stage.home, 'secret')
    await writeFile(file, clientSecret)
    const ran = await stage.cli([...argv(file), '--debug'])
    expect(ran.code).toBeGreaterThanOrEqual(64)
    expect(findSecrets(ran.stdout + ran.stderr)).toEqual([])
  })
})

describe('a secret of a person or a job is in no message', () => {
  const password = 'correct-horse-battery'
  const refreshToken = 'refresh-token-of-alice'
  const requestToken = 'request-token-of-the-runner'

  /** Everything of a login that only its two ends may know. */
  function secretsOf(idp: FakeOpenId): string[] {
    const forms = idp.seen.map(({ form }) => form)
    const sent = ['code', 'code_verifier', 'device_code', 'refresh_token', 'client_assertion']
    const seen = forms.flatMap((form) => sent.map((name) => form.get(name)))
    const own = [accessToken, password, refreshToken, requestToken, ...secrets]
    return [...own, ...seen].filter((text): text is string => text !== null && text.length > 8)
  }

  const isIn = (text: string, list: readonly string[]): string[] =>
    list.filter((secret) => text.includes(secret))

  it.each<[string, readonly string[]]>([
    ['browser', ['--grant', 'browser']],
    ['device code', ['--grant', 'device-code']],
    ['password', ['--grant', 'password', '--username', 'alice']],
  ])('of a login by %s, however much it tells', async (_what, flags) => {
    const idp = await startOpenId()
    idp.tokens = { refresh_token: refreshToken }
    const kept: string[] = []
    const keyring = {
      read: async () => kept[0],
      write: async (_account: string, text: string) => void (kept[0] = text),
      remove: async () => {},
    }
    const browser = (address: string): void => void fetch(address)
    const where = ['--issuer', idp.url, '-cid', 'me', '-sts-ep', stage.sts.url]
    const argv = ['login', '-q', '-v', '--debug', '--action', 'web-identity', ...where, ...flags]
    const ran = await stage.cli(argv, { browser, keyring, typed: password })
    expect(ran.code).toBe(0)
    const idToken = stage.sts.seen[0]?.form.get('WebIdentityToken') ?? ''
    expect(idToken).not.toBe('')
    expect(isIn(ran.stdout + ran.stderr, [...secretsOf(idp), idToken])).toEqual([])

    const later = { keyring, now: startMs + 3_600_000 }
    const renewed = await stage.cli(['creds', '-v', '--debug', '-o', '/dev/null'], later)
    expect(renewed.code).toBe(0)
    expect(isIn(renewed.stdout + renewed.stderr, secretsOf(idp))).toEqual([])
  })

  it.each<[string, readonly string[]]>([
    ['browser', ['--grant', 'browser']],
    ['device code', ['--grant', 'device-code']],
    ['password', ['--grant', 'password', '--username', 'alice']],
  ])('when the provider’s token for a %s login is cut or echoed', async (_what, flags) => {
    for (const body of [`{"access_token":"${accessToken}`, `you sent ${accessToken}`]) {
      const idp = await startOpenId()
      const browser = (address: string): void => void fetch(address)
      const where = ['--issuer', idp.url, '-cid', 'me', '-sts-ep', stage.sts.url, '--retries=0']
      for (const form of [[], ['--json']]) {
        idp.tokenAnswers.push({ headers: { 'content-type': 'application/json' }, body })
        const argv = ['login', '-v', '--debug', ...where, ...flags, ...form]
        const ran = await stage.cli(argv, { browser, typed: password })
        expect(ran.code).toBe(76)
        expect(isIn(ran.stderr, secretsOf(idp))).toEqual([])
      }
    }
  })

  it('of a job', async () => {
    const runner = await startFake(json({ value: idpToken }))
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${runner.url}/?token=${requestToken}`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    }
    const argv = ['login', '-v', '--debug', '-q', '--grant', 'github-actions', '--retries=0']
    for (const answer of [runner.answer, json({ message: requestToken }, 403), 'cut' as const]) {
      runner.answer = answer
      const ran = await stage.cli([...argv, '-sts-ep', stage.sts.url], { env })
      expect(isIn(ran.stdout + ran.stderr, [requestToken, idpToken])).toEqual([])
    }
  })
})

describe('the debug output', () => {
  it('says where an error arose, with its causes, and quotes none of their messages', async () => {
    stage.sts.answer = { body: '<unclosed>' }
    const ran: Ran = await stage.ask(['login', '--debug'])
    expect(ran.code).toBe(76)
    expect(ran.stderr).toMatch(/^StsCliError\n {4}at /m)
    expect(ran.stderr).toMatch(/^caused by \w+\n {4}at /m)
    expect(ran.stderr).not.toContain('unclosed')
  })

  it('is not there without its flag', async () => {
    stage.sts.answer = { body: '<unclosed>' }
    expect((await stage.ask(['login'])).stderr).not.toContain('    at ')
  })
})
