import { describe, expect, it } from 'vitest'
import { openIssuer, type Answer } from '../../support/server/issuer-harness.ts'

const page = 'https://app.example'
const endpoints = [
  '/oauth2/token',
  '/oauth2/jwks',
  '/oauth2/userinfo',
  '/oauth2/device_authorization',
  '/oauth2/revoke',
  '/.well-known/openid-configuration',
  '/oauth2/token/.well-known/openid-configuration',
]
const preflight = {
  method: 'OPTIONS',
  headers: {
    origin: page,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, content-type',
  },
}

function corsOf({ headers }: Answer): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'))
}

describe('pages of other origins at the embedded provider', () => {
  it.each(endpoints)('a preflight of %s is answered', async (path) => {
    const { ask } = await openIssuer()
    expect(await ask({ ...preflight, path })).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': page,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'authorization, content-type',
        vary: 'Origin',
      },
    })
  })

  it.each(endpoints)(
    'a page of an origin that is not allowed gets nothing from %s',
    async (path) => {
      const { ask } = await openIssuer({ isOriginAllowed: (origin) => origin !== page })
      const refused = await ask({ ...preflight, path })
      expect(refused.status).toBe(403)
      expect(corsOf(refused)).toEqual([])
      expect(corsOf(await ask({ path, headers: { origin: page } }))).toEqual([])
      expect(corsOf(await ask({ path, form: { a: 'b' }, headers: { origin: page } }))).toEqual([])
    },
  )

  it('a page reads a token, and the refusal of one', async () => {
    const { ask } = await openIssuer()
    const headers = { origin: page }
    const grant = { grant_type: 'password', username: 'ann', client_id: 'sts-cli' }
    const path = '/oauth2/token'
    const got = await ask({ path, form: { ...grant, password: 'right' }, headers })
    expect(got).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': page } })
    const refused = await ask({ path, form: { ...grant, password: 'wrong' }, headers })
    expect(refused).toMatchObject({ status: 400, headers: { 'access-control-allow-origin': page } })
    const unknown = await ask({ path, form: { ...grant, client_id: 'nobody' }, headers })
    expect(unknown).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': page } })
  })

  it('a program that names an origin which is not allowed is answered as any other program', async () => {
    const { ask } = await openIssuer({ isOriginAllowed: () => false })
    const form = { grant_type: 'client_credentials' }
    const answer = await ask({
      path: '/oauth2/token',
      form,
      auth: 'app:app-secret',
      headers: { origin: page },
    })
    expect(answer.status).toBe(200)
    expect(corsOf(answer)).toEqual([])
  })

  it('no page reads the login page, and no answer lets a page send cookies', async () => {
    const { ask } = await openIssuer()
    const query = 'client_id=sts-cli&response_type=code&redirect_uri=http://127.0.0.1/callback'
    for (const path of [`/oauth2/authorize?${query}`, '/oauth2/device', '/oauth2/login/x'])
      expect(corsOf(await ask({ path, headers: { origin: page } }))).toEqual([])
    for (const path of endpoints) {
      const answer = await ask({ path, headers: { origin: page } })
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
    }
  })
})
