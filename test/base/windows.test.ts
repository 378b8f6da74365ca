/** The behaviour on Windows, tested elsewhere: the tests set process.platform and replace the system calls. */
import type * as nodeFs from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { writePrivateFile } from '../../src/base/files/private-file.ts'
import { createProcessIo } from '../../src/base/process/process-io.ts'
import { makeFolder, openStage } from '../support/commands/harness.ts'

const renaming = vi.hoisted(() => ({ refusals: 0, code: 'EPERM' }))

vi.mock('node:fs', async (load) => {
  const real = await load<typeof nodeFs>()
  return {
    ...real,
    renameSync(from: string, to: string) {
      if (renaming.refusals === 0) return real.renameSync(from, to)
      renaming.refusals -= 1
      throw Object.assign(new Error(renaming.code), { code: renaming.code })
    },
  }
})

function pretend(platform: NodeJS.Platform): void {
  const real = process.platform
  Object.defineProperty(process, 'platform', { value: platform })
  onTestFinished(() => void Object.defineProperty(process, 'platform', { value: real }))
}

describe('file that another process has open', () => {
  let folder: string
  let file: string

  beforeEach(async () => {
    folder = await makeFolder()
    file = path.join(folder, 'secret')
    await writeFile(file, 'old')
    renaming.refusals = 0
  })

  it.each(['EPERM', 'EACCES', 'EBUSY'])('a file is replaced after its close: %s', async (code) => {
    pretend('win32')
    Object.assign(renaming, { refusals: 2, code })
    writePrivateFile(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
  })

  it('writePrivateFile() leaves a file unchanged that stays open on Windows', async () => {
    pretend('win32')
    Object.assign(renaming, { refusals: 1000, code: 'EPERM' })
    expect(() => writePrivateFile(file, 'new')).toThrow('EPERM')
    expect(await readFile(file, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['secret'])
  })

  it('writePrivateFile() does not wait on Linux, where EPERM is a lack of permission', () => {
    pretend('linux')
    Object.assign(renaming, { refusals: 1, code: 'EPERM' })
    expect(() => writePrivateFile(file, 'new')).toThrow('EPERM')
  })
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s, which Windows does not have, ends a process with %i', (name, code) => {
  pretend('win32')
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('ended')
  })
  onTestFinished(() => exit.mockRestore())
  expect(() => createProcessIo().endBySignal(name)).toThrow('ended')
  expect(exit).toHaveBeenCalledWith(code)
})

it('~ in a profile is the USERPROFILE folder on Windows', async () => {
  const stage = await openStage()
  const home = path.join(stage.home, 'Users', 'me')
  await mkdir(home, { recursive: true })
  await writeFile(path.join(home, 'secret.txt'), 'from the profile')
  const config = path.join(stage.home, 'config.toml')
  await writeFile(config, '[profile.default]\nclient-secret-file = "~/secret.txt"\n')
  const { code } = await stage.cli(
    ['token', '-cid', 'me', '-idp-ep', stage.idp.url, '--config', config],
    { env: { HOME: undefined, USERPROFILE: home }, platform: 'win32' },
  )
  expect(code).toBe(0)
  expect(stage.idp.seen[0]?.headers.authorization).toBe(
    `Basic ${Buffer.from('me:from+the+profile').toString('base64')}`,
  )
})

it('the hint of exec is quoted for PowerShell on Windows', async () => {
  const stage = await openStage()
  const { stderr } = await stage.cli(['exec', 'aws', 's3', 'ls'], { platform: 'win32' })
  expect(stderr).toContain("hint: sts-cli exec '--' aws s3 ls")
})
