import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { generate } from 'selfsigned'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../src/base/log.ts'
import { createServer } from '../../src/server/create-server.ts'
import { makeCertificate, type Certificate } from '../../src/server/http/self-signed-certificate.ts'
import type { ServerOptions } from '../../src/server/options/server-options.ts'
import { keySet, makeToken, type Members, signers } from '../support/tokens.ts'
import {
  clientId,
  clientSecret,
  findClosedPort,
  json,
  makeFolder,
  openStage,
  type Ran,
  runLine,
  secrets,
  startFake,
  tokenAnswer,
} from '../support/commands/harness.ts'
import { startProxy } from '../support/commands/start-proxy.ts'

/** The real time, since a real server also uses it. */
const now = Date.now()
const hour = Math.floor(now / 1000) + 3600
const good: Members = { sub: 'alice', aud: clientId, policy: 'readwrite', exp: hour }

let certificate: Certificate
beforeAll(async () => {
  certificate = await makeCertificate(now)
})

/** Starts a real STS that trusts the fake provider’s keys. */
async function startSts(over: Partial<ServerOptions>, jwksUrl: string): Promise<string> {
  const server = await createServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    region: 'us-east-1',
    root: { accessKeyId: 'root', secretAccessKey: 'a-root-secret-of-some-length-000' },
    objects: { kind: 'directory', directory: await makeFolder(), buckets: [] },
    domains: [],
    policies: new Map(),
    identityProvider: { kind: 'external', jwksUrl, configUrl: undefined, clientId, ca: undefined },
    policyClaim: 'policy',
    policyEngine: undefined,
    limits: {
      minDurationSeconds: 900,
      maxDurationSeconds: 31_536_000,
      defaultDurationSeconds: 3600,
      isLongerThanTokenAllowed: false,
    },
    log: silentLog,
    isAccessLogged: false,
    nowMs: () => now,
    ...over,
  })
  onTestFinished(() => server.stop())
  return server.url.origin
}

interface Case {
  /** The claims of the provider’s token, or the whole token as text. */
  readonly token?: Members | string
  readonly over?: Partial<ServerOptions>
  readonly jwksUrl?: string
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The headers of a proxy before the STS, which changes Host; without it there is none. */
  readonly proxied?: Parameters<typeof startProxy>[1]
}

/** Runs doctor in an environment with one fault. */
async function examine({
  token = good,
  over = {},
  jwksUrl,
  flags = [],
  env = {},
  proxied,
}: Case = {}): Promise<Ran> {
  const text = typeof token === 'string' ? token : makeToken(signers.RS256, token)
  const idp = await startFake(({ url }) =>
    url === '/jwks' ? json(keySet) : tokenAnswer({ access_token: text, expires_in: 3600 }),
  )
  const server = await startSts(over, jwksUrl ?? `${idp.url}/jwks`)
  const sts = proxied === undefined ? server : await startProxy(server, proxied)
  const own = [
    '-idp-ep',
    `${idp.url}/token`,
    '-sts-ep',
    sts,
    '-cid',
    clientId,
    '-csec',
    clientSecret,
  ]
  return runLine(['doctor', ...own, ...flags], { env: { HOME: await makeFolder(), ...env } }, now)
}

/** Returns `name level` of each finding, without the claims that pass. */
const levels = ({ stdout }: Ran): string[] =>
  stdout
    .split('\n')
    .filter((line) => /^\w/.test(line) && !/^pass {2}claims/.test(line))
    .map((line) => line.split(/ +/).slice(0, 2).toReversed().join(' '))

const all = ['config', 'idp', 'sts', 'clock', 'token', 'exchange', 's3']

