/** Opens a URL in the user's browser with the system's own opener. */
import { spawn } from 'node:child_process'
import { isLoopback } from '../http/loopback.ts'

type Env = Readonly<Record<string, string | undefined>>

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  // Not `start`: cmd would interpret & and % in the URL.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/**
 * Tries to open a URL. It is unknown whether a browser appears, so the caller must also print the URL.
 *
 * @throws {TypeError} For a URL that is not local: other users see command lines, and only the local one-time page may be in one.
 */
export function openBrowser(address: string, platform: NodeJS.Platform, env: Env): void {
  if (!isLoopback(address)) throw new TypeError('only an address of this machine is opened')
  const [file = '', ...rest] = openers[platform] ?? ['xdg-open']
  // The browser must not inherit the secrets in this command's environment.
  const own = Object.entries(env).filter(([name]) => !/^(STS_CLI|AWS|MINIO)_/.test(name))
  const child = spawn(file, [...rest, address], {
    env: Object.fromEntries(own),
    stdio: 'ignore',
    detached: true,
    windowsHide: true,
  })
  child.on('error', () => {
    // There is no opener here: the printed URL remains.
  })
  child.unref()
}
