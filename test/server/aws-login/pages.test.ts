import { describe, expect, it } from 'vitest'
import {
  ann,
  openAwsLogin,
  origin,
  signInQuery,
  ssoQuery,
  toCodeRequest,
  type Texts,
} from '../../support/server/aws-login-harness.ts'

const roles = ['reader', 'writer']

describe('the pages of the login', () => {
  it('a person with one role sees no page of ours', async () => {
    expect((await openAwsLogin().signIn('/v1/authorize', signInQuery)).status).toBe(302)
  })

  it('a person with several roles chooses one, and gets its rights', async () => {
    const harness = openAwsLogin({ roles })
    const page = await harness.signIn('/v1/authorize', signInQuery)
    expect(page.status).toBe(200)
    expect(page.text).toContain('>by-claim</button>')
    expect(page.text).toContain('>writer</button>')
    const back = await harness.submit(page, { role: 'arn:minio:iam:us-east-1::role/writer' })
    const code = back.location?.searchParams.get('code') ?? ''
    const { json } = await harness.askToken(toCodeRequest(code))
    expect(await harness.inspect(json['accessToken'] as Texts)).toMatchObject({
      principal: { policyNames: ['readonly'] },
    })
  })

  it('a role that is not the person’s gives no code', async () => {
    const harness = openAwsLogin({ roles })
    const page = await harness.signIn('/v1/authorize', signInQuery)
    const back = await harness.submit(page, { role: 'arn:minio:iam:us-east-1::role/other' })
    expect(back).toMatchObject({ status: 403, location: undefined })
  })

  it('a page has no script, and no other page can frame it or learn of it', async () => {
    const page = await openAwsLogin({ roles }).signIn('/v1/authorize', signInQuery)
    const policy = page.headers['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("form-action 'self' http://127.0.0.1:40107")
    expect(page.headers).toMatchObject({
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
  })

  it('a name is text on a page, whatever it contains', async () => {
    const claims = { ...ann, name: '<script>alert(1)</script>', preferred_username: '<script>"&' }
    const page = await openAwsLogin({ roles }).signIn('/v1/authorize', signInQuery, claims)
    expect(page.status).toBe(200)
    expect(page.text).not.toContain('<script')
    expect(page.text).toContain('&lt;script&gt;')
  })

  it('aws login --remote gets a page with the text to paste', async () => {
    const query = {
      ...signInQuery,
      client_id: 'arn:aws:signin:::devtools/cross-device',
      redirect_uri: `${origin}/v1/sessions/confirmation`,
    }
    const harness = openAwsLogin()
    const page = await harness.signIn('/v1/authorize', query)
    const [, text = ''] = /<code>([^<]+)<\/code>/.exec(page.text) ?? []
    const pasted = new URLSearchParams(Buffer.from(text, 'base64').toString())
    expect(pasted.get('state')).toBe('the-state')
    const { status } = await harness.askToken({
      ...toCodeRequest(pasted.get('code') ?? ''),
      clientId: query.client_id,
      redirectUri: query.redirect_uri,
    })
    expect(status).toBe(200)
  })

  it('the browser goes back to the program when the person cancels at the provider', async () => {
    const harness = openAwsLogin()
    const begun = await harness.send({ path: '/v1/authorize', query: signInQuery })
    const back = await harness.send({
      path: '/minio/aws-login/callback',
      query: {
        error: 'access_denied',
        state: begun.location?.searchParams.get('state') ?? '',
      },
      headers: { cookie: begun.headers['set-cookie']?.split(';')[0] ?? '' },
    })
    expect(back.location?.searchParams.get('error')).toBe('access_denied')
    expect(back.location?.searchParams.get('state')).toBe('the-state')
  })
})

describe('the browser of a login', () => {
  it('its cookie is for the pages of the login alone, and no script reads it', async () => {
    const { headers } = await openAwsLogin().send({ path: '/v1/authorize', query: signInQuery })
    expect(headers['set-cookie']).toMatch(
      /^sts-cli-login-[\da-f]{12}=[\w-]{43}; Path=\/minio\/aws-login\/; Max-Age=600; HttpOnly; SameSite=Lax$/,
    )
  })

  it.each(['', 'sts-cli-login-000000000000=x'])(
    'another browser cannot go on with a login: cookie «%s»',
    async (cookie) => {
      const harness = openAwsLogin()
      const begun = await harness.send({ path: '/v1/authorize', query: signInQuery })
      const state = begun.location?.searchParams.get('state') ?? ''
      const back = await harness.send({
        path: '/minio/aws-login/callback',
        query: { code: 'provider-code', state },
        headers: { cookie },
      })
      expect(back.status).toBe(400)
      expect(harness.asked).toEqual([])
    },
  )

  it('another browser cannot post the form of a page', async () => {
    const harness = openAwsLogin({ roles })
    const page = await harness.signIn('/v1/authorize', signInQuery)
    const role = 'arn:minio:iam:us-east-1::role/writer'
    expect((await harness.submit(page, { role }, 'sts-cli-login-0=x')).status).toBe(400)
  })

  it('a login that was begun ten minutes ago is over', async () => {
    const harness = openAwsLogin({ roles })
    const page = await harness.signIn('/v1/authorize', signInQuery)
    harness.clock.nowMs += 600_000
    const role = 'arn:minio:iam:us-east-1::role/writer'
    expect((await harness.submit(page, { role })).status).toBe(400)
  })
})

describe('requests for a code', () => {
  it.each<[string, string]>([
    ['redirect_uri', 'https://evil.example/oauth/callback'],
    ['redirect_uri', 'http://127.0.0.1.evil.example/oauth/callback'],
    ['redirect_uri', 'http://127.0.0.1:80@evil.example/oauth/callback'],
    ['redirect_uri', 'http://evil@127.0.0.1/oauth/callback'],
    ['redirect_uri', 'https://127.0.0.1/oauth/callback'],
    ['redirect_uri', 'http://127.0.0.1:99999/oauth/callback'],
    ['redirect_uri', 'http://127.0.0.1/other'],
    ['redirect_uri', 'http://127.0.0.1/oauth/callback?x=1'],
    ['redirect_uri', 'javascript:alert(1)//oauth/callback'],
    ['redirect_uri', `${origin}/v1/sessions/confirmation`],
    ['redirect_uri', ''],
    ['code_challenge_method', 'plain'],
    ['code_challenge_method', ''],
    ['code_challenge', 'short'],
    ['response_type', 'token'],
    ['state', ''],
    ['state', 's'.repeat(513)],
    ['client_id', 'other'],
  ])('the parameter %s cannot be «%s»', async (name, value) => {
    const answer = await openAwsLogin().send({
      path: '/v1/authorize',
      query: { ...signInQuery, [name]: value },
    })
    expect(answer).toMatchObject({ status: 400, location: undefined })
    expect(answer.text).toContain(name)
  })

  it.each([
    ['/v1/authorize', signInQuery],
    ['/authorize', ssoQuery],
  ])('%s accepts any port of this machine', async (path, query) => {
    for (const host of ['127.0.0.1:1', '127.0.0.1', 'localhost:65535', '[::1]:8400']) {
      const redirect_uri = `http://${host}/oauth/callback`
      const answer = await openAwsLogin().send({ path, query: { ...query, redirect_uri } })
      expect(answer.status).toBe(302)
    }
  })

  it('a server without a provider says so', async () => {
    const harness = openAwsLogin({ options: { provider: undefined } })
    const answer = await harness.send({ path: '/v1/authorize', query: signInQuery })
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('nobody can sign in at this server')
  })
})
