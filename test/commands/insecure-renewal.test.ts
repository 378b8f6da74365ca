/** `-k` of a login: its renewals and its logout repeat it, and no other command takes it over. */
import { beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../src/server/http/self-signed-certificate.ts'
import {
  clientId,
  clientSecret,
  minioJson,
  openStage,
  startFake,
  startMs,
  stsAnswer,
  type Fake,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
let sts: Fake
const later = startMs + 3_600_000
const env = { STS_CLI_CLIENT_ID: clientId, STS_CLI_CLIENT_SECRET: clientSecret }

beforeEach(async () => {
  stage = await openStage()
  const certificate = await makeCertificate(Date.now())
  sts = await startFake((seen) => (seen.url === '/' ? stsAnswer() : { status: 204 }), certificate)
})

const login = (...flags: string[]): Promise<Ran> =>
  stage.ask(['login', '-q', '-sts-ep', sts.url, '--retries', '0', ...flags])
/** Another login, a while after the first. */
const loginAgain = (): Promise<Ran> =>
  stage.ask(['login', '-q', '--retries', '0', '-sts-ep', sts.url], { now: startMs + 1000 })
const creds = (...flags: string[]): Promise<Ran> =>
  stage.cli(['creds', '--retries', '0', ...flags], { env, now: later })

describe('-k of a login', () => {
  it('a renewal repeats it', async () => {
    expect(await login('-k')).toMatchObject({ code: 0 })
    expect(await creds()).toMatchObject({ code: 0, stdout: minioJson })
  })

  it('a renewal with -k=false verifies the certificate', async () => {
    await login('-k')
    expect((await creds('-k=false')).code).toBe(69)
  })

  it('a later login without it verifies the certificate', async () => {
    await login('-k')
    expect((await loginAgain()).code).toBe(69)
  })

  it('a login that repeats the last one’s endpoints verifies the certificate', async () => {
    await login('-k', '-p', 'x')
    const given = { STS_CLI_CLIENT_SECRET: clientSecret }
    const again = await stage.cli(['login', '-q', '-p', 'x', '--retries', '0'], {
      env: given,
      now: startMs + 1000,
    })
    expect(again.stderr).toContain('certificate')
    expect(again.code).toBe(69)
  })

  it('logout revokes the session where the login was', async () => {
    await login('-k')
    expect(await stage.cli(['logout'])).toMatchObject({ code: 0, stderr: '' })
    expect(sts.seen.at(-1)?.url).toContain('/revoke-tokens/')
  })

  it('logout takes the flag itself', async () => {
    await login('-k')
    const ran = await stage.cli(['logout', '-k=false'])
    expect(ran.stderr).toMatch(/not revoked/)
  })
})
