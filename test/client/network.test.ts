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

describe('trying again', () => {
  it.each([503, 502, 504, 429])('helps after HTTP %i', async (status) => {
    stage.idp.answer = (_seen, count) => (count === 0 ? { status } : tokenAnswer())
    expect((await stage.ask(['login', '--retries', '1'])).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(2)
    expect(stage.idp.seen[1]?.body).toBe(stage.idp.seen[0]?.body)
  })

  it('helps after a connection that broke, and -v tells of it', async () => {
    stage.sts.answer = (_seen, count) => (count === 0 ? 'cut' : stsAnswer())
    const { code, stdout, stderr } = await stage.ask(['login', '-v', '-f', 'minio'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: minioJson })
    expect(stderr.trimEnd().split('\n')).toEqual([
      `idp: POST ${stage.idp.url}/token answered 200`,
      `sts: POST ${stage.sts.url}/ failed (ECONNRESET)`,
      `sts: POST ${stage.sts.url}/ answered 200`,
    ])
  })

  it('ends after as many as --retries says', async () => {
    stage.idp.answer = { status: 503 }
    expect((await stage.ask(['login', '--retries', '2'])).code).toBe(69)
    expect(stage.idp.seen).toHaveLength(3)
  })

  it('ends when the time is up, however many are left', async () => {
    stage.idp.answer = { status: 503 }
    expect((await stage.ask(['login', '--retries', '99', '--timeout', '1s'])).code).toBe(69)
    expect(stage.idp.seen.length).toBeGreaterThan(1)
    expect(stage.idp.seen.length).toBeLessThan(20)
  })

  it.each([400, 401, 403, 404, 500])('is not done after HTTP %i', async (status) => {
    stage.idp.answer = json({ error: 'x' }, status)
    await stage.ask(['login'])
    expect(stage.idp.seen).toHaveLength(1)
  })

  it.each(['-1', 'many', '100', '1.5'])('as often as %j is refused', async (text) => {
    const { code, stderr } = await stage.ask(['login', '--retries', text])
    expect(code).toBe(64)
    expect(stderr).toContain('is not a number from 0 to 99')
  })
})

describe('an address where nobody is', () => {
  it('refuses: 69, and whose address it is', async () => {
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

  it('speaks http where https is meant, or the other way round', async () => {
    const url = stage.idp.url.replace('http', 'https')
    const ran = await stage.ask(['login', '-idp-ep', url, '--retries=0', '--json'])
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_UNAVAILABLE', stage: 'idp' })
    expect(errorOf(ran)['hint']).toContain('https was spoken to something that may speak http')
  })
})

describe('the certificate of an https endpoint', () => {
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

  it('of an unknown authority is not trusted', async () => {
    const { code, stderr } = await login([])
    expect(code).toBe(69)
    expect(stderr).toMatch(/the certificate of 127\.0\.0\.1:\d+ is not trusted \([A-Z_]+\)/)
    expect(stderr).toContain('hint: name its authority with --ca-file')
    expect(secure.seen).toEqual([])
  })

  it('is trusted by --ca-file, by its variables, and by -k', async () => {
    expect((await login(['--ca-file', caFile])).code).toBe(0)
    expect((await login([], { STS_CLI_CA_FILE: caFile })).code).toBe(0)
    expect((await login([], { AWS_CA_BUNDLE: caFile })).code).toBe(0)
    expect((await login([], { AWS_CA_BUNDLE: '/x', STS_CLI_CA_FILE: caFile })).code).toBe(0)
    expect((await login(['-k'])).code).toBe(0)
    expect((await login(['--insecure=false'])).code).toBe(69)
    expect(secure.seen).toHaveLength(5)
  })

  it('of another authority is not trusted by --ca-file', async () => {
    const other = path.join(stage.home, 'other.pem')
    await writeFile(other, (await makeCertificate(Date.now())).cert)
    expect((await login(['--ca-file', other])).code).toBe(69)
  })

  it('must be valid in time and for the name', async () => {
    const old = await makeCertificate(Date.now() - 60 * 86_400_000)
    await writeFile(caFile, old.cert)
    const expired = await startFake(tokenAnswer(), old)
    const ran = await login(['--ca-file', caFile, '-idp-ep', expired.url])
    expect(ran.stderr).toContain('is not trusted (CERT_HAS_EXPIRED)')
  })

  it('needs a CA file that is there and holds one', async () => {
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
  it('finds the token endpoint below the issuer, with or without a slash at its end', async () => {
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
    ['names none', { issuer: undefined }, 'is no discovery document'],
    ['has no token endpoint', { token_endpoint: undefined }, 'names no token endpoint'],
    ['has one that is no URL', { token_endpoint: 'javascript:0' }, 'names no token endpoint'],
  ])('sends no secret when the document %s', async (_what, over, message) => {
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
  ])('takes no %s in the clear from a document that came over https', async (name, what) => {
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
  ])('ends with 76 when it is answered by %s', async (_what, answer) => {
    const issuer = await startFake(answer)
    expect(errorOf(await loginBy(issuer.url))).toMatchObject({ exitCode: 76, stage: 'idp' })
  })

  it('cannot meet a token endpoint, but a flag wins over the other’s variable', async () => {
    const issuer = await openIssuer({})
    expect((await loginBy(issuer.url, '-idp-ep', 'http://127.0.0.1:1')).code).toBe(64)
    const argv = ['token', '--issuer', issuer.url, '-cid', 'x', '-csec', 'y']
    const env = { STS_CLI_IDP_ENDPOINT: 'http://127.0.0.1:1' }
    const { code, stdout } = await stage.cli(argv, { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${idpToken}\n` })
  })

  it('takes the issuer from the environment', async () => {
    const issuer = await openIssuer({})
    const env = { STS_CLI_ISSUER: issuer.url, HOME: await makeFolder() }
    expect((await stage.cli(['token', '-cid', 'x', '-csec', 'y'], { env })).code).toBe(0)
  })
})
