import { findUserDirectory } from '../../../src/client/find-user-directory.ts'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { writeServeState } from '../../../src/client/serve-state.ts'
import { openStage, type Stage } from '../../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
  const directory =
    findUserDirectory('state', { env: { HOME: stage.home }, platform: 'linux' }) ?? ''
  const addresses = { stsEndpoint: stage.sts.url, tokenEndpoint: `${stage.idp.url}/token` }
  const state = { ...addresses, clientId: 'demo', clientSecret: 'demo-secret' }
  writeServeState(directory, { pid: process.pid, certificates: 'PEM', state })
  await stage.ask(['login', '-q', '-p', 'staging'])
})

async function configure(text: string): Promise<void> {
  const file = path.join(stage.home, '.config', 'sts-cli', 'config.toml')
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text, { mode: 0o600 })
}

const commands: readonly (readonly string[])[] = [
  ['creds'],
  ['env'],
  ['exec', '--', 'true'],
  ['credential-process'],
  ['write'],
  ['write', '--as-process'],
  ['token'],
  ['exchange', 'a.b.c'],
  ['status'],
  ['doctor'],
  ['logout'],
]

describe('profile that is neither configured nor cached', () => {
  it.each(commands)(
    '%s with an unknown profile exits 78, suggests the nearest name and sends no request',
    async (...argv) => {
      const asked = [stage.idp.seen.length, stage.sts.seen.length]
      const [command = '', ...rest] = argv
      const byFlag = await stage.cli([command, '-p', 'stagign', ...rest])
      const byVariable = await stage.cli(argv, { env: { STS_CLI_PROFILE: 'stagign' } })
      for (const { code, stdout, stderr } of [byFlag, byVariable]) {
        expect([code, stdout]).toEqual([78, command === 'env' ? 'false;\n' : ''])
        expect(stderr).toContain(
          'there is no profile "stagign": it is neither configured nor cached',
        )
        expect(stderr).toContain(
          'hint: did you mean staging? (sts-cli login -p stagign creates it)',
        )
      }
      expect([stage.idp.seen.length, stage.sts.seen.length]).toEqual(asked)
    },
  )

  it('creds refuses an unknown profile even if flags supply every setting', async () => {
    expect((await stage.ask(['creds', '-p', 'stagign'])).code).toBe(78)
  })

  it('the hint for an unknown profile lists the existing ones if none is close', async () => {
    await configure('[profile.production]\nscope = "s"\n')
    const { stderr } = await stage.cli(['creds', '-p', 'x'])
    expect(stderr).toContain('hint: there are production, staging (sts-cli login -p x creates it)')
  })

  it('login and config set accept a new profile', async () => {
    expect((await stage.ask(['login', '-q', '-p', 'new'])).code).toBe(0)
    expect((await stage.cli(['creds', '-p', 'new'])).code).toBe(0)
    expect((await stage.cli(['config', 'set', 'scope', 's', '-p', 'newer'])).code).toBe(0)
    expect((await stage.cli(['status', '-p', 'newer'])).code).toBe(1)
  })
})

describe('known profile', () => {
  it.each([
    ['that is only configured', 'production'],
    ['that is only cached', 'staging'],
    ['that is the default', 'default'],
  ])('status and logout accept a profile %s', async (_how, name) => {
    await configure('[profile.production]\nscope = "s"\n')
    for (const command of ['status', 'logout'])
      expect((await stage.cli([command, '-p', name])).code).not.toBe(78)
  })

  it('creds requires a login for a profile with a damaged cache file', async () => {
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-staging.json')
    await writeFile(file, '{', { mode: 0o600 })
    expect((await stage.cli(['creds', '-p', 'staging'])).code).toBe(77)
  })

  it('creds distinguishes profiles with long names that begin alike', async () => {
    const name = 'x'.repeat(160)
    await stage.ask(['login', '-q', '-p', `${name}1`])
    expect((await stage.cli(['creds', '-p', `${name}1`])).code).toBe(0)
    expect((await stage.cli(['creds', '-p', `${name}2`])).code).toBe(78)
  })
})
