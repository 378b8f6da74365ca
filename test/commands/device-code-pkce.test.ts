/** Keycloak refuses a device login without PKCE if the client requires PKCE. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { startOpenId } from '../support/commands/fake-openid.ts'
import { clientId, json, openStage } from '../support/commands/harness.ts'

const refusal = {
  error: 'invalid_request',
  error_description: 'Missing parameter: code_challenge_method',
}

it('a device login uses PKCE if the provider requires it, and only then', async () => {
  const stage = await openStage()
  const idp = await startOpenId()
  const { answer } = idp
  if (typeof answer !== 'function') throw new TypeError('the provider has one fixed answer')
  let isStrict = true
  idp.answer = (seen, count) =>
    isStrict && seen.url === '/device' && !seen.form.has('code_challenge')
      ? json(refusal, 400)
      : answer(seen, count)
  const argv = ['login', '-q', '--grant', 'device-code', '--issuer', idp.url, '-cid', clientId]
  const login = () => stage.cli([...argv, '--cache', 'none', '-sts-ep', stage.sts.url])
  const sent = (url: string): URLSearchParams =>
    idp.seen.findLast((seen) => seen.url === url)?.form ?? new URLSearchParams()

  expect((await login()).code).toBe(0)
  const verifier = sent('/token').get('code_verifier') ?? ''
  expect(verifier).toMatch(/^[\w.~-]{43,128}$/)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  expect(sent('/device').get('code_challenge')).toBe(challenge)
  expect(sent('/device').get('code_challenge_method')).toBe('S256')

  isStrict = false
  expect((await login()).code).toBe(0)
  expect([sent('/device').has('code_challenge'), sent('/token').has('code_verifier')]).toEqual([
    false,
    false,
  ])
})
