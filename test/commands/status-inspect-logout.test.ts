import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Fake,
  granted,
  openStage,
  secrets,
  startMs,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

describe('status', () => {
  it('status prints the access key, the endpoint and the lifetime, and no secret', async () => {
    await stage.ask(['login', '-q'])
    const { code, stdout, stderr } = await stage.cli(['status'], { now: startMs + 90_000 })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      `profile default: ${granted.accessKeyId} at ${stage.sts.url}\n` +
        'valid for 58m 30s (until 2026-11-23T17:00:00Z)\n',
    )
    for (const secret of secrets) expect(stdout).not.toContain(secret)
  })

  it('status --json prints the same as JSON', async () => {
    await stage.ask(['login', '-q', '-p', 'ci'])
    const { code, stdout } = await stage.cli(['status', '--json', '--profile=ci'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      profile: 'ci',
      state: 'valid',
      endpoint: stage.sts.url,
      accessKeyId: granted.accessKeyId,
      expiration: '2026-11-23T17:00:00Z',
      secondsLeft: 3600,
    })
  })

  it('status exits 1 without credentials', async () => {
    expect(await stage.cli(['status'])).toMatchObject({
      code: 1,
      stdout: 'profile default: no credentials; sts-cli login gets some\n',
    })
    const { code, stdout } = await stage.cli(['status', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ profile: 'default', state: 'none' })
  })

  it('status exits 1 from the exact second of expiry', async () => {
    await stage.ask(['login', '-q'])
    const end = Date.parse('2026-11-23T17:00:00Z')
    expect((await stage.cli(['status'], { now: end - 1000 })).code).toBe(0)
    const { code, stdout } = await stage.cli(['status'], { now: end })
    expect(code).toBe(1)
    expect(stdout).toContain('expired at 2026-11-23T17:00:00Z; sts-cli login gets new ones')
  })

  it('status works without a home directory', async () => {
    expect((await stage.cli(['status'], { env: { HOME: '' } })).code).toBe(1)
  })
})

