import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const root = path.join(import.meta.dirname, '..', '..')

describe('the published package', () => {
  it('holds what runs and nothing else', () => {
    const argv = ['pack', '--dry-run', '--json', '--ignore-scripts']
    const output = execFileSync('npm', argv, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [pack] = JSON.parse(output) as [{ files: { path: string; mode: number }[] }]
    const names = pack.files.map((file) => file.path)

    expect(names).toContain('bin/sts-cli.cjs')
    expect(names).toContain('dist/cli/run-process.cjs')
    expect(names).toContain('dist/sts-cli.1')
    // npm links a manual from a list alone.
    expect(manifest.man).toEqual(['./dist/sts-cli.1'])
    expect(names).toContain('dist/lib/index.js')
    expect(names).toContain('SECURITY.md')
    expect(names).toContain('dist/lib/index.d.ts')
    const known =
      /^(bin\/sts-cli\.cjs|dist\/cli\/[\w.-]+\.cjs(\.map)?|dist\/cli\/LICENCES\.txt|dist\/lib\/.+\.(js|d\.ts)|dist\/sts-cli\.1|package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/
    expect(names.filter((name) => !known.test(name))).toEqual([])
  })

  it('has source maps that name sources of ours only, by relative paths, and do not hold them', () => {
    const folder = path.join(root, 'dist', 'cli')
    const names = readdirSync(folder)
    const maps = names.filter((name) => name.endsWith('.map'))
    expect(maps).toContain('run-process.cjs.map')
    for (const name of maps) {
      const map = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as SourceMap
      expect(
        map.sources.filter((source) => !/^\.\.\/\.\.\/src\/[\w/-]+\.ts$/.test(source)),
      ).toEqual([])
      expect(map).not.toHaveProperty('sourcesContent')
    }
    const linked = names
      .filter((name) => name.endsWith('.cjs'))
      .flatMap((name) => {
        const code = readFileSync(path.join(folder, name), 'utf8')
        return /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(code)?.[1] ?? []
      })
    expect(linked.toSorted()).toEqual(maps.toSorted())
  })
})

interface SourceMap {
  readonly sources: readonly string[]
}

describe('a clone that is not built', () => {
  it('says what to type when the command is run', () => {
    const clone = copyClone(['bin'])
    expect(runBin(clone, ['env'])).toEqual({
      status: 78,
      stdout: '',
      stderr: 'error: not built yet\nhint: npm run build\n',
    })
  })

  it('says what to type when it is packed without its packages, and packs nothing', () => {
    const clone = copyClone(['bin', '.config', 'src', 'package.json', 'README.md'])
    const { status, stderr } = spawnSync('npm', ['pack', '--loglevel', 'error'], {
      cwd: clone,
      encoding: 'utf8',
    })
    expect(status).not.toBe(0)
    expect(stderr).toContain(
      'error: cannot build: the package rolldown is not installed\nhint: npm ci\n',
    )
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect(readdirSync(clone).filter((name) => /^dist|\.tgz$/.test(name))).toEqual([])
  })
})

describe('a build that lost a file', () => {
  it('names the file that is missing, and is not called unbuilt', () => {
    const clone = copyClone(['bin', 'dist/cli'])
    const folder = path.join(clone, 'dist', 'cli')
    const lost = readdirSync(folder).find((name) => /^common-.*\.cjs$/.test(name)) ?? ''
    rmSync(path.join(folder, lost))
    const { status, stderr } = runBin(clone, ['status'])
    expect(status).toBe(1)
    expect(stderr).toContain(`Cannot find module './${lost}'`)
    expect(stderr).not.toContain('not built')
  })
})

/** Copies these to a folder of their own, where no package is installed. */
function copyClone(names: readonly string[]): string {
  const clone = mkdtempSync(path.join(tmpdir(), 'sts-cli-clone-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  for (const name of names)
    cpSync(path.join(root, name), path.join(clone, name), { recursive: true })
  return clone
}

function runBin(clone: string, argv: readonly string[]) {
  const bin = path.join(clone, 'bin', 'sts-cli.cjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...argv], {
    env: { HOME: clone, PATH: process.env['PATH'] },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}
