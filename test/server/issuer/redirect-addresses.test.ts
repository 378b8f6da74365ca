import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openIssuer, type TestIssuer } from '../../support/server/issuer-harness.ts'

const verifier = 'v'.repeat(64)
const challenge = createHash('sha256').update(verifier).digest('base64url')

function toLoginPath(redirectUri: string): string {
  const query = new URLSearchParams({
    client_id: 'sts-cli',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  return `/oauth2/authorize?${query.toString()}`
}

/** Returns the status of a login that shall lead to the address: 303 leads to the login page. */
async function beginLogin({ ask }: TestIssuer, redirectUri: string): Promise<number> {
  return (await ask({ path: toLoginPath(redirectUri) })).status
}

describe('the addresses to which a login may lead', () => {
  it('a login may lead to any port and path of this machine', async () => {
    const issuer = await openIssuer()
    for (const uri of [
      'http://127.0.0.1:8000/callback',
      'http://localhost:8080/oauth2/callback',
      'http://localhost:3000',
      'http://localhost:3000/a/b?c=d',
      'http://[::1]:1/x',
      'https://127.0.0.2:9001/oauth_callback',
    ])
      expect([uri, await beginLogin(issuer, uri)]).toEqual([uri, 303])
  })

  it('a login leads nowhere else', async () => {
    const issuer = await openIssuer({ redirectUris: ['https://app.example.com/cb'] })
    for (const uri of [
      'https://evil.example/callback',
      'http://127.0.0.1.evil.example/callback',
      'http://localhost@evil.example/callback',
      'http://a:b@localhost/callback',
      'http://localhost/callback#x',
      'http://evil.localhost/callback',
      'http://LOCALHOST:8000/callback',
      'http:localhost/callback',
      'http:\\\\localhost\\callback',
      'ftp://localhost/callback',
      'javascript:alert(1)//localhost',
      '//localhost/callback',
      'http://2130706433/callback',
      'https://app.example.com/cb/',
      'https://app.example.com/cb?x',
      'https://app.example.com:443/cb',
      '',
    ])
      expect([uri, await beginLogin(issuer, uri)]).toEqual([uri, 400])
  })

  it('a login may lead to an address that the operator named', async () => {
    const redirectUris = [
      'https://app.example.com/cb',
      'com.example.app:/cb',
      'http://console:9001/cb',
    ]
    const issuer = await openIssuer({ redirectUris })
    for (const uri of redirectUris) expect([uri, await beginLogin(issuer, uri)]).toEqual([uri, 303])
  })

  it('the code goes to the path that the login named, and to no other', async () => {
    const issuer = await openIssuer()
    const redirectUri = 'http://localhost:8080/oauth2/callback'
    const signIn = async (atToken: string): Promise<number> => {
      const code = await getCode(issuer, redirectUri)
      const form = {
        grant_type: 'authorization_code',
        client_id: 'sts-cli',
        code,
        code_verifier: verifier,
        redirect_uri: atToken,
      }
      return (await issuer.ask({ path: '/oauth2/token', form })).status
    }
    expect(await signIn(redirectUri)).toBe(200)
    expect(await signIn('http://localhost:8080/callback')).toBe(400)
  })
})

/** Signs ann in with a browser's requests. */
async function getCode({ ask }: TestIssuer, redirectUri: string): Promise<string> {
  const cookies = new Map<string, string>()
  const visit = async (path: string, form?: Readonly<Record<string, string>>): Promise<string> => {
    const headers = { cookie: [...cookies.values()].join('; ') }
    const answer = await ask(form === undefined ? { path, headers } : { path, headers, form })
    for (const line of [answer.headers['set-cookie'] ?? []].flat())
      cookies.set(line.split('=')[0] ?? '', line.split(';')[0] ?? '')
    return String(answer.headers['location'])
  }
  const page = await visit(toLoginPath(redirectUri))
  const resume = await visit(page, { username: 'ann', password: 'right' })
  const end = new URL(await visit(resume))
  expect(end.origin + end.pathname).toBe(redirectUri)
  return end.searchParams.get('code') ?? ''
}
