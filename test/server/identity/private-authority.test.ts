import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import { createJsonClient } from '../../../src/base/http/json-client.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import {
  makeCertificate,
  type Certificate,
} from '../../../src/server/http/self-signed-certificate.ts'
import { keySet, makeToken, nowMs, signers } from '../../support/tokens.ts'

const token = makeToken(signers.RS256, { iss: 'https://idp.example' })
const limits = { timeoutMs: 5000, maxBytes: 64 * 1024 }

describe('a key set behind a private CA', () => {
  let server: Server
  let certificate: Certificate
  let origin: string

  beforeAll(async () => {
    // TLS uses the real clock.
    certificate = await makeCertificate(Date.now())
    server = createServer({ ...certificate }, (request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: `${origin}/jwks` })
      if (request.url === '/500') response.writeHead(500)
      const discovery = { issuer: 'https://idp.example', jwks_uri: `${origin}/jwks` }
      const padding = request.url === '/long' ? 'x'.repeat(limits.maxBytes) : ''
      response.end(JSON.stringify(request.url === '/config' ? discovery : { ...keySet, padding }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `https://localhost:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })

  async function verify(
    address: { jwksUrl: string } | { configUrl: string },
    ca: readonly string[] | undefined,
  ): Promise<string> {
    const { fetchJson, close } = createJsonClient({ ...limits, ca })
    const verifier = createTokenVerifier({
      ...address,
      fetchJson,
      nowMs: () => nowMs,
      log: silentLog,
    })
    try {
      return (await verifier.verify(token)).subject
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    } finally {
      await close()
    }
  }

  it('a key set is trusted with the CA of its server, by either URL', async () => {
    const ca = [certificate.cert]
    expect(await verify({ jwksUrl: `${origin}/jwks` }, ca)).toBe('alice')
    expect(await verify({ configUrl: `${origin}/config` }, ca)).toBe('alice')
  })

  it('a key set is not trusted without the CA of its server', async () => {
    expect(await verify({ jwksUrl: `${origin}/jwks` }, undefined)).toBe('ServiceUnavailable')
    const stranger = await makeCertificate(Date.now())
    expect(await verify({ jwksUrl: `${origin}/jwks` }, [stranger.cert])).toBe('ServiceUnavailable')
  })

  it.each(['/moved', '/500', '/long'])('a key set is not accepted from %s', async (path) => {
    expect(await verify({ jwksUrl: origin + path }, [certificate.cert])).toBe('ServiceUnavailable')
  })
})
