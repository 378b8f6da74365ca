import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  lockedKeyring,
  type MemoryKeyring,
  openMemoryKeyring,
} from '../support/commands/fake-keyrings.ts'
import {
  granted,
  minioJson,
  openStage,
  type Ran,
  type Stage,
  startMs,
} from '../support/commands/harness.ts'

let stage: Stage
let keyring: MemoryKeyring
beforeEach(async () => {
  stage = await openStage()
  keyring = openMemoryKeyring()
})

const login = (...argv: string[]): Promise<Ran> =>
  stage.ask(['login', '-q', '--cache', 'keyring', ...argv], { keyring })
const creds = (...argv: string[]): Promise<Ran> => stage.cli(['creds', ...argv], { keyring })
const secrets = [granted.secretAccessKey, granted.sessionToken]

describe('--cache keyring', () => {
  it('login --cache keyring stores the keys in the keyring and none of them in a file', async () => {
    expect(await login()).toMatchObject({ code: 0, stderr: '' })
    const folder = path.join(stage.home, '.cache', 'sts-cli')
    for (const name of await readdir(folder)) {
      const text = await readFile(path.join(folder, name), 'utf8')
      for (const secret of secrets) expect(text).not.toContain(secret)
    }
    expect(await creds()).toMatchObject({ code: 0, stdout: minioJson, stderr: '' })
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('status, env and logout find a login in the keyring without --cache', async () => {
    await login('-p', 'ci')
    expect(await stage.cli(['status', '-p', 'ci'])).toMatchObject({ code: 0 })
    const env = await stage.cli(['env', '-p', 'ci'], { keyring })
    expect(env.stdout).toContain(`AWS_SECRET_ACCESS_KEY='${granted.secretAccessKey}'`)

    await stage.cli(['logout', '-p', 'ci'], { keyring })
    expect(keyring.secrets.size).toBe(0)
    const [revoked] = stage.sts.seen.slice(-1)
    expect(revoked?.headers['x-amz-security-token']).toBe(granted.sessionToken)
  })

  it.each([
    ['there is no keyring', undefined],
    ['the keyring is locked', lockedKeyring],
  ])('login --cache keyring never falls back to a file when %s', async (_what, none) => {
    const ran = await stage.ask(['login', '-q', '--cache', 'keyring'], { keyring: none })
    expect(ran).toMatchObject({ code: 78, stderr: expect.stringContaining('--cache file') })
    for (const secret of secrets) expect(ran.stderr).not.toContain(secret)
    expect((await stage.cli(['status'])).code).toBe(1)
  })

  it('creds requires a new login when the keyring has no keys or those of another login', async () => {
    await login()
    const [account = ''] = [...keyring.secrets.keys()]
    const sealed = keyring.secrets.get(account) ?? ''
    keyring.secrets.set(account, sealed.replace(granted.accessKeyId, 'SOMEBODYELSESKEY0000'))
    expect(await creds()).toMatchObject({ code: 77, stdout: '' })
    keyring.secrets.clear()
    expect(await creds()).toMatchObject({
      code: 77,
      stderr: expect.stringContaining('sts-cli login'),
    })
  })

  it('creds stores renewed credentials in the keyring again', async () => {
    await login()
    keyring.secrets.clear()
    const argv = ['creds', '--cache', 'keyring']
    const ran = await stage.ask(argv, { keyring, now: startMs + 3_000_000 })
    expect(ran).toMatchObject({ code: 0 })
    expect(keyring.secrets.size).toBe(1)
  })

  it('goes on with the cache file of an earlier version, and writes one that it can read', async () => {
    await login()
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-default.json')
    const { isInKeyring: _, ...members } = JSON.parse(await readFile(file, 'utf8')) as object & {
      isInKeyring?: boolean
    }
    expect(members).toMatchObject({ secretAccessKey: '', isSealed: true })
    await writeFile(file, JSON.stringify({ ...members, isSealed: true }))
    expect(await creds()).toMatchObject({ code: 0, stdout: minioJson, stderr: '' })
    expect(stage.idp.seen).toHaveLength(1)
  })
})
