import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { findStateDirectory, writeServeState } from '../../../src/client/serve-state.ts'
import { openStage, type Stage } from '../../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
  const directory = findStateDirectory({ HOME: stage.home }, 'linux') ?? ''
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

describe('a profile that is neither configured nor cached', () => {
  it.each(commands)(
    'ends %s with 78 and the nearest name, and nobody is asked',
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

  it('is refused though flags say all that a login needs', async () => {
    expect((await stage.ask(['creds', '-p', 'stagign'])).code).toBe(78)
  })

  it('is told of those that there are, where none is near', async () => {
    await configure('[profile.production]\nscope = "s"\n')
    const { stderr } = await stage.cli(['creds', '-p', 'x'])
    expect(stderr).toContain('hint: there are production, staging (sts-cli login -p x creates it)')
  })

  it('may be logged in to, and configured', async () => {
    expect((await stage.ask(['login', '-q', '-p', 'new'])).code).toBe(0)
    expect((await stage.cli(['creds', '-p', 'new'])).code).toBe(0)
    expect((await stage.cli(['config', 'set', 'scope', 's', '-p', 'newer'])).code).toBe(0)
    expect((await stage.cli(['status', '-p', 'newer'])).code).toBe(1)
  })
})

describe('a profile that is known', () => {
  it.each([
    ['by the configuration alone', 'production'],
    ['by the cache alone', 'staging'],
    ['as the one that is always there', 'default'],
  ])('%s is not refused', async (_how, name) => {
    await configure('[profile.production]\nscope = "s"\n')
    for (const command of ['status', 'logout'])
      expect((await stage.cli([command, '-p', name])).code).not.toBe(78)
  })

  it('by a cache file that is damaged wants a login, and is not called unknown', async () => {
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-staging.json')
    await writeFile(file, '{', { mode: 0o600 })
    expect((await stage.cli(['creds', '-p', 'staging'])).code).toBe(77)
  })

  it('is not another one whose long name begins alike', async () => {
    const name = 'x'.repeat(160)
    await stage.ask(['login', '-q', '-p', `${name}1`])
    expect((await stage.cli(['creds', '-p', `${name}1`])).code).toBe(0)
    expect((await stage.cli(['creds', '-p', `${name}2`])).code).toBe(78)
  })
})