describe('logout', () => {
  it('logout deletes one profile without output, and may be repeated', async () => {
    await stage.ask(['login', '-q'])
    await stage.ask(['login', '-q', '-p', 'other'])
    const silent = { code: 0, stdout: '', stderr: '' }
    stage.sts.answer = { status: 204 }
    expect(await stage.cli(['logout'])).toMatchObject(silent)
    expect(await stage.cli(['logout'])).toMatchObject(silent)
    expect((await stage.cli(['status'])).code).toBe(1)
    expect((await stage.cli(['status', '-p', 'other'])).code).toBe(0)
  })

  it('logout asks the issuing server once to revoke the session, signed with its keys', async () => {
    await stage.ask(['login', '-q'])
    const before = stage.sts.seen.length
    await stage.cli(['logout'])
    await stage.cli(['logout'])
    expect(stage.sts.seen.slice(before)).toMatchObject([
      {
        method: 'POST',
        url: `/minio/admin/v3/revoke-tokens/openid?accessKey=${granted.accessKeyId}`,
        body: '',
        headers: {
          authorization: expect.stringContaining(`Credential=${granted.accessKeyId}/`) as string,
        },
      },
    ])
  })

  it.each<[string, Fake['answer'], RegExp]>([
    ['does not support revocation', { status: 501, body: '<Error/>' }, /did not revoke them/],
    ['refuses', { status: 403, body: '{"Code":"AccessDenied"}' }, /did not revoke them/],
    ['closes the connection', 'cut', /not revoked at 127\.0\.0\.1:\d+ \(/],
  ])(
    'logout succeeds when the server %s, and says until when the keys work',
    async (_what, answer, why) => {
      await stage.ask(['login', '-q'])
      stage.sts.answer = answer
      const { code, stdout, stderr } = await stage.cli(['logout'])
      expect([code, stdout]).toEqual([0, ''])
      expect(stderr).toMatch(/^forgotten here, but .*: the keys work until 2026-11-23T17:00:00Z\n$/)
      expect(stderr).toMatch(why)
      expect((await stage.cli(['status'])).code).toBe(1)
    },
  )

  it('logout sends no request for an expired session', async () => {
    await stage.ask(['login', '-q'])
    const before = stage.sts.seen.length
    const ended = { now: Date.parse('2026-11-23T17:00:00Z') }
    expect(await stage.cli(['logout'], ended)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(stage.sts.seen.length).toBe(before)
  })
})

describe('inspect', () => {
  const second = startMs / 1000
  const good = { sub: 'me', aud: 'minio', azp: 'cli', policy: 'readwrite', exp: second + 7200 }

  it('inspect decodes a token locally and finds no fault in a good one', async () => {
    const { code, stdout, stderr } = await stage.cli(['inspect', makeToken(good)])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('"policy": "readwrite"')
    expect(findingsOf(stdout)).toEqual([
      'ok: signed with RS256',
      'ok: valid for 2h 0m',
      'ok: policy readwrite',
      'ok: meant for minio, azp cli',
      'ok: subject me',
    ])
    expect([...stage.idp.seen, ...stage.sts.seen]).toEqual([])
  })

  it('inspect reads the token from stdin for a dash', async () => {
    const { stdout } = await stage.cli(['inspect', '-'], { stdin: `${makeToken(good)}\n` })
    expect(stdout).toContain('ok: subject me')
  })

  it('inspect --json prints header, claims and findings', async () => {
    const { stdout } = await stage.cli(['inspect', makeToken(good), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      header: { alg: 'RS256' },
      claims: good,
      findings: [{ level: 'ok', message: 'signed with RS256' }, {}, {}, {}, {}],
    })
  })

  it.each([
    ['no policy', { policy: undefined }, 'warn: claim policy is missing'],
    ['an empty policy list', { policy: [] }, 'warn: claim policy is missing'],
    ['no audience', { aud: undefined, azp: undefined }, 'warn: claims aud and azp are missing'],
    ['no subject', { sub: undefined }, 'warn: claim sub is missing'],
    ['no expiry', { exp: undefined }, 'fail: claim exp is missing'],
    ['an expiry in the past', { exp: second - 60 }, 'fail: expired 1m 0s ago'],
    ['an early expiry', { exp: second + 600 }, 'warn: valid for 10m 0s: less than the 15m'],
  ])('inspect reports a token with %s', async (_what, over, line) => {
    const { code, stdout } = await stage.cli(['inspect', makeToken({ ...good, ...over })])
    expect(code).toBe(0)
    expect(stdout).toContain(`\n${line}`)
  })

  it('inspect reports an algorithm with a shared secret as not accepted by an STS', async () => {
    const { stdout } = await stage.cli(['inspect', makeToken(good, 'HS256')])
    expect(stdout).toContain('fail: algorithm HS256 is not accepted by an STS')
  })

  it('inspect prevents a claim from forging a finding or controlling the terminal', async () => {
    const sub = 'x\nok: policy consoleAdmin\u001b[2J\u009b2J'
    const { stdout } = await stage.cli(['inspect', makeToken({ ...good, sub })])
    expect(findingsOf(stdout)).toHaveLength(5)
    expect(findingsOf(stdout)[4]).toBe('ok: subject x ok: policy consoleAdmin [2J 2J')
  })

  it.each([
    ['no token', [], 64],
    ['two tokens', ['a', 'b'], 64],
    ['an opaque token', ['8xLOxBtZp8'], 65],
  ])('inspect refuses %s without repeating it', async (_what, argv, code) => {
    const ran = await stage.cli(['inspect', ...argv])
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).not.toContain('8xLOxBtZp8')
  })
})

function makeToken(claims: object, alg = 'RS256'): string {
  return `${encodePart({ alg, kid: 'k' })}.${encodePart(claims)}.c2ln`
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function findingsOf(stdout: string): string[] {
  return stdout.split('\n').filter((line) => /^(ok|warn|fail): /.test(line))
}
