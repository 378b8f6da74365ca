/** A reverse proxy that asks its target with another Host header, as nginx does by default. */
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Starts the proxy. @param toHeaders The headers that it adds, from the Host header that it got. @returns Its URL. */
export async function startProxy(
  target: string,
  toHeaders: (host: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<string> {
  const proxy = createServer((incoming, outgoing) => {
    const { method, headers, url = '/' } = incoming
    const added = toHeaders(headers.host ?? '')
    const passedOn = { ...headers, host: new URL(target).host, ...added }
    const forwarded = send(new URL(url, target), { method, headers: passedOn }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}
