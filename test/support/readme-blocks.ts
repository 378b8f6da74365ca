/** The code blocks of README.md, and of the pages in docs/, that tests run. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const readme = readPage('README.md')

export interface Block {
  /** The nearest heading above the block. */
  readonly heading: string
  /** The word after the opening fence; empty for output. */
  readonly language: string
  readonly text: string
  /** `In CI 1`: the first block below that heading. */
  readonly name: string
}

/** Returns the text of a page, by its path from the root of the project. */
export function readPage(name: string): string {
  return readFileSync(path.join(import.meta.dirname, '..', '..', name), 'utf8')
}

/** Returns every fenced block in the order of the page. */
export function readBlocks(page = readme): Block[] {
  const blocks: Block[] = []
  const counts = new Map<string, number>()
  let heading = ''
  for (const match of page.matchAll(/^#+ (.+)$|^```(\w*)\n([^]*?)^```$/gm)) {
    const [, title, language = '', text = ''] = match
    if (title !== undefined) {
      heading = title
      continue
    }
    const count = (counts.get(heading) ?? 0) + 1
    counts.set(heading, count)
    blocks.push({ heading, language, text, name: `${heading} ${count}` })
  }
  return blocks
}

/** Returns one block by its name. @throws {Error} When the page does not have this block. */
export function findBlock(name: string, page = readme): Block {
  const block = readBlocks(page).find((candidate) => candidate.name === name)
  if (block === undefined) throw new Error(`the page has no block ${name}`)
  return block
}

/** Headings whose blocks require programs that the interop suite installs. */
export const interopHeadings: readonly string[] = [
  'Keycloak',
  'WSO2',
  'Several servers sharing state by etcd',
  'Behind a proxy',
]
