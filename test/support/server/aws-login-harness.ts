/** The login of AWS's tools in this process: requests and replies are values, the clock stands still, and the provider answers from memory. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createLoginMemory } from '../../../src/server/aws-login/login-memory.ts'
import { LoginError } from '../../../src/server/aws-login/login-error.ts'
import {
  createAwsLoginHandler,
  type AwsLoginOptions,
} from '../../../src/server/aws-login/handle-aws-login.ts'
import type { LoginProvider, PersonTokens } from '../../../src/server/aws-login/login-provider.ts'
import type { HttpReply, HttpRequest } from '../../../src/server/http/http-message.ts'
import type { RequestFacts } from '../../../src/server/http/request-facts.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { checkSessionPolicy } from '../../../src/server/policy/session-policy.ts'
import { createTokenRole } from '../../../src/server/policy/token-role.ts'
import { createKeyLocks } from '../../../src/server/s3/filesystem/key-locks.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { createAuthorizationMessages } from '../../../src/server/sts/authorization-messages.ts'
import { keySet, makeToken, signers } from '../tokens.ts'
import { makeProof, makeProofKey, type ProofChanges } from './dpop.ts'
import { jwksUrl, makeProvider } from './fake-provider.ts'
import { makeHttpRequest } from './make-request.ts'

export const origin = 'http://127.0.0.1:9000'
export const sameDevice = 'arn:aws:signin:::devtools/same-device'
export const verifier = 'v'.repeat(64)
export const challenge = createHash('sha256').update(verifier).digest('base64url')
export const redirectUri = 'http://127.0.0.1:40107/oauth/callback'
export const issuer = 'https://idp.example'

export type Texts = Readonly<Record<string, string>>

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly query?: Texts
  readonly headers?: Texts
  readonly json?: unknown
  readonly form?: Texts
  readonly slot?: HttpRequest['slot']
}

export interface Answer {
  readonly status: number
  readonly headers: Texts
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  readonly location: URL | undefined
  readonly facts: RequestFacts
}

export interface AwsLoginHarness {
  readonly clock: { nowMs: number }
  /** What was asked of the provider. */
  readonly asked: string[]
  /** Makes the provider end every login. */
  endLogins(): void
  readonly key: ReturnType<typeof makeProofKey>
  send(ask: Ask): Promise<Answer>
  /** Begins a login in a browser, and comes back from the provider as the person of these claims. */
  signIn(path: string, query: Texts, claims?: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Sends a form of the last page, with the browser's cookie. */
  submit(page: Answer, fields: Texts, cookie?: string): Promise<Answer>
  /** Posts to `/v1/token` with a proof. */
  askToken(
    json: Texts,
    proof?: ProofChanges & { key?: ReturnType<typeof makeProofKey> },
  ): Promise<Answer>
  /** Signs in by AWS Sign-In. @returns What the client gets. */
  login(claims?: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Looks an access key up as S3 does. */
  inspect(keys: Texts): Promise<unknown>
}

export const signInQuery: Texts = {
  response_type: 'code',
  client_id: sameDevice,
  state: 'the-state',
  code_challenge_method: 'SHA-256',
  scope: 'openid',
  redirect_uri: redirectUri,
  code_challenge: challenge,
}

export const ssoQuery: Texts = {
  response_type: 'code',
  client_id: 'client',
  state: 'the-state',
  code_challenge_method: 'S256',
  scopes: 'sso:account:access',
  redirect_uri: redirectUri,
  code_challenge: challenge,
}

export const ann = { sub: 'ann', aud: 'app', iss: issuer, policy: 'readwrite' }

export interface HarnessChanges {
  /** Names of roles that Ann may assume. */
  readonly roles?: readonly string[]
  readonly rootSecret?: string
  /** False for a provider that gives no refresh tokens. */
  readonly isRenewing?: boolean
  readonly options?: Partial<AwsLoginOptions>
}

export function openAwsLogin(changes: HarnessChanges = {}): AwsLoginHarness {
  const { roles = [], rootSecret = 'a-root-secret-of-some-length-000', isRenewing = true } = changes
  const fake = makeProvider({ [jwksUrl]: keySet })
  const { clock, nowMs, log } = fake
  const sessions = createDerivedSessions({ rootSecret, nowMs })
  const tokenVerifier = createTokenVerifier({ ...fake, jwksUrl })
  const root = { accessKeyId: 'root', secretAccessKey: rootSecret }
  const asked: string[] = []
  let isOver = false
  let claims: Readonly<Record<string, unknown>> = ann
  let count = 0
  const giveTokens = (nonce?: string): PersonTokens => {
    count += 1
    const exp = Math.floor(clock.nowMs / 1000) + 3600
    const token = makeToken(signers.RS256, { ...claims, exp, jti: String(count), nonce })
    return { id: undefined, access: token, refresh: isRenewing ? `provider-${count}` : undefined }
  }
  const provider: LoginProvider = {
    name: 'idp.example',
    tokens: ['access'],
    async authorizationUrl(request) {
      const url = new URL('https://idp.example/authorize')
      for (const [name, value] of Object.entries(request)) url.searchParams.set(name, value)
      return url
    },
    async redeem(code, request) {
      asked.push(`redeem ${code} ${request.verifier}`)
      return giveTokens()
    },
    async renew(refreshToken) {
      asked.push(`renew ${refreshToken}`)
      if (isOver) throw new LoginError('InvalidGrantException', 'the provider ended the login')
      return giveTokens()
    },
  }
  const locks = createKeyLocks()
  const handler = createAwsLoginHandler({
    sts: {
      authenticator: createRequestAuthenticator({ root, sessions, region: '', nowMs }),
      authorizer: combinePolicies(createIamAuthorizer({ policies: cannedPolicies })),
      authorizationMessages: createAuthorizationMessages(root.secretAccessKey),
      sessions,
      tokenVerifier,
      roles: new Map(
        roles.map((name) => {
          const trust = { issuer, audience: 'app', conditions: { StringEquals: { sub: 'ann' } } }
          const text = JSON.stringify({ name, policies: ['readonly'], trust })
          const arn = `arn:minio:iam:us-east-1::role/${name}`
          const verifiers = new Map([[issuer, tokenVerifier]])
          return [arn, createTokenRole(arn, parseRoleDocument(text, 'role'), verifiers)]
        }),
      ),
      policyClaim: 'policy',
      knownPolicies: cannedPolicies,
      isPolicyClaimRequired: true,
      checkSessionPolicy,
      limits: {
        minDurationSeconds: 900,
        maxDurationSeconds: 31_536_000,
        defaultDurationSeconds: 3600,
        isLongerThanTokenAllowed: false,
      },
      nowMs,
      log,
    },
    provider,
    rootSecret,
    memory: createLoginMemory(nowMs),
    hold: (name, work) => locks.hold(name, work),
    ...changes.options,
  })
  const key = makeProofKey()
  let browserCookie = ''
  const send = async (ask: Ask): Promise<Answer> => {
    const { reply, facts } = await handler(toRequest(ask))
    browserCookie = reply.headers?.['set-cookie']?.split(';')[0] ?? browserCookie
    return toAnswer(reply, facts)
  }
  const harness: AwsLoginHarness = {
    clock,
    asked,
    endLogins: () => void (isOver = true),
    key,
    send,
    async signIn(path, query, given = ann) {
      claims = given
      const begun = await send({ path, query })
      const state = begun.location?.searchParams.get('state') ?? ''
      return send({
        path: '/minio/aws-login/callback',
        query: { code: 'provider-code', state },
        headers: { cookie: browserCookie },
      })
    },
    submit(page, fields, cookie = browserCookie) {
      const [, login = ''] = /name="login" value="([^"]*)"/.exec(page.text) ?? []
      const form = { login, ...fields }
      return send({ path: '/minio/aws-login/continue', form, headers: { cookie } })
    },
    askToken(json, { key: other = key, ...proof } = {}) {
      const dpop = makeProof(other, { url: `${origin}/v1/token`, nowMs: clock.nowMs }, proof)
      return send({ path: '/v1/token', json: { clientId: sameDevice, ...json }, headers: { dpop } })
    },
    async login(given) {
      const back = await harness.signIn('/v1/authorize', signInQuery, given)
      const code = back.location?.searchParams.get('code') ?? ''
      return harness.askToken(toCodeRequest(code))
    },
    inspect: ({ accessKeyId = '', sessionToken }) => sessions.lookUp(accessKeyId, sessionToken),
  }
  return harness
}

/** Returns the body with which a client trades a code. */
export function toCodeRequest(code: string): Texts {
  return { grantType: 'authorization_code', code, codeVerifier: verifier, redirectUri }
}

function toRequest({ path, query = {}, headers = {}, json, form, method, slot }: Ask) {
  const body =
    json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json)
  const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json'
  return makeHttpRequest({
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    rawPath: path,
    rawQuery: new URLSearchParams(query).toString(),
    headers: new Map(
      Object.entries({
        host: '127.0.0.1:9000',
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      }),
    ),
    slot,
    body: Readable.from(body === undefined ? [] : [Buffer.from(body)], { objectMode: false }),
  })
}

function toAnswer({ status, headers = {}, body }: HttpReply, facts: RequestFacts): Answer {
  const text = typeof body === 'string' ? body : ''
  const { location } = headers
  return {
    status,
    headers,
    text,
    json: text.startsWith('{') ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {},
    location: location === undefined ? undefined : new URL(location),
    facts,
  }
}
