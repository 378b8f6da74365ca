/** A minimal OpenID provider: discovery, a login without a person, codes with PKCE, device codes and tokens. A test can override each answer. */
import { createHash, sign } from 'node:crypto'
import { json, startFake, type Answer, type Fake, type Seen } from './harness.ts'
import { generateKeys } from '../generate-keys.ts'

const { privateKey } = generateKeys('rsa')

export const accessToken = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY2Nlc3MifQ.c2ln'

/** Returns a JWT with these claims. */
export function signToken(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}`
  return `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}

export interface FakeOpenId extends Fake {
  /** Overrides members of the discovery document. */
  metadata: Record<string, unknown>
  /** Overrides the parameters of the redirect back to the client. */
  callback: Record<string, string>
  /** Overrides claims of the ID token. */
  claims: Record<string, unknown>
  /** The first answers of the token endpoint instead of tokens. */
  readonly tokenAnswers: Answer[]
  /** Overrides members of the device endpoint’s answer. */
  device: Record<string, unknown>
  /** Overrides members of the token endpoint’s answer. */
  tokens: Record<string, unknown>
  /** The last authorization request. */
  asked: URLSearchParams
}

/** Starts the provider on a free port; `url` is its issuer. */
export async function startOpenId(): Promise<FakeOpenId> {
  const server = await startFake({ status: 404 })
  const fake: FakeOpenId = Object.assign(server, {
    metadata: {},
    callback: {},
    claims: {},
    tokenAnswers: [] as Answer[],
    device: {},
    tokens: {},
    asked: new URLSearchParams(),
  })
  fake.answer = (seen) => {
    const { pathname, searchParams } = new URL(seen.url, fake.url)
    if (pathname === '/.well-known/openid-configuration') return json(describe(fake))
    if (pathname === '/authorize') {
      fake.asked = searchParams
      return sendBack(fake)
    }
    if (pathname === '/device') return json(beginDevice(fake))
    if (pathname === '/token') return fake.tokenAnswers.shift() ?? grantToken(fake, seen)
    return { status: 404 }
  }
  return fake
}

function describe(fake: FakeOpenId): object {
  return {
    issuer: fake.url,
    authorization_endpoint: `${fake.url}/authorize`,
    token_endpoint: `${fake.url}/token`,
    device_authorization_endpoint: `${fake.url}/device`,
    jwks_uri: `${fake.url}/jwks`,
    ...fake.metadata,
  }
}

function sendBack(fake: FakeOpenId): Answer {
  const location = new URL(fake.asked.get('redirect_uri') ?? '')
  const given = fake.callback['error'] === undefined ? { code: 'the-code' } : {}
  const parameters = { ...given, state: fake.asked.get('state') ?? '', ...fake.callback }
  for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value)
  return { status: 302, headers: { location: location.href } }
}

function beginDevice(fake: FakeOpenId): object {
  return {
    device_code: 'the-device-code',
    user_code: 'WDJB-MJHT',
    verification_uri: `${fake.url}/activate`,
    verification_uri_complete: `${fake.url}/activate?user_code=WDJB-MJHT`,
    expires_in: 600,
    interval: 0.001,
    ...fake.device,
  }
}

function grantToken(fake: FakeOpenId, { form, headers }: Seen): Answer {
  const verifier = form.get('code_verifier') ?? ''
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  if (form.get('grant_type') === 'authorization_code') {
    const isGood =
      form.get('code') === 'the-code' &&
      challenge === fake.asked.get('code_challenge') &&
      form.get('redirect_uri') === fake.asked.get('redirect_uri')
    if (!isGood) return json({ error: 'invalid_grant' }, 400)
  }
  const basic = Buffer.from((headers.authorization ?? '').slice(6), 'base64').toString()
  const nowSeconds = Math.floor(Date.now() / 1000)
  const nonce = fake.asked.get('nonce')
  return json({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    id_token: signToken({
      iss: fake.url,
      sub: 'alice',
      aud: form.get('client_id') ?? basic.split(':')[0],
      iat: nowSeconds,
      exp: nowSeconds + 300,
      ...(nonce === null || form.get('grant_type') !== 'authorization_code' ? {} : { nonce }),
      ...fake.claims,
    }),
    ...fake.tokens,
  })
}
