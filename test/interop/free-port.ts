import { createServer, type AddressInfo } from 'node:net'

/** Returns a port of 127.0.0.1 that is free now, for programs that cannot choose one. @param wanted Used if it is free. */
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

/** Waits until the URL answers; throws if the program ends before. */
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