describe('doctor', () => {
  it('doctor passes every check of a correct setup', async () => {
    const ran = await examine()
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(levels(ran)).toEqual(all.map((name) => `${name} pass`))
  })

  it('doctor passes behind a proxy that changes the Host header when serve trusts it', async () => {
    const proxied = (host: string): Record<string, string> => ({ 'x-forwarded-host': host })
    const ran = await examine({ proxied, over: { trustedProxies: ['127.0.0.0/8'] } })
    expect(levels(ran)).toEqual(all.map((name) => `${name} pass`))
  })

  it('doctor --json prints the same checks as one JSON document', async () => {
    const { stdout } = await examine({ flags: ['--json'] })
    const { checks } = JSON.parse(stdout) as { checks: { name: string; level: string }[] }
    const others = checks.filter(({ name }) => name !== 'claims')
    expect(others.map(({ name, level }) => `${name} ${level}`)).toEqual(
      all.map((name) => `${name} pass`),
    )
  })

  it('doctor prints no secret', async () => {
    const token = makeToken(signers.RS256, { ...good, policy: 'none' })
    for (const flags of [[], ['--json'], ['--debug'], ['-v']]) {
      const { stdout, stderr } = await examine({ token, flags })
      for (const secret of [...secrets, token]) expect(stdout + stderr).not.toContain(secret)
    }
  })

  it.each<[string, Case, string, RegExp, RegExp]>([
    [
      'a token without a policy claim',
      { token: { ...good, policy: undefined } },
      'exchange',
      /claim policy is missing/,
      /add a claim «policy»/,
    ],
    [
      'a token for another audience',
      { token: { ...good, aud: 'other' } },
      'exchange',
      /neither claim aud nor azp/,
      /its own client id/,
    ],
    [
      'a policy that the STS does not have',
      { token: { ...good, policy: 'nope' } },
      'exchange',
      /no policy that exists here: nope/,
      /policy/,
    ],
    [
      'an opaque token, as WSO2 issues them',
      { token: 'f81d4fae-7dec-11d0' },
      'claims',
      /JWT/,
      /access token’s type to JWT/,
    ],
    [
      'an expired token',
      { token: { ...good, exp: hour - 7200 } },
      'exchange',
      /ExpiredToken/,
      /compare the clocks/,
    ],
    [
      'a duration out of range',
      { flags: ['--duration', '60'] },
      'exchange',
      /from 900 to 31536000/,
      /--duration between 900 and 31536000/,
    ],
    [
      'keys that the STS cannot load',
      { jwksUrl: 'http://127.0.0.1:1/jwks' },
      'exchange',
      /ServiceUnavailable.*keys cannot be loaded/,
      /from the STS/,
    ],
    [
      'another region',
      { over: { region: 'eu-west-1' } },
      's3',
      /AuthorizationHeaderMalformed/,
      /--region/,
    ],
    [
      'a proxy that changes the Host header',
      { proxied: () => ({}) },
      's3',
      /SignatureDoesNotMatch/,
      /proxy_set_header Host.*--trusted-proxy/,
    ],
  ])('doctor reports %s and suggests the fix', async (_what, wrong, name, message, fix) => {
    const ran = await examine(wrong)
    const lines = ran.stdout.split('\n')
    const at = lines.findIndex((line) => line.startsWith(`fail  ${name}`))
    expect(ran.code).toBe(1)
    expect(lines[at]).toMatch(message)
    expect(lines[at + 1]).toMatch(fix)
  })
})

/** Runs doctor against fake servers, for faults that come before the token is read. */
async function examineFakes(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const stage = await openStage()
  return stage.ask(['doctor', '--timeout', '5s', ...flags], { env, now })
}

