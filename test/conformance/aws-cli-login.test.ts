/** The recorded requests of AWS's own tools, sent to our login as they are but for what a server gave out: codes, tokens, client ids. */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkProof } from '../../src/server/aws-login/check-proof.ts'
import { isAwsLoginRequest } from '../../src/server/http/aws-login-request.ts'
import {
  openAwsLogin,
  type Answer,
  type AwsLoginHarness,
  type Texts,
} from '../support/server/aws-login-harness.ts'
import { makeHttpRequest } from '../support/server/make-request.ts'

interface Recorded {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Texts
  readonly body: string
  readonly status: number
  readonly answer: Readonly<Record<string, unknown>> | string
  readonly answerHeaders: Texts
  readonly client: string
}

type Flow = 'device' | 'pkce' | 'login' | 'refresh'

const { flows } = JSON.parse(
  readFileSync(new URL('../vectors/aws-cli-login.json', import.meta.url), 'utf8'),
) as { readonly flows: Readonly<Record<Flow, readonly Recorded[]>> }

/** GetCallerIdentity is the STS's. */
const recorded = Object.entries(flows).flatMap(([flow, exchanges]) =>
  exchanges
    .filter(({ path }) => path !== '/')
    .map((exchange, index) => ({ name: `${flow} ${index + 1}: ${exchange.path}`, exchange })),
)

describe('the requests of AWS’s tools', () => {
  it.each(recorded)('$name is recognised', ({ exchange }) => {
    const { method, path: rawPath, query: rawQuery } = exchange
    const headers = new Map(Object.entries(exchange.headers))
    expect(isAwsLoginRequest(makeHttpRequest({ method, rawPath, rawQuery, headers }))).toBe(true)
  })

  it.each(recorded.filter(({ exchange }) => 'dpop' in exchange.headers))(
    '$name has a proof that we accept',
    ({ exchange }) => {
      const proof = exchange.headers['dpop'] ?? ''
      const [, claims = ''] = proof.split('.')
      const { iat } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iat: number }
      const url = `http://${exchange.headers['host']}/v1/token`
      expect(checkProof(proof, url, iat * 1000)).toMatchObject({ thumbprint: expect.any(String) })
    },
  )

  it('boto3 renews with the key with which the AWS CLI signed in', () => {
    const proofs = [...flows.login, ...flows.refresh].flatMap(
      ({ headers }) => headers['dpop'] ?? [],
    )
    const keys = proofs.map((proof) => proof.split('.')[0])
    expect(new Set(keys).size).toBe(1)
  })
})

describe('our answers', () => {
  it.each(['device', 'pkce', 'login', 'refresh'] as const)(
    'the flow %s gets every member that AWS’s tools took, of the same type',
    async (flow) => {
      const harness = openAwsLogin()
      const replaced: Record<string, string> = {}
      if (flow === 'refresh') keepTokens(replaced, (await harness.login()).json)
      for (const exchange of flows[flow]) {
        if (exchange.path === '/') continue
        const isPending = exchange.status === 400
        // The device's person answers between the two questions.
        if (!isPending && exchange.body.includes('device_code')) await letIn(harness, replaced)
        const answer = await replay(harness, exchange, replaced)
        expect(answer.status).toBe(exchange.status)
        for (const [name, value] of Object.entries(exchange.answerHeaders))
          if (name === 'location') expect(answer.location?.pathname).toBe(new URL(value).pathname)
          else expect(answer.headers[name]).toBe(value)
        if (typeof exchange.answer === 'object' && !isPending)
          expect(typesOf(answer.json)).toMatchObject(typesOf(exchange.answer) as object)
        keepTokens(replaced, answer.json)
      }
    },
  )
})

async function replay(
  harness: AwsLoginHarness,
  { method, path, query, headers, body }: Recorded,
  replaced: Record<string, string>,
): Promise<Answer> {
  const parameters = Object.fromEntries(new URLSearchParams(query))
  if (path.endsWith('/authorize')) {
    const verifier = randomUUID() + randomUUID()
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const client = replaced['clientId'] === undefined ? {} : { client_id: replaced['clientId'] }
    const answer = await harness.signIn(path, {
      ...parameters,
      ...client,
      code_challenge: challenge,
    })
    replaced['code'] = answer.location?.searchParams.get('code') ?? ''
    replaced['codeVerifier'] = verifier
    return answer
  }
  const bearer = replaced['accessToken'] ?? ''
  if (method === 'GET')
    return harness.send({
      path,
      query: { ...parameters, account_id: '000000000000', role_name: 'by-claim' },
      headers: { 'x-amz-sso_bearer_token': bearer },
    })
  const sent = JSON.parse(body) as Record<string, string>
  const known = Object.keys(sent).filter((name) => replaced[name] !== undefined)
  const json = { ...sent, ...Object.fromEntries(known.map((name) => [name, replaced[name] ?? ''])) }
  return 'dpop' in headers ? harness.askToken(json) : harness.send({ path, json })
}

function keepTokens(
  replaced: Record<string, string>,
  json: Readonly<Record<string, unknown>>,
): void {
  // The client of AWS Sign-In is always the same.
  for (const name of [
    'clientId',
    'clientSecret',
    'deviceCode',
    'accessToken',
    'refreshToken',
    'userCode',
  ])
    if (typeof json[name] === 'string') replaced[name] = json[name]
}

async function letIn(harness: AwsLoginHarness, replaced: Texts): Promise<void> {
  const query = { user_code: replaced['userCode'] ?? '' }
  await harness.submit(await harness.signIn('/minio/aws-login/device', query), { answer: 'yes' })
}

function typesOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, typesOf(member)]))
}
