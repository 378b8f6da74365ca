/** A whole server one of whose buckets is open to everybody: what else it answers to those who did not sign. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'

let server: StartedServer

beforeAll(async () => {
  server = await startServer({ buckets: ['open', 'closed'] })
  await send('PUT', '/open/a', { body: 'for all', isSigned: true })
  await send('PUT', '/closed/a', { body: 'for some', isSigned: true })
  const statement = { Effect: 'Allow', Principal: '*', Action: '*' }
  const Resource = ['arn:aws:s3:::open', 'arn:aws:s3:::open/*']
  const body = JSON.stringify({ Statement: { ...statement, Resource } })
  await send('PUT', '/open?policy', { body, isSigned: true })
})
afterAll(() => server.stop())

interface Ask {
  readonly body?: string
  readonly isSigned?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

function send(method: string, target: string, ask: Ask = {}): Promise<Response> {
  const { body, isSigned = false, headers = {} } = ask
  const url = new URL(target, server.url)
  const root = {
    accessKeyId: server.rootAccessKeyId,
    secretAccessKey: server.rootSecretAccessKey,
  }
  const scope = { region: 'us-east-1', service: 's3', nowMs: Date.now() } as const
  const signable = { method, url, headers, payloadHash: 'UNSIGNED-PAYLOAD' }
  const sent = isSigned ? signRequest(signable, root, scope) : headers
  return fetch(url, { method, headers: sent, ...(body === undefined ? {} : { body }) })
}

describe('a server with one bucket that is open to everybody', () => {
  it('answers unsigned requests about that bucket', async () => {
    expect(await (await send('GET', '/open/a')).text()).toBe('for all')
    expect((await send('PUT', '/open/b', { body: 'mine' })).status).toBe(200)
    expect(await (await send('GET', '/open?list-type=2')).text()).toContain('<Key>b</Key>')
  })

  it.each([
    ['GET', '/', 403],
    ['GET', '/closed', 403],
    ['GET', '/closed/a', 403],
    ['GET', '/closed?policy', 403],
    ['GET', '/missing/a', 403],
    ['PUT', '/new', 403],
    ['DELETE', '/open', 403],
    ['PUT', '/open?policy', 403],
    ['DELETE', '/open?policy', 403],
    ['GET', '/minio/admin/v3/info', 501],
    ['POST', '/minio/admin/v3/revoke-tokens/openid?user=a', 403],
    ['GET', '/minio/v2/metrics/cluster', 403],
  ])('answers an unsigned %s %s with %i', async (method, target, status) => {
    expect((await send(method, target)).status).toBe(status)
  })

  it.each(['GetCallerIdentity', 'AssumeRole', 'AssumeRoleWithWebIdentity'])(
    'gives no credentials by an unsigned %s',
    async (action) => {
      const body = `Action=${action}&Version=2011-06-15`
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      for (const target of ['/', '/open', '/open/']) {
        const answer = await send('POST', target, { body, headers })
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(await answer.text()).not.toContain('SecretAccessKey')
      }
    },
  )
})
