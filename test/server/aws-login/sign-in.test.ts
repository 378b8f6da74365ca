import { describe, expect, it } from 'vitest'
import { decodeJwt } from '../../../src/protocol/jwt/decode-jwt.ts'
import {
  ann,
  openAwsLogin,
  origin,
  redirectUri,
  sameDevice,
  signInQuery,
  toCodeRequest,
  type Answer,
  type Texts,
} from '../../support/server/aws-login-harness.ts'
import { makeProofKey } from '../../support/server/dpop.ts'

const refreshTokenOf = (answer: Answer): string => String(answer.json['refreshToken'])
const keysOf = (answer: Answer): Texts => answer.json['accessToken'] as Texts
const refusalOf = (answer: Answer) => ({
  status: answer.status,
  type: answer.headers['x-amzn-errortype'],
  error: answer.json['error'],
})
const expired = { status: 401, type: 'AccessDeniedException', error: 'TOKEN_EXPIRED' }
const spent = { status: 401, type: 'AccessDeniedException', error: 'AUTHCODE_EXPIRED' }
const invalid = { status: 400, type: 'ValidationException', error: 'INVALID_REQUEST' }

async function signIn(harness: ReturnType<typeof openAwsLogin>): Promise<string> {
  const back = await harness.signIn('/v1/authorize', signInQuery)
  return back.location?.searchParams.get('code') ?? ''
}

describe('AWS Sign-In', () => {
  it('a person gets the credentials, the refresh token and the ID token that the AWS CLI reads', async () => {
    const harness = openAwsLogin()
    const answer = await harness.login()
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      json: {
        tokenType: 'urn:aws:params:oauth:token-type:access_token_sigv4',
        expiresIn: 900,
        accessToken: {
          accessKeyId: expect.stringMatching(/^[A-Z\d]{20}$/),
          secretAccessKey: expect.any(String),
          sessionToken: expect.any(String),
        },
      },
      facts: { operation: 'CreateOAuth2Token', caller: { subject: 'ann' } },
    })
    expect(await harness.inspect(keysOf(answer))).toMatchObject({
      outcome: 'found',
      principal: { subject: 'ann', policyNames: ['readwrite'] },
    })
    expect(decodeJwt(String(answer.json['idToken'])).claims).toMatchObject({
      sub: 'arn:aws:sts::000000000000:assumed-role/sts-cli/ann',
      iss: origin,
      aud: sameDevice,
    })
    expect(refreshTokenOf(answer).length).toBeLessThan(12_288)
  })

  it('the browser comes back to the program with its state and a code', async () => {
    const back = await openAwsLogin().signIn('/v1/authorize', signInQuery)
    expect(back.status).toBe(302)
    expect(back.location?.href.startsWith(`${redirectUri}?`)).toBe(true)
    expect(back.location?.searchParams.get('state')).toBe('the-state')
    expect(back.location?.searchParams.get('code')?.length).toBeLessThanOrEqual(512)
  })

  it('a refresh token gives new credentials by the same key, and a new refresh token', async () => {
    const harness = openAwsLogin()
    let answer = await harness.login()
    for (const before of ['provider-1', 'provider-2', 'provider-3']) {
      harness.clock.nowMs += 890_000
      const last = answer
      answer = await harness.askToken({
        grantType: 'refresh_token',
        refreshToken: refreshTokenOf(last),
      })
      expect(answer.status).toBe(200)
      expect(keysOf(answer)['accessKeyId']).not.toBe(keysOf(last)['accessKeyId'])
      expect(refreshTokenOf(answer)).not.toBe(refreshTokenOf(last))
      expect(harness.asked.at(-1)).toBe(`renew ${before}`)
    }
  })

  it('two programs that renew with one refresh token both get credentials, and the provider is asked once', async () => {
    const harness = openAwsLogin()
    const refreshToken = refreshTokenOf(await harness.login())
    const ask = () => harness.askToken({ grantType: 'refresh_token', refreshToken })
    const answers = [...(await Promise.all([ask(), ask()])), await ask()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(harness.asked.filter((text) => text.startsWith('renew'))).toHaveLength(1)
  })

  it('without a refresh token of the provider, a login lasts as long as the provider’s token', async () => {
    const harness = openAwsLogin({ isRenewing: false })
    const refreshToken = refreshTokenOf(await harness.login())
    harness.clock.nowMs += 3_000_000
    const renewed = await harness.askToken({ grantType: 'refresh_token', refreshToken })
    expect(renewed.json['expiresIn']).toBe(600)
    harness.clock.nowMs += 601_000
    const over = await harness.askToken({ grantType: 'refresh_token', refreshToken })
    expect(refusalOf(over)).toEqual(expired)
  })

  it('a login ends after twelve hours, however often it is renewed', async () => {
    const harness = openAwsLogin()
    let answer = await harness.login()
    for (let hours = 0; hours < 11; hours += 1) {
      harness.clock.nowMs += 3_600_000
      answer = await harness.askToken({
        grantType: 'refresh_token',
        refreshToken: refreshTokenOf(answer),
      })
    }
    expect(answer.status).toBe(200)
    harness.clock.nowMs += 3_600_000
    const over = await harness.askToken({
      grantType: 'refresh_token',
      refreshToken: refreshTokenOf(answer),
    })
    expect(refusalOf(over)).toEqual(expired)
  })

  it('when the provider ended the login, the client is told to sign in again', async () => {
    const harness = openAwsLogin()
    const refreshToken = refreshTokenOf(await harness.login())
    harness.endLogins()
    const answer = await harness.askToken({ grantType: 'refresh_token', refreshToken })
    expect(refusalOf(answer)).toEqual(expired)
    expect(answer.json['message']).toContain('sign in again')
  })

  it('a person whose claims allow nothing any more is refused', async () => {
    const harness = openAwsLogin()
    const back = await harness.signIn('/v1/authorize', signInQuery, { ...ann, policy: 'nothing' })
    expect(back.status).toBe(403)
    expect(back.text).toContain('nobody granted you access here')
  })
})

