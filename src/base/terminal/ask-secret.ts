/** Prompts on the terminal itself, so that stdin and stdout stay free for pipes. */
import { openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { StsCliError } from '../errors.ts'

// Not CON: it is opened for reading or for writing, but turning off a console's echo requires both.
const terminalPath = process.platform === 'win32' ? '\\\\.\\CONIN$' : '/dev/tty'

/**
 * Reads one line without echo.
 *
 * @throws {StsCliError} `ERR_USAGE` when there is no terminal. Ctrl-C ends the process as usual (130).
 */
export async function askSecret(prompt: string): Promise<string> {
  let descriptor: number
  try {
    descriptor = openSync(terminalPath, 'r+')
  } catch (cause) {
    throw new StsCliError('terminal-missing', 'there is no terminal to ask at', {
      stage: 'config',
      cause,
    })
  }
  const terminal = new ReadStream(descriptor)
  const echo = process.platform === 'win32' ? 2 : descriptor
  try {
    terminal.setRawMode(true)
    writeSync(echo, prompt)
    return await readLine(terminal, echo)
  } finally {
    terminal.setRawMode(false)
    writeSync(echo, '\n')
    terminal.destroy()
  }
}

function readLine(terminal: ReadStream, echo: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    terminal.on('error', reject)
    terminal.on('data', (chunk: Buffer) => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n' || character === '\u0004') return resolve(text)
        if (character === '\u0003') {
          terminal.setRawMode(false)
          writeSync(echo, '\n')
          // Windows would end this process at once with code 1, without restoring the terminal.
          if (process.platform === 'win32') process.exit(130)
          process.kill(process.pid, 'SIGINT')
          return undefined
        }
        if (character === '\u007f' || character === '\b') text = text.slice(0, -1)
        else if (character === '\u0015') text = ''
        else text += character
      }
      return undefined
    })
  })
}
