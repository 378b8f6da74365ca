import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { optionTable } from '../../src/commands/options/option-table.ts'
import { grantNames } from '../../src/commands/options/option-choices.ts'
import { runLine } from '../support/commands/harness.ts'

describe('grants', () => {
  it('the README’s table lists every grant except refresh-token, and no other', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const table = /## Ways in\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
    const named = [...table.matchAll(/^\| `(\w[\w-]*)` \|/gm)].map(([, name]) => name)
    expect(named).toEqual(grantNames.filter((name) => name !== 'refresh-token'))
  })

  it.each(grantNames)('the help of --grant lists %s', (name) => {
    const { description = '' } = optionTable.find((spec) => spec.name === 'grant') ?? {}
    expect(description.split(/[ ,;:]+/)).toContain(name)
  })

  it('an unknown grant is refused with a list of the grants', async () => {
    const { code, stderr } = await runLine(['token', '--grant', 'implicit'])
    expect(code).toBe(64)
    expect(stderr).toContain(`hint: use ${grantNames.join(', ')}`)
  })
})
