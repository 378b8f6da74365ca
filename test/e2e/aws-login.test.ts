import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { openTestBrowser } from '../support/commands/test-browser.ts'
import { openHome } from '../support/e2e/harness.ts'
import { makeProof, makeProofKey } from '../support/server/dpop.ts'

/** Listens as `aws login` does; resolves to the query with which the browser comes. */
async function listenForCode(): Promise<{ redirectUri: string; came: Promise<URLSearchParams> }> {
  let tell: (query: URLSearchParams) => void = () => {}
  const came = new Promise<URLSearchParams>((resolve) => (tell = resolve))
  const server = createServer((request, response) => {
    tell(new URL(request.url ?? '', 'http://127.0.0.1').searchParams)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { redirectUri: `http://127.0.0.1:${port}/oauth/callback`, came }
}

interface SignInAnswer {
  readonly accessToken: { readonly accessKeyId: string }
  readonly tokenType: string
  readonly expiresIn: number
  readonly refreshToken: string
  readonly idToken: string
}

describe('aws login at sts-cli serve', () => {
  it.each([[[]], [['--workers', '2']]])(
    'a user signs in at the embedded provider by the steps of aws login, and renews twice, with %j',
    async (flags) => {
      const home = await openHome()
      const serving = await home.serve(['--user', 'alice:wonderland:readwrite', ...flags])
      const { sts, caFile } = serving.ready
      const { redirectUri, came } = await listenForCode()
      const verifier = randomUUID() + randomUUID()
      const state = randomUUID()
      const authorize = new URL('/v1/authorize', sts)
      authorize.search = new URLSearchParams({
        response_type: 'code',
        client_id: 'arn:aws:signin:::devtools/same-device',
        state,
        code_challenge_method: 'SHA-256',
        scope: 'openid',
        redirect_uri: redirectUri,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      }).toString()
      const browser = openTestBrowser(await readFile(caFile, 'utf8'))
      const form = await browser.visit(authorize.href)
      expect(form.html).toContain('Sign in')
      await browser.submit(form, { username: 'alice', password: 'wonderland' })
      const answer = await came
      expect(answer.get('state')).toBe(state)

      const clientId = 'arn:aws:signin:::devtools/same-device'
      const key = makeProofKey()
      const ask = async (body: Readonly<Record<string, unknown>>) => {
        const url = new URL('/v1/token', sts).href
        const dpop = makeProof(key, { url, nowMs: Date.now() })
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', dpop },
          body: JSON.stringify({ clientId, ...body }),
        })
        expect(response.status).toBe(200)
        return (await response.json()) as SignInAnswer
      }
      let token = await ask({
        grantType: 'authorization_code',
        code: answer.get('code'),
        codeVerifier: verifier,
        redirectUri,
      })
      expect(token.tokenType).toBe('urn:aws:params:oauth:token-type:access_token_sigv4')
      for (let round = 0; round < 2; round += 1) {
        const before = token
        token = await ask({ grantType: 'refresh_token', refreshToken: before.refreshToken })
        expect(token.accessToken.accessKeyId).not.toBe(before.accessToken.accessKeyId)
      }
      expect(decodeJwt(token.idToken).claims['sub']).toBe(
        'arn:aws:sts::000000000000:assumed-role/sts-cli/alice',
      )
      expect(token.expiresIn).toBeGreaterThan(890)
      expect(serving.stderr()).toBe('')
      expect(await serving.stop()).toBe(0)
    },
  )
})
