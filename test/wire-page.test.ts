import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..')

it('docs/wire.md has every section that a comment names', () => {
  const page = readFileSync(path.join(root, 'docs', 'wire.md'), 'utf8')
  const sections = new Set([...page.matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map(([, name]) => name))
  const named = ['src', 'test'].flatMap(findReferences)
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ section }) => !sections.has(section))).toEqual([])
})

function findReferences(folder: string): { file: string; section: string }[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const text = readFileSync(path.join(root, folder, name), 'utf8')
      const found = text.matchAll(/docs\/wire\.md §(\d+(?:\.\d+)?)/g)
      return [...found].map(([, section = '']) => ({ file: path.join(folder, name), section }))
    })
}
