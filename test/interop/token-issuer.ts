/** An identity provider whose tokens live as long as a test says, and which keeps a fresh one in a file, as Kubernetes does for a pod. */
import { rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { keySet, makeToken, signers } from '../support/tokens.ts'

export interface TokenIssuer {
  readonly issuer: string
  readonly configUrl: string
  /** Writes a token into a file, and another one every second until `stop`. */
  keepFresh(file: string, claims: Readonly<Record<string, unknown>>): Promise<void>
  stop(): Promise<void>
}

/** @param lifetimeSeconds The time until a token expires. */
export async function startTokenIssuer(lifetimeSeconds: number): Promise<TokenIssuer> {
  const server = createServer((request, response) => {
    const isConfig = request.url === '/.well-known/openid-configuration'
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(isConfig ? { issuer, jwks_uri: `${issuer}/jwks` } : keySet))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const timers: NodeJS.Timeout[] = []
  return {
    issuer,
    configUrl: `${issuer}/.well-known/openid-configuration`,
    async keepFresh(file, claims) {
      const write = async (): Promise<void> => {
        const exp = Math.floor(Date.now() / 1000) + lifetimeSeconds
        // With the final newline, as a shell writes it.
        await writeFile(
          `${file}.new`,
          `${makeToken(signers.RS256, { iss: issuer, exp, ...claims })}\n`,
        )
        await rename(`${file}.new`, file)
      }
      await write()
      timers.push(setInterval(() => void write(), 1000))
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