describe('doctor’s connection checks', () => {
  it('doctor reports a host that DNS cannot resolve', async () => {
    const { stdout } = await examineFakes(['-sts-ep', 'http://none.invalid'])
    expect(stdout).toMatch(/fail {2}sts +the host none\.invalid is not known.*\n.*typing mistake/)
    expect(stdout).toMatch(/skip {2}exchange/)
  })

  it('doctor reports a closed port and requests no token', async () => {
    const url = `http://127.0.0.1:${await findClosedPort()}/token`
    const { code, stdout } = await examineFakes(['-idp-ep', url])
    expect([code, stdout]).toEqual([1, expect.stringMatching(/fail {2}idp +nothing listens/)])
    expect(stdout).toMatch(/skip {2}token/)
  })

  it('doctor reports an untrusted certificate, which --ca-file makes trusted', async () => {
    const idp = await startFake(tokenAnswer(), certificate)
    const untrusted = await examineFakes(['-idp-ep', `${idp.url}/token`])
    expect(untrusted.stdout).toMatch(/fail {2}idp .*SELF_SIGNED.*\n.*--ca-file/)

    const caFile = path.join(await makeFolder(), 'ca.pem')
    await writeFile(caFile, certificate.cert)
    const trusted = await examineFakes(['-idp-ep', `${idp.url}/token`, '--ca-file', caFile])
    expect(trusted.stdout).toMatch(/pass {2}idp .*certificate by sts-cli serve.*29 days left/)
    const unchecked = await examineFakes(['-idp-ep', `${idp.url}/token`, '-k'])
    expect(unchecked.stdout).toMatch(/warn {2}idp .*nobody checked/)
  })

  it('doctor reports a certificate for another name and one that expires soon', async () => {
    const caFile = path.join(await makeFolder(), 'ca.pem')
    await writeFile(caFile, certificate.cert)
    const stranger = await generate([{ name: 'commonName', value: 'other.example' }])
    const strangerFile = path.join(await makeFolder(), 'ca.pem')
    await writeFile(strangerFile, stranger.cert)
    const wrong = await startFake(tokenAnswer(), { cert: stranger.cert, key: stranger.private })
    const other = await examineFakes(['-idp-ep', `${wrong.url}/token`, '--ca-file', strangerFile])
    expect(other.stdout).toMatch(/fail {2}idp .*is for another name/)

    const idp = await startFake(tokenAnswer(), certificate)
    const later = now + 20 * 86_400_000
    const stage = await openStage()
    const argv = ['doctor', '-idp-ep', `${idp.url}/token`, '--ca-file', caFile]
    expect((await stage.ask(argv, { now: later })).stdout).toMatch(/warn {2}idp .*9 days left/)
  })

  it('doctor reports http in place of https, and https in place of http', async () => {
    const plain = await startFake(tokenAnswer())
    const https = await examineFakes(['-idp-ep', `${plain.url.replace('http:', 'https:')}/token`])
    expect(https.stdout).toMatch(/fail {2}idp .*does not speak TLS.*\n.*write http:/)

    const tls = await startFake(tokenAnswer(), certificate)
    const http = await examineFakes(['-idp-ep', `${tls.url.replace('https:', 'http:')}/token`])
    expect(http.stdout).toMatch(/fail {2}idp/)
  })

  it('doctor reports a proxy on the way to the provider', async () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' }
    const { stdout } = await examineFakes(
      ['-idp-ep', 'https://sso.example.com/token', '--retries', '0'],
      env,
    )
    expect(stdout).toMatch(/warn {2}idp .*reached through 127\.0\.0\.1:1\n.*NO_PROXY/)
    expect(stdout).toMatch(/fail {2}idp .*127\.0\.0\.1:1/)
  })

  it('doctor reports a redirect to a login page', async () => {
    const idp = await startFake({
      status: 302,
      headers: { location: 'https://sso.example.com/login' },
    })
    const { stdout } = await examineFakes(['-idp-ep', `${idp.url}/token`])
    expect(stdout).toMatch(/fail {2}idp .*redirects to sso\.example\.com\n.*login page/)
  })

  it('doctor reports a discovery document with another issuer', async () => {
    const idp = await startFake(
      json({ issuer: 'https://other.example.com', token_endpoint: 'https://other.example.com/t' }),
    )
    const stage = await openStage()
    const argv = [
      'doctor',
      '--issuer',
      idp.url,
      '-cid',
      clientId,
      '-csec',
      clientSecret,
      '-sts-ep',
      stage.sts.url,
    ]
    const { stdout } = await stage.cli(argv, { now })
    expect(stdout).toMatch(/fail {2}discovery .*another issuer: "https:\/\/other\.example\.com"/)
  })

  it.each([
    ['two hours ahead', 7200, 'fail', 'signatures are refused'],
    ['two hours behind', -7200, 'fail', 'signatures are refused'],
    ['five minutes ahead', 300, 'warn', 'not valid yet'],
  ])('doctor reports a clock that is %s', async (_what, seconds, level, message) => {
    const date = new Date(now + seconds * 1000).toUTCString()
    const idp = await startFake({ ...tokenAnswer(), headers: { date } })
    const { stdout } = await examineFakes(['-idp-ep', `${idp.url}/token`])
    expect(stdout).toMatch(new RegExp(`${level}  clock .*${message}`))
  })

  it('doctor reports missing settings before any request', async () => {
    const stage = await openStage()
    const ran = await stage.cli(['doctor', '--no-input'], { now })
    expect(ran).toMatchObject({ code: 1, stderr: '' })
    expect(ran.stdout).toMatch(/^fail {2}config +no client id is given\n.*-cid ID/)
  })
})
