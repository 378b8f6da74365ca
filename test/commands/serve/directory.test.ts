/** Tests of `serve` with an unusable object directory. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { lockDirectory } from '../../../src/server/s3/filesystem/directory-lock.ts'
import { makeFolder, runLine, type Ran } from '../../support/commands/harness.ts'

async function serve(...argv: string[]): Promise<Ran> {
  const addresses = ['--address', '127.0.0.1:0', '--idp-address', '127.0.0.1:0']
  return runLine(['serve', ...addresses, ...argv], { env: { HOME: await makeFolder() } })
}

it.each([[[]], [['--workers', '2']]])(
  'serve %j exits 78 for a directory that another server uses, and changes nothing in it',
  async (argv) => {
    const folder = await makeFolder()
    const release = await lockDirectory(folder)
    const lock = await readFile(path.join(folder, '.sts-cli/lock'), 'utf8')

    const { code, stderr, stdout } = await serve(...argv, '--bucket', 'photos', folder)
    expect(code).toBe(78)
    expect(stderr).toMatch(
      /^error: serve: the directory .* is in use by another server, process \d+\nhint: name another/,
    )
    expect(stderr).toContain(`process ${process.pid}`)
    expect(stdout).toBe('')
    expect(await readFile(path.join(folder, '.sts-cli/lock'), 'utf8')).toBe(lock)
    expect(await readdir(folder)).toEqual(['.sts-cli'])
    await release()
  },
)

it('serve exits 73 when it cannot write to its directory', async () => {
  const folder = await makeFolder()
  const file = path.join(folder, 'file')
  await writeFile(file, '')
  const blocked = path.join(folder, 'blocked')
  await mkdir(path.join(blocked, '.sts-cli'), { recursive: true })
  await writeFile(path.join(blocked, '.sts-cli/tmp'), '')
  for (const name of [file, path.join(file, 'below'), blocked]) {
    const { code, stderr, stdout } = await serve(name)
    expect(code).toBe(73)
    expect(stderr).toContain(`error: serve: cannot keep objects in ${name} (`)
    expect(stderr).toContain('hint: name a folder that you may write to')
    expect(stdout).toBe('')
  }
})
