import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Home, openHome, type Ran } from '../support/e2e/harness.ts'

/** Runs a command in which the clock throws, which no command expects. */
async function runBroken(home: Home, argv: readonly string[]): Promise<Ran> {
  const preload = path.join(home.folder, 'broken-clock.cjs')
  await writeFile(preload, "Date.now = () => { throw new TypeError('the clock is broken') }\n")
  return home.cli(argv, { env: { NODE_OPTIONS: `--require ${preload}` } })
}

describe('an internal error', () => {
  it.each(['--debug', '-debug', '--debug=true'])(
    'with %s names the source files and lines that it went through',
    async (flag) => {
      const { code, stderr } = await runBroken(await openHome(), ['inspect', 'a-token', flag])
      expect(code).toBe(70)
      expect(stderr).toContain('the clock is broken')
      expect(stderr).toMatch(/[\\/]src[\\/]base[\\/]process[\\/]process-io\.ts:\d+:\d+/)
      expect(stderr).toMatch(/[\\/]src[\\/]commands[\\/]inspect\.ts:\d+:\d+/)
      expect(stderr).toMatch(/[\\/]src[\\/]main\.ts:\d+:\d+/)
      expect(stderr).not.toMatch(/[\\/]dist[\\/]cli[\\/]/)
    },
  )

  it('prints no stack without --debug', async () => {
    const { code, stderr } = await runBroken(await openHome(), ['inspect', 'a-token'])
    expect(code).toBe(70)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })
})
