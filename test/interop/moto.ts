/** moto's S3: an independent S3 in memory that accepts any keys. */
import { spawn } from 'node:child_process'
import { findFreePort, waitUntilAnswering } from './free-port.ts'
import { cachedPath } from './stack.ts'

export interface Moto {
  readonly url: string
  stop(): Promise<void>
}

export async function startMoto(): Promise<Moto> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const argv = ['-H', '127.0.0.1', '-p', String(port)]
  const child = spawn(cachedPath('moto', 'bin', 'moto_server'), argv, { env: {}, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await waitUntilAnswering(`${url}/moto-api/`, ended)
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
