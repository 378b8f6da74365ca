/** A clone without a build, a broken build, and what `--debug` prints of a built one. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import entryModules from '../../.config/entry-modules.json' with { type: 'json' }
import { binPath } from '../support/e2e/harness.ts'

const root = path.join(import.meta.dirname, '..', '..')
const execute = promisify(execFile)
let clone = ''

beforeEach(async () => {
  clone = await mkdtemp(path.join(tmpdir(), 'sts-cli-clone-'))
  for (const name of ['bin', 'package.json', '.config'])
    await cp(path.join(root, name), path.join(clone, name), { recursive: true })
})
afterEach(() => rm(clone, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(program: string, argv: readonly string[], cwd = clone): Promise<Ended> {
  try {
    return { code: 0, ...(await execute(program, argv, { cwd, encoding: 'utf8' })) }
  } catch (error) {
    return error as Ended
  }
}

const runBin = (bin: string, ...argv: string[]): Promise<Ended> =>
  run(process.execPath, [bin, ...argv])

describe('a clone without a build', () => {
  it('sts-cli in a clone without a build says how to build it, and exits 78', async () => {
    expect(await runBin(path.join(clone, 'bin', 'sts-cli.cjs'), '--version')).toMatchObject({
      code: 78,
      stdout: '',
      stderr: 'error: sts-cli is not built in this folder\nhint: npm ci && npm run build\n',
    })
  })

  it('a file that is missing in a build is named, not taken for a missing build', async () => {
    const cli = path.join(clone, 'dist', 'cli')
    await mkdir(cli, { recursive: true })
    await writeFile(path.join(cli, 'run-process.cjs'), "require('./lost.cjs')\n")
    const { code, stderr } = await runBin(path.join(clone, 'bin', 'sts-cli.cjs'), '--version')
    expect(code).toBe(1)
    expect(stderr).toContain("Cannot find module './lost.cjs'")
  })

  it('the build stops at a module that its list names and src does not have', async () => {
    await symlink(path.join(root, 'node_modules'), path.join(clone, 'node_modules'))
    await mkdir(path.join(clone, 'src'))
    const { code, stderr } = await runBin(path.join(clone, '.config', 'build.mjs'))
    expect(code).toBe(1)
    expect(stderr).toContain(`names src/${entryModules.common[0] ?? ''}, which does not exist`)
  })
})

describe('--debug of the built command', () => {
  it('--debug prints where an error arose in the sources, though the built files are minified', async () => {
    const { code, stderr } = await runBin(binPath, 'login', '--debug')
    expect(code).toBe(64)
    expect(stderr).toMatch(/src\/commands\/flow\/token-source\.ts:\d+:\d+/)
    expect(stderr).not.toMatch(/-[\w-]{8}\.cjs:/)
  })
})
