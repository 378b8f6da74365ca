import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../../src/base/error-reasons.ts'
import { commandTable } from '../../../src/commands/options/command-table.ts'
import { renderManPage } from '../../../src/commands/help/man-page.ts'
import { optionTable } from '../../../src/commands/options/option-table.ts'

const page = renderManPage('1.2.3')
const plain = page.replaceAll('\\-', '-')

describe('manual page', () => {
  it('the manual page has every command, example, flag, variable and exit code', () => {
    for (const { name, examples } of commandTable)
      for (const text of [`sts-cli ${name}`, ...examples]) expect(plain).toContain(text)
    for (const { name, env } of optionTable)
      for (const text of [`--${name}`, ...env]) expect(plain).toContain(text)
    for (const code of Object.values(exitCodes)) expect(plain).toContain(`; ${code} `)
  })

  it('the manual page has no unintended roff requests', () => {
    const requests = page.split('\n').filter((line) => /^[.']/.test(line))
    expect(requests.filter((line) => !/^\.(TH|SH|TP|B|RS|RE|nf|fi)\b/.test(line))).toEqual([])
    expect(page).not.toMatch(/\\(?![-e&])/)
  })

  it('the manual page names its version', () => {
    expect(page).toMatch(/^\.TH STS-CLI 1 "" "sts-cli 1\.2\.3"/)
  })
})
