import { describe, expect, it } from 'vitest'
import {
  ann,
  openAwsLogin,
  redirectUri,
  ssoQuery,
  verifier,
  type Answer,
  type AwsLoginHarness,
  type Texts,
} from '../../support/server/aws-login-harness.ts'

const account_id = '000000000000'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const textOf = (answer: Answer, member: string): string => String(answer.json[member])
const refusalOf = ({ status, headers, json }: Answer) => [
  status,
  headers['x-amzn-errortype'],
  json['error'],
]
const invalidGrant = [400, 'InvalidGrantException', 'invalid_grant']
const unauthorized = [401, 'UnauthorizedException', 'invalid_token']
const pending = [400, 'AuthorizationPendingException', 'authorization_pending']

async function register(harness: AwsLoginHarness): Promise<Texts> {
  const json = { clientName: 'c', clientType: 'public', scopes: ['sso:account:access'] }
  const answer = await harness.send({ path: '/client/register', json })
  expect(answer.status).toBe(200)
  return {
    clientId: textOf(answer, 'clientId'),
    clientSecret: textOf(answer, 'clientSecret'),
  }
}

async function startDevice(harness: AwsLoginHarness) {
  const client = await register(harness)
  const json = { ...client, startUrl: 'https://x.awsapps.com/start' }
  const begun = await harness.send({ path: '/device_authorization', json })
  const poll = (changes: Texts = {}) =>
    harness.send({
      path: '/token',
      json: {
        grantType: deviceGrant,
        ...client,
        deviceCode: textOf(begun, 'deviceCode'),
        ...changes,
      },
    })
  const userCode = textOf(begun, 'userCode')
  const signIn = () => harness.signIn('/minio/aws-login/device', { user_code: userCode })
  return { client, begun, poll, signIn, userCode }
}

/** Signs a person in by a code and PKCE. */
async function login(harness: AwsLoginHarness): Promise<{ client: Texts; answer: Answer }> {
  const client = await register(harness)
  const query = { ...ssoQuery, client_id: client['clientId'] ?? '' }
  const back = await harness.signIn('/authorize', query)
  const code = back.location?.searchParams.get('code') ?? ''
  const json = {
    grantType: 'authorization_code',
    ...client,
    code,
    codeVerifier: verifier,
    redirectUri,
  }
  return { client, answer: await harness.send({ path: '/token', json }) }
}

function askPortal(harness: AwsLoginHarness, path: string, token: string, query: Texts = {}) {
  const method = path === '/logout' ? 'POST' : 'GET'
  return harness.send({ method, path, query, headers: { 'x-amz-sso_bearer_token': token } })
}

