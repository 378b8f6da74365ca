import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
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
const password = 'correct horse, battery & staple'

beforeEach(async () => {
  stage = await openStage()
  idp = await startOpenId()
})

const run = (command: string, flags: readonly string[], options: IoOptions = {}): Promise<Ran> => {
  const argv = [
    '--grant',
    'password',
    '--issuer',
    idp.url,
    '-cid',
    clientId,
    '-sts-ep',
    stage.sts.url,
  ]
  return stage.cli([command, ...argv, ...flags], options)
}
const asked = (): Record<string, string> =>
  Object.fromEntries(idp.seen.find(({ url }) => url === '/token')?.form ?? [])

describe('login by user name and password', () => {
  it('a password login prompts for the password and sends it only to the provider', async () => {
    const ran = await run('login', ['--username', 'alice'], { typed: password })
    expect(ran).toMatchObject({ code: 0, stdout: `##### Credentials\n${minioJson}` })
    expect(ran.io.prompts).toEqual(['password: '])
    expect(asked()).toEqual({
      grant_type: 'password',
      username: 'alice',
      password,
      scope: 'openid',
      client_id: clientId,
    })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(accessToken)
    expect(stage.sts.seen[0]?.body).not.toContain('horse')
  })

  it.each(['a file', 'stdin'])('a password login reads the password from %s', async (where) => {
    const file = path.join(stage.home, 'password')
    await writeFile(file, `${password}\n`)
    const ran = await run(
      'login',
      ['--username', 'alice', '--password-file', where === 'stdin' ? '-' : file],
      {
        stdin: `${password}\n`,
      },
    )
    expect(ran.code).toBe(0)
    expect(asked()['password']).toBe(password)
  })

  it('a password login exchanges the ID token when the action is web-identity', async () => {
    await run('login', ['--username', 'alice', '--action', 'web-identity'], { typed: password })
    const token = stage.sts.seen[0]?.form.get('WebIdentityToken') ?? ''
    expect(decodeJwt(token).claims).toMatchObject({ sub: 'alice' })
  })

  it('a password login requires a user name and a source for the password', async () => {
    expect(await run('login', [], { typed: password })).toMatchObject({ code: 64 })
    expect(await run('login', ['--username', 'alice'])).toMatchObject({ code: 64 })
    const quiet = await run('login', ['--username', 'alice', '--no-input'], { typed: password })
    expect(quiet).toMatchObject({ code: 64 })
    expect(await run('login', ['--username', 'alice'], { typed: '' })).toMatchObject({ code: 65 })
    expect(idp.seen).toEqual([])
  })

  it('a password login is renewed from a password file, but not from a typed password', async () => {
    const file = path.join(stage.home, 'password')
    await writeFile(file, password)
    const renewed = await run('creds', ['--username', 'alice', '--password-file', file])
    expect(renewed.stdout).toBe(minioJson)
    const refused = await run('creds', ['--username', 'bob'], { typed: password })
    expect(refused.code).toBe(77)
    expect(refused.io.prompts).toEqual([])
    expect(refused.stderr).toContain('hint: sts-cli login\n')
  })

  it('a password login reports the provider’s refusal and never the password', async () => {
    idp.tokenAnswers.push(
      json({ error: 'unsupported_grant_type', error_description: 'not here' }, 400),
    )
    const ran = await run('login', ['--username', 'alice', '--debug'], { typed: password })
    expect(ran.code).toBe(77)
    expect(ran.stderr).toContain(
      'hint: allow the password grant for this client at the identity provider',
    )
    expect(ran.stderr).not.toContain('horse')
  })
})
