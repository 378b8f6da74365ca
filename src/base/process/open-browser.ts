/** Hands an address to the person's browser by the system's own opener. */
import { spawn } from 'node:child_process'
import { isLoopback } from '../http/loopback.ts'

type Env = Readonly<Record<string, string | undefined>>

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  // Not `start`: cmd would read the address's & and %.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/**
 * Tries to open an address; whether a browser comes up is not known, so it must have been printed too.
 *
 * @throws {TypeError} For an address off this machine: others see a command line, and only our own one-time page belongs there.
 */
export function openBrowser(address: string, platform: NodeJS.Platform, env: Env): void {
  if (!isLoopback(address)) throw new TypeError('only an address of this machine is opened')
  const [file = '', ...rest] = openers[platform] ?? ['xdg-open']
  // What the command line was told in confidence is not the browser's.
  const own = Object.entries(env).filter(([name]) => !/^(STS_CLI|AWS|MINIO)_/.test(name))
  const child = spawn(file, [...rest, address], {
    env: Object.fromEntries(own),
    stdio: 'ignore',
    detached: true,
    windowsHide: true,
  })
  child.on('error', () => {
    // No opener here: the printed address remains.
  })
  child.unref()
}
