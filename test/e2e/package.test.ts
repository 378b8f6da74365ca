import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

describe('published package', () => {
  it('the published package contains what runs and nothing else', () => {
    const root = path.join(import.meta.dirname, '..', '..')
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
    // npm installs manual pages only from a list.
    expect(manifest.man).toEqual(['./dist/sts-cli.1'])
    expect(names).toContain('dist/lib/index.js')
    expect(names).toContain('SECURITY.md')
    expect(names).toContain('dist/lib/index.d.ts')
    const known =
      /^(bin\/sts-cli\.cjs|dist\/cli\/[\w-]+\.cjs(\.map)?|dist\/cli\/LICENCES\.txt|dist\/lib\/.+\.(js|d\.ts)|dist\/sts-cli\.1|package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/
    expect(names.filter((name) => !known.test(name))).toEqual([])
  })
})
