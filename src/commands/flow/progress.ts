/** Shows on a terminal what sts-cli waits for, when it takes long. */
import type { Io } from '../../base/io.ts'
import { toPrintable } from '../../base/terminal/printable.ts'

/** Shorter waits are not shown. */
const delayMs = 300
const frameMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const clearLine = '\r\u001b[K'

/** Begins to show a wait. @returns A function that ends it and clears the line. */
export type ShowProgress = (what: string) => () => void

/** Makes the progress line; undefined without a terminal, in CI (`CI`), and on a terminal that cannot overwrite a line. */
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
    const delay = setTimeout(() => {
      draw()
      interval = setInterval(draw, frameMs)
    }, delayMs)
    return () => {
      clearTimeout(delay)
      clearInterval(interval)
      if (count > 0) io.writeStderr(clearLine)
    }
  }
}
