/** The examples of docs/roles.md are roles and policies that the server accepts. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parsePolicyDocument } from '../src/server/policy/policy-document.ts'
import { parseRoleDocument } from '../src/server/policy/role-document.ts'

const page = readFileSync(path.join(import.meta.dirname, '..', 'docs', 'roles.md'), 'utf8')
const blocks = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, text = '']) => text)

describe('the page about roles', () => {
  it('the page about roles has examples', () => {
    expect(blocks.length).toBeGreaterThan(1)
  })

  it.each(blocks)('the server accepts the example %s', (text) => {
    const parse = text.includes('"Statement"') ? parsePolicyDocument : parseRoleDocument
    expect(parse(text, 'example')).toBeDefined()
  })
})