describe('sso-oidc', () => {
  it('a registration lasts ninety days, in seconds', async () => {
    const harness = openAwsLogin()
    const json = {
      clientName: 'botocore-client-m',
      clientType: 'public',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['http://127.0.0.1/oauth/callback'],
      issuerUrl: 'https://local.awsapps.com/start',
      scopes: ['sso:account:access'],
    }
    const answer = await harness.send({ path: '/client/register', json })
    const nowSeconds = Math.floor(harness.clock.nowMs / 1000)
    expect(answer.json).toEqual({
      clientId: expect.any(String),
      clientSecret: expect.any(String),
      clientIdIssuedAt: nowSeconds,
      clientSecretExpiresAt: nowSeconds + 90 * 86_400,
      authorizationEndpoint: 'http://127.0.0.1:9000/authorize',
      tokenEndpoint: 'http://127.0.0.1:9000/token',
    })
  })

  it('a person lets a device in, and it gets its token once', async () => {
    const harness = openAwsLogin()
    const { begun, poll, signIn, userCode } = await startDevice(harness)
    expect(begun.json).toEqual({
      deviceCode: expect.any(String),
      userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verificationUri: 'http://127.0.0.1:9000/minio/aws-login/device',
      verificationUriComplete: `http://127.0.0.1:9000/minio/aws-login/device?user_code=${userCode}`,
      expiresIn: 600,
      interval: 1,
    })
    // The AWS CLI asks twice at once.
    expect(refusalOf(await poll())).toEqual(pending)
    expect(refusalOf(await poll())).toEqual(pending)
    harness.clock.nowMs += 1000
    const page = await signIn()
    expect(page.text).toContain(userCode)
    expect(refusalOf(await poll())).toEqual(pending)
    expect((await harness.submit(page, { answer: 'yes' })).text).toContain('Signed in')
    const answer = await poll()
    expect(answer.json).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 3600,
      refreshToken: expect.any(String),
    })
    expect(refusalOf(await poll())).toEqual(invalidGrant)
    // Nor can a second person answer.
    expect((await harness.submit(page, { answer: 'yes' })).status).toBe(400)
  })

  it('a device that asks too often is slowed down, but not at its first two questions', async () => {
    const harness = openAwsLogin()
    const { poll, signIn } = await startDevice(harness)
    const codes = []
    for (let polls = 0; polls < 3; polls += 1) codes.push((await poll()).json['error'])
    expect(codes).toEqual(['authorization_pending', 'authorization_pending', 'slow_down'])
    harness.clock.nowMs += 1000
    expect(refusalOf(await poll())).toEqual(pending)
    await harness.submit(await signIn(), { answer: 'yes' })
    expect((await poll()).status).toBe(200)
  })

  it('a person who does not let a device in ends its login', async () => {
    const harness = openAwsLogin()
    const { poll, signIn } = await startDevice(harness)
    await harness.submit(await signIn(), { answer: 'no' })
    expect(refusalOf(await poll())).toEqual([401, 'AccessDeniedException', 'access_denied'])
  })

  it('a device that nobody let in is told so after ten minutes', async () => {
    const harness = openAwsLogin()
    const { poll, signIn } = await startDevice(harness)
    harness.clock.nowMs += 600_000
    expect(refusalOf(await poll())).toEqual([400, 'ExpiredTokenException', 'expired_token'])
    expect((await signIn()).status).toBe(400)
  })

  it('a code that no device shows is refused when the person signed in', async () => {
    const page = await openAwsLogin().signIn('/minio/aws-login/device', { user_code: 'ABCD-EFGH' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('no device waits with that code')
  })

  it('a code that a person types is text on the page', async () => {
    const page = await openAwsLogin().send({ path: '/minio/aws-login/device' })
    expect(page.text).toContain('name="user_code"')
    const query = { user_code: '<script>' }
    const refused = await openAwsLogin().signIn('/minio/aws-login/device', query)
    expect(refused.text).not.toContain('<script')
  })

  it('a device code of another client or another server gives nothing', async () => {
    const harness = openAwsLogin()
    const { poll, signIn } = await startDevice(harness)
    await harness.submit(await signIn(), { answer: 'yes' })
    expect(refusalOf(await poll(await register(harness)))).toEqual(invalidGrant)
    const other = await startDevice(
      openAwsLogin({ rootSecret: 'another-root-secret-of-length-00' }),
    )
    const deviceCode = textOf(other.begun, 'deviceCode')
    expect(refusalOf(await poll({ deviceCode }))).toEqual(invalidGrant)
    expect((await poll()).status).toBe(200)
  })

  it('a code with PKCE gives tokens, and a refresh token gives new ones', async () => {
    const harness = openAwsLogin()
    const { client, answer } = await login(harness)
    expect(answer.json).toMatchObject({ tokenType: 'Bearer', expiresIn: 3600 })
    let refreshToken = textOf(answer, 'refreshToken')
    for (const before of ['provider-1', 'provider-2']) {
      harness.clock.nowMs += 3_000_000
      const json = { grantType: 'refresh_token', ...client, refreshToken }
      const renewed = await harness.send({ path: '/token', json })
      expect(renewed.json).toMatchObject({ expiresIn: 3600, accessToken: expect.any(String) })
      expect(harness.asked.at(-1)).toBe(`renew ${before}`)
      refreshToken = textOf(renewed, 'refreshToken')
    }
  })

  it.each<[string, Texts]>([
    ['a verifier of another challenge', { codeVerifier: 'w'.repeat(64) }],
    ['another redirectUri', { redirectUri: 'http://127.0.0.1:1/oauth/callback' }],
    ['a code of nobody', { code: 'x'.repeat(43) }],
  ])('%s gives nothing', async (_what, changes) => {
    const harness = openAwsLogin()
    const client = await register(harness)
    const back = await harness.signIn('/authorize', {
      ...ssoQuery,
      client_id: client['clientId'] ?? '',
    })
    const code = back.location?.searchParams.get('code') ?? ''
    const json = {
      grantType: 'authorization_code',
      ...client,
      code,
      codeVerifier: verifier,
      redirectUri,
    }
    const answer = await harness.send({ path: '/token', json: { ...json, ...changes } })
    expect(refusalOf(answer)).toEqual(invalidGrant)
  })

  it('a code of AWS Sign-In is none of sso-oidc, nor its refresh token', async () => {
    const harness = openAwsLogin()
    const client = await register(harness)
    const refreshToken = textOf(await harness.login(), 'refreshToken')
    const json = { grantType: 'refresh_token', ...client, refreshToken }
    expect(refusalOf(await harness.send({ path: '/token', json }))).toEqual(invalidGrant)
  })

  it('a registration that another server made is taken, and one that is over is not', async () => {
    const harness = openAwsLogin()
    const startUrl = 'https://x.awsapps.com/start'
    const json = { clientId: 'kept', clientSecret: 'of-a-former-root-secret', startUrl }
    expect((await harness.send({ path: '/device_authorization', json })).status).toBe(200)
    const client = await register(harness)
    harness.clock.nowMs += 90 * 86_400_000
    const late = await harness.send({
      path: '/device_authorization',
      json: { ...client, startUrl },
    })
    expect(refusalOf(late)).toEqual([401, 'InvalidClientException', 'invalid_client'])
  })

  it.each<[string, object]>([
    ['a foreign redirect', { redirectUris: ['https://evil.example/oauth/callback'] }],
    ['a confidential client', { clientType: 'confidential' }],
    ['no name', { clientName: '' }],
  ])('a registration with %s is refused', async (_what, changes) => {
    const json = { clientName: 'c', clientType: 'public', ...changes }
    const answer = await openAwsLogin().send({ path: '/client/register', json })
    expect(refusalOf(answer)).toEqual([400, 'InvalidRequestException', 'invalid_request'])
  })

  it('an unknown grant is refused', async () => {
    const harness = openAwsLogin()
    const json = { grantType: 'password', ...(await register(harness)) }
    expect(refusalOf(await harness.send({ path: '/token', json }))).toEqual([
      400,
      'UnsupportedGrantTypeException',
      'unsupported_grant_type',
    ])
  })
})

