/** A store loses and tears nothing, however often its process is killed. `KILL_ROUNDS=1000` kills it more often than the usual test. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 50)
const writer = path.join(import.meta.dirname, '../support/server/kill-writer.mjs')

type Text = string | null

/** What a key may hold: the versions that were acknowledged, the oldest first, and the one whose fate is unknown. */
interface Ledger {
  readonly texts: Text[]
  unknown: Text | undefined
}

interface Line {
  readonly found?: Readonly<Record<string, Text | readonly Text[]>>
  readonly begin?: string
  readonly end?: string
  readonly text: Text
}

/** Runs the writer, and kills it after some changes. */
async function runUntilKilled(
  folder: string,
  seed: number,
  { changes, onLine }: { changes: number; onLine: (line: Line) => void },
): Promise<void> {
  const child = spawn(process.execPath, [writer, folder, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let ends = 0
  // A kill may cut the last line: it was not said, like those after it.
  let rest = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      const line = JSON.parse(text) as Line
      onLine(line)
      if (line.end !== undefined && (ends += 1) === changes) child.kill('SIGKILL')
    }
  }
  await ended
  expect(child.signalCode).toBe('SIGKILL')
}

/** Compares what a process found at its start with what its predecessors were told. */
function settle(ledgers: Map<string, Ledger>, found: NonNullable<Line['found']>): void {
  for (const [name, ledger] of ledgers) {
    const { texts, unknown } = ledger
    const seen = found[name] ?? null
    const isVersioned = Array.isArray(seen)
    const known = isVersioned ? texts.toReversed() : (texts.at(-1) ?? null)
    const changed =
      unknown === undefined ? known : isVersioned ? [unknown, ...(known as Text[])] : unknown
    const mayBe = [known, changed].map((holds) => ({ name, holds }))
    expect(mayBe).toContainEqual({ name, holds: seen })
    if (unknown !== undefined && JSON.stringify(seen) === JSON.stringify(changed))
      texts.push(unknown)
    ledger.unknown = undefined
  }
}

it(
  `after each of ${rounds} kills, every key holds what was acknowledged, whole and with its metadata`,
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-kills-'))
    try {
      const ledgers = new Map<string, Ledger>()
      const find = (name: string): Ledger => {
        const known = ledgers.get(name) ?? { texts: [], unknown: undefined }
        ledgers.set(name, known)
        return known
      }
      let acknowledged = 0
      for (let round = 0; round < rounds; round += 1) {
        await runUntilKilled(folder, round, {
          changes: 1 + (round % 23),
          onLine({ found, begin, end, text }) {
            if (found) settle(ledgers, found)
            if (begin !== undefined) find(begin).unknown = text
            if (end === undefined) return
            acknowledged += 1
            const ledger = find(end)
            ledger.texts.push(text)
            ledger.unknown = undefined
          },
        })
      }
      expect(acknowledged).toBeGreaterThanOrEqual(rounds)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  60_000 + rounds * 3000,
)
