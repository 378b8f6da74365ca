import { describe, expect, it } from 'vitest'
import { createLoginProvider } from '../../../src/server/aws-login/login-provider.ts'
import { makeToken, signers } from '../../support/tokens.ts'

const discovery = {
  issuer: 'https://idp.example',
  authorization_endpoint: 'https://idp.example/authorize?kc_idp_hint=x',
  token_endpoint: 'https://idp.example/token',
}
const request = {
  redirectUri: 'http://127.0.0.1:9000/minio/aws-login/callback',
  verifier: 'v'.repeat(43),
  state: 'the-state',
  nonce: 'the-nonce',
}

function openProvider(
  answer: { status: number; json: unknown } | Error,
  { clientSecret, document = discovery }: { clientSecret?: string; document?: unknown } = {},
) {
  const asked: { url: string; form: string; headers?: Readonly<Record<string, string>> }[] = []
  const provider = createLoginProvider({
    name: 'idp',
    configUrl: 'https://idp.example',
    clientId: 'mi nio',
    clientSecret,
    scope: 'openid offline_access',
    tokens: ['id', 'access'],
    fetchJson: async (url) => {
      expect(url).toBe('https://idp.example/.well-known/openid-configuration')
      return document
    },
    postForm: async (url, form, headers) => {
      asked.push({ url, form, ...(headers && { headers }) })
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  return { provider, asked }
}

const idToken = (nonce?: string): string => makeToken(signers.RS256, { sub: 'ann', nonce })

describe('the provider behind the login', () => {
  it('the person goes to its own address, with PKCE, a state and a nonce', async () => {
    const { provider } = openProvider(new Error())
    const { origin, searchParams } = await provider.authorizationUrl(request)
    expect(origin).toBe('https://idp.example')
    expect(Object.fromEntries(searchParams)).toEqual({
      kc_idp_hint: 'x',
      response_type: 'code',
      client_id: 'mi nio',
      redirect_uri: request.redirectUri,
      scope: 'openid offline_access',
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
  })

  it('a public client sends its id, and one with a secret sends both in the header, encoded', async () => {
    const json = { access_token: 'a', refresh_token: 'r' }
    const open = openProvider({ status: 200, json })
    expect(await open.provider.redeem('c', request)).toMatchObject({ access: 'a', refresh: 'r' })
    expect(open.asked[0]?.form).toContain('client_id=mi+nio')
    const closed = openProvider({ status: 200, json }, { clientSecret: 'a:b%' })
    await closed.provider.redeem('c', request)
    expect(closed.asked[0]?.form).not.toContain('client_id')
    const basic = `Basic ${Buffer.from('mi+nio:a%3Ab%25').toString('base64')}`
    expect(closed.asked[0]?.headers).toEqual({ authorization: basic })
  })

  it('an ID token of another login is refused', async () => {
    const answer = (nonce?: string) => ({ status: 200, json: { id_token: idToken(nonce) } })
    const good = openProvider(answer('the-nonce')).provider.redeem('c', request)
    expect(await good).toMatchObject({ id: expect.any(String) })
    for (const nonce of ['other', undefined])
      await expect(openProvider(answer(nonce)).provider.redeem('c', request)).rejects.toMatchObject(
        {
          type: 'InvalidGrantException',
        },
      )
  })

  it('a renewal without a new refresh token goes on with the old one', async () => {
    const { provider } = openProvider({ status: 200, json: { access_token: 'a' } })
    expect(await provider.renew('old')).toEqual({ id: undefined, access: 'a', refresh: 'old' })
  })

  it.each([
    ['InvalidGrantException', { status: 400, json: { error: 'invalid_grant' } }],
    ['InvalidGrantException', { status: 401, json: 'no JSON object' }],
    ['InternalServerException', { status: 503, json: undefined }],
    ['InternalServerException', { status: 429, json: undefined }],
    ['InternalServerException', new Error('no answer')],
  ])('a refusal ends the login, and an outage does not: %s', async (type, answer) => {
    await expect(openProvider(answer).provider.renew('r')).rejects.toMatchObject({ type })
  })

  it('a provider without a login in a browser is named as the reason', async () => {
    const { provider } = openProvider(new Error(), { document: { issuer: 'https://idp.example' } })
    await expect(provider.authorizationUrl(request)).rejects.toThrow('offers no login in a browser')
  })
})
