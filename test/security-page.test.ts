/** Checks SECURITY.md against the tree that it describes. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { optionTable } from '../src/commands/options/option-table.ts'

const root = path.join(import.meta.dirname, '..')
const page = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')

describe('SECURITY.md', () => {
  it('SECURITY.md names only tests that exist', () => {
    const named = [...page.matchAll(/`((?:test|bench)\/[^`]+)`/g)].map(([, name = '']) => name)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !existsSync(path.join(root, name)))).toEqual([])
  })

  it('SECURITY.md names only flags that exist', () => {
    const flags = new Set([...optionTable.map(({ name }) => name), 'version'])
    const named = [...page.matchAll(/`--([a-z][a-z0-9-]*)/g)].map(([, name = '']) => name)
    expect(named).toContain('allow-remote')
    expect(named.filter((name) => !flags.has(name))).toEqual([])
  })
})
