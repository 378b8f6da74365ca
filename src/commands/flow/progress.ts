/** Says on a terminal what is waited for, when it takes long enough to wonder. */
import type { Io } from '../../base/io.ts'
import { toPrintable } from '../../base/terminal/printable.ts'

/** Below this nobody wonders. */
const hedgeDelayMs = 300
const frameMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const clearLine = '\r\u001b[K'

/** Begins a wait by its name and gives what ends it; the line is then as if nothing had been there. */
export type ShowProgress = (what: string) => () => void

/** For a person at a terminal; undefined where there is none, in CI (`CI`), and on a terminal that cannot go back in a line. */
export function createProgress(io: Io): ShowProgress | undefined {
  if (!io.isTty.stderr || (io.env['CI'] ?? '') !== '' || io.env['TERM'] === 'dumb') return undefined
  return (what) => {
    let count = 0
    const draw = (): void => {
      const frame = frames[count % frames.length] ?? ''
      count += 1
      io.writeStderr(`${clearLine}${frame} waiting for ${toPrintable(what, 60)}`)
    }
    let interval: NodeJS.Timeout | undefined
    const patience = setTimeout(() => {
      draw()
      interval = setInterval(draw, frameMs)
    }, hedgeDelayMs)
    return () => {
      clearTimeout(patience)
      clearInterval(interval)
      if (count > 0) io.writeStderr(clearLine)
    }
  }
}
