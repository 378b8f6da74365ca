/** A misspelt profile must not log in with other settings unnoticed, and the suggested command must name the profile. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { openStage } from '../support/commands/harness.ts'

const home = async (toml: string) => {
  const stage = await openStage()
  const folder = path.join(stage.home, '.config', 'sts-cli')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'config.toml'), toml)
  return stage
}

it('login warns about a missing profile whose name is close to an existing one', async () => {
  const stage = await home('[profile.staging]\nscope = "s3"\n')
  const misspelt = await stage.ask(['login', '-p', 'stagign', '-f', 'json'])
  expect(misspelt.code).toBe(0)
  expect(misspelt.stderr).toBe(
    'there is no profile stagign in the configuration; did you mean staging?\n',
  )
  for (const name of ['staging', 'production', 'default'])
    expect((await stage.ask(['login', '-p', name])).stderr).toBe('')
  expect((await stage.ask(['login', '-q', '-p', 'stagign'])).stderr).toBe('')
})

it.each([
  ['/bin/zsh', 'eval $(sts-cli env -p ci)'],
  ['/usr/bin/fish', 'sts-cli env -p ci | source'],
])('login suggests the next command for its profile and for %s', async (SHELL, next) => {
  const stage = await openStage()
  const { stderr } = await stage.ask(['login', '-p', 'ci'], { isTty: true, env: { SHELL } })
  expect(stderr).toBe(`valid for 1h 0m; next: ${next}\n`)
})
