import { createServer, type AddressInfo } from 'node:net'

/** A port of 127.0.0.1 that is free now, for programs that cannot be told to choose one. @param wanted Taken if it is free. */
export async function findFreePort(wanted = 0): Promise<number> {
  const server = createServer()
  const isTaken = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(true))
    server.listen(wanted, '127.0.0.1', () => resolve(false))
  })
  if (isTaken) return findFreePort()
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
