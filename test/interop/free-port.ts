import { createServer, type AddressInfo } from 'node:net'

/** A port of 127.0.0.1 that is free now, for programs that cannot be told to choose one. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Asks until it answers; the program's own end is the other way out. */
export async function waitUntilAnswering(url: string, ended: Promise<unknown>): Promise<void> {
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  for (;;) {
    try {
      if ((await fetch(url)).status < 500) return
    } catch {
      // Not yet.
    }
    if (hasEnded) throw new Error(`the program ended before ${url} answered`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
