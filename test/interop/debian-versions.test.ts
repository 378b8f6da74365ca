import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'

const install = await readFile(path.join(import.meta.dirname, 'install'), 'utf8')
const packages = [...install.matchAll(/^\S+ (\S+) ([\d.]+)$/gm)].map(
  ([, name = '', version = '']) => ({ name, version }),
)

describe('clients from Debian', () => {
  it.each(packages)('$name is the version of docs/clients.md', async ({ name, version }) => {
    const { stdout } = await execa('dpkg-query', ['-W', '-f', '${Version}', name])
    expect(stdout.startsWith(version)).toBe(true)
  })
})