describe('the portal', () => {
  it('a person sees the account and the roles that the claims allow', async () => {
    const harness = openAwsLogin({ roles: ['reader', 'writer'] })
    const token = textOf((await login(harness)).answer, 'accessToken')
    expect((await askPortal(harness, '/assignment/accounts', token)).json).toEqual({
      accountList: [{ accountId: account_id, accountName: 'idp.example', emailAddress: 'ann' }],
    })
    const roles = await askPortal(harness, '/assignment/roles', token, { account_id })
    expect(roles.json).toEqual({
      roleList: ['by-claim', 'reader', 'writer'].map((roleName) => ({
        roleName,
        accountId: account_id,
      })),
    })
  })

  it('a long list comes in pages', async () => {
    const harness = openAwsLogin({ roles: ['reader', 'writer'] })
    const token = textOf((await login(harness)).answer, 'accessToken')
    const names: unknown[] = []
    let next: unknown = '0'
    while (typeof next === 'string') {
      const query = { account_id, max_result: '2', next_token: next }
      const { json } = await askPortal(harness, '/assignment/roles', token, query)
      names.push(...(json['roleList'] as { roleName: string }[]).map(({ roleName }) => roleName))
      next = json['nextToken']
    }
    expect(names).toEqual(['by-claim', 'reader', 'writer'])
  })

  it.each([
    ['by-claim', 'readwrite'],
    ['reader', 'readonly'],
  ])(
    'the role %s gives the rights of %s, with the end in milliseconds',
    async (role_name, policy) => {
      const harness = openAwsLogin({ roles: ['reader'] })
      const token = textOf((await login(harness)).answer, 'accessToken')
      const query = { account_id, role_name }
      const { json } = await askPortal(harness, '/federation/credentials', token, query)
      expect(json).toEqual({
        roleCredentials: {
          accessKeyId: expect.any(String),
          secretAccessKey: expect.any(String),
          sessionToken: expect.any(String),
          expiration: Math.floor(harness.clock.nowMs / 1000) * 1000 + 3_600_000,
        },
      })
      expect(await harness.inspect(json['roleCredentials'] as Texts)).toMatchObject({
        principal: { subject: 'ann', policyNames: [policy] },
      })
    },
  )

  it.each<[string, Texts]>([
    ['a role that does not exist', { role_name: 'other', account_id }],
    ['a role without a name', { account_id }],
    ['another account', { role_name: 'by-claim', account_id: '123456789012' }],
  ])('%s is forbidden, and the login goes on', async (_what, query) => {
    const harness = openAwsLogin()
    const token = textOf((await login(harness)).answer, 'accessToken')
    const answer = await askPortal(harness, '/federation/credentials', token, query)
    expect(refusalOf(answer)).toEqual([403, 'ForbiddenException', 'access_denied'])
  })

  it('a role whose trust does not name the person is forbidden', async () => {
    const harness = openAwsLogin({ roles: ['reader'] })
    const client = await register(harness)
    const query = { ...ssoQuery, client_id: client['clientId'] ?? '' }
    const back = await harness.signIn('/authorize', query, { ...ann, sub: 'bob' })
    const code = back.location?.searchParams.get('code') ?? ''
    const json = {
      grantType: 'authorization_code',
      ...client,
      code,
      codeVerifier: verifier,
      redirectUri,
    }
    const token = textOf(await harness.send({ path: '/token', json }), 'accessToken')
    const asked = { role_name: 'reader', account_id }
    const answer = await askPortal(harness, '/federation/credentials', token, asked)
    expect(answer.status).toBe(403)
  })

  it.each(['/assignment/accounts', '/assignment/roles', '/federation/credentials', '/logout'])(
    '%s wants an access token of this server that is not over',
    async (path) => {
      const harness = openAwsLogin()
      const { answer } = await login(harness)
      const query = { account_id, role_name: 'by-claim' }
      const refused = [
        await askPortal(harness, path, 'x', query),
        await askPortal(harness, path, textOf(answer, 'refreshToken'), query),
      ]
      harness.clock.nowMs += 3_600_000
      refused.push(await askPortal(harness, path, textOf(answer, 'accessToken'), query))
      for (const each of refused) expect(refusalOf(each)).toEqual(unauthorized)
    },
  )

  it('a logout ends the access token and the refresh token', async () => {
    const harness = openAwsLogin()
    const { client, answer } = await login(harness)
    const token = textOf(answer, 'accessToken')
    expect((await askPortal(harness, '/logout', token)).status).toBe(200)
    const accounts = await askPortal(harness, '/assignment/accounts', token)
    expect(refusalOf(accounts)).toEqual(unauthorized)
    const refreshToken = textOf(answer, 'refreshToken')
    const json = { grantType: 'refresh_token', ...client, refreshToken }
    expect(refusalOf(await harness.send({ path: '/token', json }))).toEqual(invalidGrant)
  })
})
