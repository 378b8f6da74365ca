import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  clientSecret,
  granted,
  idpToken,
  json,
  openStage,
  secrets,
  stsRefusal,
  type Ran,
  type Stage,
} from './harness.ts'

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