describe('what /v1/token refuses', () => {
  it('a code that was used', async () => {
    const harness = openAwsLogin()
    const request = toCodeRequest(await signIn(harness))
    expect((await harness.askToken(request)).status).toBe(200)
    expect(refusalOf(await harness.askToken(request))).toEqual(spent)
  })

  it('a code after a minute', async () => {
    const harness = openAwsLogin()
    const request = toCodeRequest(await signIn(harness))
    harness.clock.nowMs += 60_000
    expect(refusalOf(await harness.askToken(request))).toEqual(spent)
  })

  it.each<[string, Texts, object]>([
    ['a verifier of another challenge', { codeVerifier: 'w'.repeat(64) }, invalid],
    ['a verifier that is too short', { codeVerifier: 'v'.repeat(42) }, invalid],
    ['another redirectUri', { redirectUri: 'http://127.0.0.1:1/oauth/callback' }, invalid],
    ['another client', { clientId: 'arn:aws:signin:::devtools/cross-device' }, invalid],
    ['an unknown client', { clientId: 'other' }, invalid],
    ['a code of nobody', { code: 'x'.repeat(43) }, spent],
    ['another grant', { grantType: 'password' }, invalid],
  ])('%s', async (_what, changes, refusal) => {
    const harness = openAwsLogin()
    const request = toCodeRequest(await signIn(harness))
    expect(refusalOf(await harness.askToken({ ...request, ...changes }))).toEqual(refusal)
  })

  it.each([
    ['for another address', { claims: { htu: 'http://127.0.0.1:9001/v1/token' } }],
    ['for another path', { claims: { htu: `${origin}/token` } }],
    ['for another method', { claims: { htm: 'GET' } }],
    ['of a quarter of an hour ago', { claims: { iat: 1_796_000_000 - 900 } }],
    ['of the future', { claims: { iat: 4_000_000_000 } }],
    ['without a time', { claims: { iat: 'now' } }],
    ['without a jti', { claims: { jti: '' } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['of another algorithm', { header: { alg: 'HS256' } }],
    ['without a signature', { header: { alg: 'none' } }],
    ['without a key', { header: { jwk: undefined } }],
    ['signed by another key than it names', { header: { jwk: jwkOf(makeProofKey()) } }],
    ['with a critical extension', { header: { crit: ['x'] } }],
  ])('a DPoP proof %s', async (_what, proof) => {
    const harness = openAwsLogin()
    const request = toCodeRequest(await signIn(harness))
    const answer = await harness.askToken(request, proof)
    expect(refusalOf(answer)).toEqual(invalid)
    expect(answer.json['message']).toContain('DPoP proof')
    // The code is not spent by it.
    expect((await harness.askToken(request)).status).toBe(200)
  })

  it('a DPoP proof that was used', async () => {
    const harness = openAwsLogin()
    const refreshToken = refreshTokenOf(await harness.login())
    const request = { grantType: 'refresh_token', refreshToken }
    const proof = { claims: { jti: 'one' } }
    expect((await harness.askToken(request, proof)).status).toBe(200)
    expect(refusalOf(await harness.askToken(request, proof))).toEqual(invalid)
  })

  it('a refresh token with a proof of another key', async () => {
    const harness = openAwsLogin()
    const refreshToken = refreshTokenOf(await harness.login())
    const request = { grantType: 'refresh_token', refreshToken }
    const answer = await harness.askToken(request, { key: makeProofKey() })
    expect(refusalOf(answer)).toEqual(invalid)
    expect(harness.asked.filter((text) => text.startsWith('renew'))).toEqual([])
  })

  it('a refresh token of a server with another root secret', async () => {
    const other = openAwsLogin({ rootSecret: 'another-root-secret-of-length-00' })
    const refreshToken = refreshTokenOf(await other.login())
    const answer = await openAwsLogin().askToken({ grantType: 'refresh_token', refreshToken })
    expect(refusalOf(answer)).toEqual(expired)
  })

  it('a refresh token with a changed character', async () => {
    const harness = openAwsLogin()
    const refreshToken = refreshTokenOf(await harness.login())
    const at = refreshToken.length >> 1
    const changed = `${refreshToken.slice(0, at)}${refreshToken[at] === 'A' ? 'B' : 'A'}${refreshToken.slice(at + 1)}`
    const answer = await harness.askToken({ grantType: 'refresh_token', refreshToken: changed })
    expect(refusalOf(answer)).toEqual(expired)
  })

  it.each([['no JSON'], ['[]'], [`{"a":"${'x'.repeat(70_000)}"}`]])(
    'a body that is no JSON object, or too long',
    async (text) => {
      const harness = openAwsLogin()
      const answer = await harness.send({
        path: '/v1/token',
        form: { [text]: '' },
        headers: { 'content-type': 'application/json', dpop: 'x' },
      })
      expect(answer.status).toBe(400)
      expect(refusalOf(answer)).toEqual(invalid)
    },
  )
})

function jwkOf({ publicKey }: ReturnType<typeof makeProofKey>): object {
  return publicKey.export({ format: 'jwk' })
}
