import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { getErrorReasons, exitCodes } from '../src/base/error-reasons.ts'

const root = path.join(import.meta.dirname, '..')
const rows = readFileSync(path.join(root, 'docs', 'errors.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map(([, reason = '', exitCode = '', meaning = '', action = '', ...rest]) => ({
    reason: reason.slice(1, -1),
    exitCode,
    meaning,
    action,
    rest,
  }))

describe('docs/errors.md', () => {
  it('the table has each reason of the code once, with its exit code, and no other', () => {
    const inCode = Object.entries(getErrorReasons())
      .map(([reason, code]) => `${reason} ${exitCodes[code]}`)
      .toSorted()
    expect(rows.map(({ reason, exitCode }) => `${reason} ${exitCode}`).toSorted()).toEqual(inCode)
  })

  it('the table is sorted by reason', () => {
    const reasons = rows.map(({ reason }) => reason)
    expect(reasons).toEqual(reasons.toSorted())
  })

  it.each(rows)('$reason has a meaning and what to do', ({ meaning, action, rest }) => {
    expect(meaning).not.toBe('')
    expect(action).not.toBe('')
    expect(rest).toEqual([''])
  })

  it('README.md links to the table where it lists the exit codes', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const [, section = ''] = /^## Exit codes\n([^]*?)^## /m.exec(readme) ?? []
    expect(section).toContain('(docs/errors.md)')
  })
})
