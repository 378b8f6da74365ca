import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../src/server/http/self-signed-certificate.ts'
import {
  errorOf,
  findClosedPort,
  idpToken,
  json,
  makeFolder,
  minioJson,
  openStage,
  startFake,
  stsAnswer,
  tokenAnswer,
  type Fake,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

describe('retries', () => {
  it.each([503, 502, 504, 429])('login retries after HTTP %i', async (status) => {
    stage.idp.answer = (_seen, count) => (count === 0 ? { status } : tokenAnswer())
    expect((await stage.ask(['login', '--retries', '1'])).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(2)
    expect(stage.idp.seen[1]?.body).toBe(stage.idp.seen[0]?.body)
  })

  it('login retries after a broken connection, and -v reports it', async () => {
    stage.sts.answer = (_seen, count) => (count === 0 ? 'cut' : stsAnswer())
    const { code, stdout, stderr } = await stage.ask(['login', '-v', '-f', 'minio'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: minioJson })
    expect(stderr.trimEnd().split('\n')).toEqual([
      `idp: POST ${stage.idp.url}/token answered 200`,
      `sts: POST ${stage.sts.url}/ failed (ECONNRESET)`,
      `sts: POST ${stage.sts.url}/ answered 200`,
    ])
  })

  it('login stops after the number of retries in --retries', async () => {
    stage.idp.answer = { status: 503 }
    expect((await stage.ask(['login', '--retries', '2'])).code).toBe(69)
    expect(stage.idp.seen).toHaveLength(3)
  })

  it('login stops retrying when --timeout has passed', async () => {
    stage.idp.answer = { status: 503 }
    expect((await stage.ask(['login', '--retries', '99', '--timeout', '1s'])).code).toBe(69)
    expect(stage.idp.seen.length).toBeGreaterThan(1)
    expect(stage.idp.seen.length).toBeLessThan(20)
  })

  it.each([400, 401, 403, 404, 500])('login does not retry after HTTP %i', async (status) => {
    stage.idp.answer = json({ error: 'x' }, status)
    await stage.ask(['login'])
    expect(stage.idp.seen).toHaveLength(1)
  })

  it.each(['-1', 'many', '100', '1.5'])('login refuses --retries %j', async (text) => {
    const { code, stderr } = await stage.ask(['login', '--retries', text])
    expect(code).toBe(64)
    expect(stderr).toContain('is not a number from 0 to 99')
  })
})

describe('unreachable address', () => {
  it('a refused connection exits 69 and names the address', async () => {
    const url = `http://127.0.0.1:${await findClosedPort()}`
    const idp = await stage.ask(['login', '-idp-ep', url, '--retries=0'])
    expect(idp.code).toBe(69)
    expect(idp.stderr).toBe(
      `error: idp: nothing listens at ${url.slice(7)}\n` +
        'hint: is it running? sts-cli serve starts one on this machine\n',
    )
    const sts = await stage.ask(['login', '-sts-ep', url, '--retries=0', '--json'])
    expect(errorOf(sts)).toMatchObject({ code: 'ERR_UNAVAILABLE', stage: 'sts' })
  })

  it('https to an http server fails with a hint about the scheme', async () => {
    const url = stage.idp.url.replace('http', 'https')
    const ran = await stage.ask(['login', '-idp-ep', url, '--retries=0', '--json'])
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_UNAVAILABLE', stage: 'idp' })
    expect(errorOf(ran)['hint']).toContain('https was spoken to something that may speak http')
  })
})

describe('certificate of an https endpoint', () => {
  let secure: Fake
  let caFile: string
  let login: (flags: readonly string[], env?: Record<string, string>) => Promise<Ran>

  beforeEach(async () => {
    const certificate = await makeCertificate(Date.now())
    secure = await startFake(tokenAnswer(), certificate)
    caFile = path.join(stage.home, 'ca.pem')
    await writeFile(caFile, certificate.cert)
    const net = ['-idp-ep', `${secure.url}/t`, '--retries=0', '--cache', 'none']
    login = (flags, env) => stage.ask(['login', '-q', ...net, ...flags], { env })
  })

  it('a certificate of an unknown CA is not trusted', async () => {
    const { code, stderr } = await login([])
    expect(code).toBe(69)
    expect(stderr).toMatch(/the certificate of 127\.0\.0\.1:\d+ is not trusted \([A-Z_]+\)/)
    expect(stderr).toContain('hint: name its authority with --ca-file')
    expect(secure.seen).toEqual([])
  })

  it('--ca-file, its variables and -k make a certificate trusted', async () => {
    expect((await login(['--ca-file', caFile])).code).toBe(0)
    expect((await login([], { STS_CLI_CA_FILE: caFile })).code).toBe(0)
    expect((await login([], { AWS_CA_BUNDLE: caFile })).code).toBe(0)
    expect((await login([], { AWS_CA_BUNDLE: '/x', STS_CLI_CA_FILE: caFile })).code).toBe(0)
    expect((await login(['-k'])).code).toBe(0)
    expect((await login(['--insecure=false'])).code).toBe(69)
    expect(secure.seen).toHaveLength(5)
  })

  it('--ca-file does not make a certificate of another CA trusted', async () => {
    const other = path.join(stage.home, 'other.pem')
    await writeFile(other, (await makeCertificate(Date.now())).cert)
    expect((await login(['--ca-file', other])).code).toBe(69)
  })

  it('an expired certificate is not trusted', async () => {
    const old = await makeCertificate(Date.now() - 60 * 86_400_000)
    await writeFile(caFile, old.cert)
    const expired = await startFake(tokenAnswer(), old)
    const ran = await login(['--ca-file', caFile, '-idp-ep', expired.url])
    expect(ran.stderr).toContain('is not trusted (CERT_HAS_EXPIRED)')
  })

  it('--ca-file requires a file that exists and holds a certificate', async () => {
    const missing = await login(['--ca-file', '/nowhere/ca.pem'])
    expect(missing).toMatchObject({ code: 66 })
    expect(missing.stderr).toContain('the CA file /nowhere/ca.pem cannot be read')
    await writeFile(caFile, 'DER, probably')
    const wrong = await login(['--ca-file', caFile])
    expect(wrong).toMatchObject({ code: 65 })
    expect(wrong.stderr).toContain('holds no certificate\nhint: it must be PEM')
  })
})

async function openIssuer(over: object): Promise<Fake> {
  const issuer = await startFake({})
  const document = { issuer: issuer.url, token_endpoint: `${stage.idp.url}/token`, ...over }
  issuer.answer = json(document)
  return issuer
}
function loginBy(url: string, ...flags: string[]): Promise<Ran> {
  return stage.cli([
    'login',
    '--json',
    '--issuer',
    url,
    '-sts-ep',
    stage.sts.url,
    '-cid',
    'x',
    '-csec',
    'y',
    ...flags,
  ])
}

describe('discovery', () => {
  it('discovery finds the token endpoint below an issuer with or without a final slash', async () => {
    const issuer = await openIssuer({})
    expect((await loginBy(issuer.url)).code).toBe(0)
    expect((await loginBy(`${issuer.url}/`)).code).toBe(0)
    expect(issuer.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /.well-known/openid-configuration',
      'GET /.well-known/openid-configuration',
    ])
    expect(stage.idp.seen).toHaveLength(2)
  })

  it.each([
    ['names another issuer', { issuer: 'http://127.0.0.1:1/evil' }, 'names another issuer'],
    ['names no issuer', { issuer: undefined }, 'is no discovery document'],
    ['has no token endpoint', { token_endpoint: undefined }, 'names no token endpoint'],
    ['has an invalid endpoint', { token_endpoint: 'javascript:0' }, 'names no token endpoint'],
  ])('login sends no secret when the discovery document %s', async (_what, over, message) => {
    const ran = await loginBy((await openIssuer(over)).url)
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_PROTOCOL', stage: 'idp', exitCode: 76 })
    expect(errorOf(ran)['message']).toContain(message)
    expect(stage.idp.seen).toEqual([])
  })

  it.each([
    ['token_endpoint', 'a token endpoint'],
    ['authorization_endpoint', 'an authorization endpoint'],
    ['device_authorization_endpoint', 'a device endpoint'],
    ['jwks_uri', 'a key set'],
  ])('a discovery document from https must not name a plain http %s', async (name, what) => {
    const certificate = await makeCertificate(Date.now())
    const issuer = await startFake({}, certificate)
    const endpoints = { token_endpoint: `${issuer.url}/token`, [name]: 'http://idp.example/x' }
    issuer.answer = json({ issuer: issuer.url, ...endpoints })
    const ran = await loginBy(issuer.url, '-k')
    expect(errorOf(ran)['message']).toBe(`the discovery document names ${what} without https`)
  })

  it.each([
    ['a page', { body: '<html>' }],
    ['a 404', { status: 404, body: '{}' }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
  ])('login exits 76 when discovery gets %s', async (_what, answer) => {
    const issuer = await startFake(answer)
    expect(errorOf(await loginBy(issuer.url))).toMatchObject({ exitCode: 76, stage: 'idp' })
  })

  it('--issuer excludes --idp-endpoint, but overrides its variable', async () => {
    const issuer = await openIssuer({})
    expect((await loginBy(issuer.url, '-idp-ep', 'http://127.0.0.1:1')).code).toBe(64)
    const argv = ['token', '--issuer', issuer.url, '-cid', 'x', '-csec', 'y']
    const env = { STS_CLI_IDP_ENDPOINT: 'http://127.0.0.1:1' }
    const { code, stdout } = await stage.cli(argv, { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${idpToken}\n` })
  })

  it('token takes the issuer from the environment', async () => {
    const issuer = await openIssuer({})
    const env = { STS_CLI_ISSUER: issuer.url, HOME: await makeFolder() }
    expect((await stage.cli(['token', '-cid', 'x', '-csec', 'y'], { env })).code).toBe(0)
  })
})
