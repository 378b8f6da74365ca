/** Makes tests of the conformance table, one a row. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readRows, type Row } from './read-rows.ts'
import { runRow } from './run-row.ts'
import type { Endpoint } from './send-step.ts'

const folder = path.join(import.meta.dirname, 'topics')

/** Returns every row, by topic. */
function readTable(): Map<string, Row[]> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .toSorted()
  const topics = files.map((name) => name.slice(0, -'.txt'.length))
  return new Map(
    topics.map((topic) => [
      topic,
      readRows(topic, readFileSync(path.join(folder, `${topic}.txt`), 'utf8')),
    ]),
  )
}

/**
 * Returns the titles of a list of exceptions, each with its reason: `topic: title`, and the reason is the last line above it that begins with
 * `#`.
 */
export function readExceptions(file: string): Map<string, string> {
  let reason = ''
  const exceptions = new Map<string, string>()
  for (const line of readFileSync(path.join(import.meta.dirname, file), 'utf8').split('\n')) {
    if (line.startsWith('#')) reason = line.slice(1).trim()
    else if (line.trim() !== '') exceptions.set(line.trim(), reason)
  }
  return exceptions
}

export interface TableOptions {
  /** Rows that fail, `topic: title` → why. Such a row that passes fails the run, so that the list stays true. */
  readonly exceptions?: ReadonlyMap<string, string>
  /** Prints how many rows of each topic passed. */
  readonly print?: ((line: string) => void) | undefined
}

/** Makes the tests of all rows. The endpoint is asked for when they run. */
export function runTable(findEndpoint: () => Endpoint, options: TableOptions = {}): void {
  const { exceptions = new Map<string, string>(), print } = options
  const table = readTable()
  const passed = new Map<string, number>()
  it('the list of exceptions names rows of the table, each once', () => {
    const names = [...table.values()].flat().map(nameRow)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect([...exceptions.keys()].filter((name) => !names.includes(name))).toEqual([])
  })
  describe.concurrent.each([...table])('%s', (topic, rows) => {
    it.each(rows.map((row) => [row.title, row] as const))('%s', async (_title, row) => {
      const reason = exceptions.get(nameRow(row))
      if (reason === undefined) {
        await runRow(row, findEndpoint())
        passed.set(topic, (passed.get(topic) ?? 0) + 1)
        return
      }
      // A row of the list that passes says so here: the list is to shrink.
      await expect(runRow(row, findEndpoint())).rejects.toThrow(/^(step \d|the row's bucket)/)
    })
  })
  afterAll(() => {
    for (const [topic, rows] of table)
      print?.(`${topic}: ${passed.get(topic) ?? 0} of ${rows.length} rows passed`)
  })
}

/** Returns the name of a row in a list of exceptions. */
function nameRow({ topic, title }: Row): string {
  return `${topic}: ${title}`
}
