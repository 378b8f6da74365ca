import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { createJsonClient, type JsonClient } from '../../../src/base/undici.ts'
import type { Principal } from '../../../src/server/identity/principal.ts'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { createOpaAuthorizer } from '../../../src/server/policy/opa-authorizer.ts'

const session: Principal = {
  kind: 'session',
  accessKey: 'ABCDEFGHIJ0123456789',
  subject: 'alice',
  claims: { sub: 'alice', azp: 'my-app' },
  policyNames: ['readwrite'],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: 2_000_000_000_000,
  issuedAtMs: 1_900_000_000_000,
}
const put: AuthorizationRequest = {
  principal: session,
  action: 's3:PutObject',
  bucket: 'my-bucketname',
  object: 'my-objectname',
  conditions: new Map([['SourceIp', ['127.0.0.1']]]),
}

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function listen(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/v1/data/httpapi/authz`, server }
}

interface Logged {
  why: string
}

/** An authorizer that asks `url`, and what it logs. */
function ask(url: string, options: { timeoutMs?: number; authorization?: string } = {}) {
  const logged: Logged[] = []
  const client: JsonClient = createJsonClient({ timeoutMs: 2000, maxBytes: 64 * 1024, ...options })
  closers.push(() => client.close())
  const log = {
    info: () => {},
    warn: () => {},
    error: (facts: object) => void logged.push(facts as Logged),
  }
  return { opa: createOpaAuthorizer({ url, postJson: client.postJson, log }), logged }
}

const answer =
  (body: string, status = 200): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }

describe('what OPA answers', () => {
  it.each([
    { body: '{"result":true}', isAllowed: true },
    { body: '{"result":{"allow":true}}', isAllowed: true },
    { body: '{"result":false}', isAllowed: false },
    { body: '{"result":{"allow":false}}', isAllowed: false },
    { body: '{}', isAllowed: false },
    { body: '{"result":{}}', isAllowed: false },
    { body: '{"result":"true"}', isAllowed: false },
    { body: '{"result":{"allow":"true"}}', isAllowed: false },
    { body: '{"result":1}', isAllowed: false },
    { body: '[{"result":true}]', isAllowed: false },
    { body: 'true', isAllowed: false },
  ])('$body means $isAllowed', async ({ body, isAllowed }) => {
    const { url } = await listen(answer(body))
    expect((await ask(url).opa.authorize(put)).isAllowed).toBe(isAllowed)
  })

  it.each([
    { what: 'a 500 with a yes in it', listener: answer('{"result":true}', 500) },
    { what: 'a redirect', listener: answer('{"result":true}', 302) },
    { what: 'garbage', listener: answer('<html>') },
    { what: 'nothing', listener: answer('') },
    { what: 'more than it may', listener: answer(`{"result":true,"x":"${'x'.repeat(70_000)}"}`) },
  ])('$what is no decision, and the log says so', async ({ listener }) => {
    const { url } = await listen(listener)
    const { opa, logged } = ask(url)

    expect(await opa.authorize(put)).toEqual({
      isAllowed: false,
      reason: 'the policy engine gave no decision',
    })
    expect(logged).toHaveLength(1)
    expect(logged[0]?.why).not.toBe('')
  })

  it('a silence is a no', async () => {
    const { url } = await listen((request) => request.resume())
    expect((await ask(url, { timeoutMs: 50 }).opa.authorize(put)).isAllowed).toBe(false)
  })

  it('a dead OPA is a no, and not ready', async () => {
    const { url, server } = await listen(answer('{"result":true}'))
    await new Promise((resolve) => server.close(resolve))
    const { opa } = ask(url)

    expect((await opa.authorize(put)).isAllowed).toBe(false)
    expect(await opa.checkReady()).toBe(false)
  })

  it('an OPA that answers is ready, whatever it says', async () => {
    const { url } = await listen(answer('{"result":{"allow":false}}'))
    expect(await ask(url).opa.checkReady()).toBe(true)
  })

  it('a connection that was closed while idle is opened once more', async () => {
    let requests = 0
    const { url } = await listen((request, response) => {
      requests += 1
      // The second question meets a connection that is closed under it.
      if (requests === 2) request.socket.destroy()
      else answer('{"result":true}')(request, response)
    })
    const { opa } = ask(url)
    await opa.authorize(put)

    expect((await opa.authorize(put)).isAllowed).toBe(true)
    expect(requests).toBe(3)
  })
})

/** What one question looks like when it arrives. */
async function record(request: AuthorizationRequest, authorization?: string) {
  const seen: { body: unknown; authorization: string | undefined }[] = []
  const { url } = await listen((message, response) => {
    const reply = async (): Promise<void> => {
      seen.push({ body: await json(message), authorization: message.headers.authorization })
      response.end('{"result":true}')
    }
    void reply()
  })
  await ask(url, authorization === undefined ? {} : { authorization }).opa.authorize(request)
  return seen[0]
}

describe('what OPA is asked', () => {
  it('is MinIO’s document', async () => {
    expect((await record(put))?.body).toEqual({
      input: {
        account: 'ABCDEFGHIJ0123456789',
        groups: null,
        action: 's3:PutObject',
        bucket: 'my-bucketname',
        conditions: { SourceIp: ['127.0.0.1'] },
        owner: false,
        object: 'my-objectname',
        claims: { sub: 'alice', azp: 'my-app', accessKey: 'ABCDEFGHIJ0123456789' },
        denyOnly: false,
      },
    })
  })

  it('names root as the owner, without claims', async () => {
    const root: Principal = { ...session, kind: 'root', accessKey: 'minio', claims: {} }
    expect((await record({ ...put, principal: root }))?.body).toMatchObject({
      input: { account: 'minio', owner: true, claims: {} },
    })
  })

  it('lists groups where there are some', async () => {
    const grouped: Principal = { ...session, groups: ['staff'] }
    expect((await record({ ...put, principal: grouped }))?.body).toMatchObject({
      input: { groups: ['staff'] },
    })
  })

  it('bears the token of MINIO_POLICY_OPA_AUTH_TOKEN to the letter', async () => {
    expect((await record(put, 'Bearer of-the-operator'))?.authorization).toBe(
      'Bearer of-the-operator',
    )
    expect((await record(put))?.authorization).toBeUndefined()
  })
})
