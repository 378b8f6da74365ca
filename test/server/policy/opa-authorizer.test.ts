import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import { createJsonClient, type JsonClient } from '../../../src/base/http/json-client.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { createOpaAuthorizer } from '../../../src/server/policy/opa-authorizer.ts'
import { makeRequest, session } from '../../support/server/policy-requests.ts'

const put = makeRequest({
  action: 's3:PutObject',
  at: 'my-bucketname/my-objectname',
  conditions: { SourceIp: '127.0.0.1' },
})

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

/** Returns an authorizer that asks `url`, and its log. */
function ask(url: string, options: { timeoutMs?: number; authorization?: string } = {}) {
  const logged: Logged[] = []
  const client: JsonClient = createJsonClient({ timeoutMs: 2000, maxBytes: 64 * 1024, ...options })
  closers.push(() => client.close())
  const log = {
    info: () => {},
    warn: () => {},
    error: (facts: object) => void logged.push(facts as Logged),
  }
  return { opa: createOpaAuthorizer({ form: 'opa', url, postJson: client.postJson, log }), logged }
}

const answer =
  (body: string, status = 200): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }

const undecided = 'the policy engine has no rule that decides it (undefined)'
const unclear = 'the policy engine answered neither true nor false'

describe('answers of OPA', () => {
  it.each([
    ['{"result":true}', true, 'allowed by the policy engine'],
    ['{"result":{"allow":true}}', true, 'allowed by the policy engine'],
    ['{"result":{"allow":true,"reasons":["x"]}}', true, 'allowed by the policy engine'],
    ['{"result":false}', false, 'the policy engine says no'],
    ['{"result":{"allow":false}}', false, 'the policy engine says no'],
    ['{}', false, undecided],
    ['{"allow":true}', false, undecided],
    ['{"result":{}}', false, undecided],
    ['{"result":{"Allow":true}}', false, undecided],
    ['{"result":null}', false, unclear],
    ['{"result":"true"}', false, unclear],
    ['{"result":{"allow":"true"}}', false, unclear],
    ['{"result":1}', false, unclear],
    ['{"result":[true]}', false, unclear],
    ['[{"result":true}]', false, unclear],
    ['true', false, unclear],
  ])('the OPA answer %s allows the request: %s, %s', async (body, isAllowed, reason) => {
    const { url } = await listen(answer(body))
    const { opa, logged } = ask(url)
    expect(await opa.authorize(put)).toEqual({ isAllowed, reason })
    expect(logged).toEqual([])
  })

  const yes = '{"result":true}'
  it.each<[string, string, RequestListener]>([
    ['a 500 with result true', 'answered HTTP 500', answer(yes, 500)],
    ['a 401', 'answered HTTP 401', answer('{}', 401)],
    ['a redirect', 'answered HTTP 302, a redirect that is not followed', answer(yes, 302)],
    ['garbage', 'answered what is not JSON', answer('<html>hunter2</html>')],
    ['half an answer', 'answered what is not JSON', answer('{"result":tr')],
    ['an empty body', 'answered what is not JSON', answer('')],
    [
      'an answer over the limit',
      'answered more than 65536 bytes',
      answer(`{"result":true,"x":"${'x'.repeat(70_000)}"}`),
    ],
    [
      'an answer of 100 MB',
      'answered more than 65536 bytes',
      (_request, response) => flood(response),
    ],
    [
      'a closed connection',
      'closed the connection without an answer',
      (request) => void request.socket.destroy(),
    ],
    ['silence', 'gave no answer within 300 ms', (request) => void request.resume()],
    [
      'a head and then silence',
      'gave no answer within 300 ms',
      (_request, response) => void response.writeHead(200).write('{"result":'),
    ],
  ])('%s denies the request, and the log says that OPA %s', async (what, why, listener) => {
    const { url } = await listen(listener)
    const { opa, logged } = ask(url, /silence/.test(what) ? { timeoutMs: 300 } : {})

    expect(await opa.authorize(put)).toEqual({
      isAllowed: false,
      reason: `the policy engine ${why}`,
    })
    expect(logged).toEqual([{ why }])
  })

  it('an unreachable OPA denies the request, and is not ready', async () => {
    const { url, server } = await listen(answer(yes))
    await new Promise((resolve) => server.close(resolve))
    const { opa } = ask(url)

    expect(await opa.authorize(put)).toEqual({
      isAllowed: false,
      reason: 'the policy engine cannot be reached (ECONNREFUSED)',
    })
    expect(await opa.checkReady()).toBe(false)
  })

  it('an OPA that answers is ready, whatever it answers', async () => {
    const { url } = await listen(answer('{"result":{"allow":false}}'))
    expect(await ask(url).opa.checkReady()).toBe(true)
  })
})

/** Answers true, followed by a hundred megabytes as fast as the client reads them. */
function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const megabyte = ' '.repeat(1024 * 1024)
  let left = 100
  const write = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (!response.write(megabyte)) {
        response.once('drain', write)
        return
      }
    }
    response.end('{"result":true}')
  }
  write()
}

describe('connections to OPA', () => {
  it('connections to OPA are reused', async () => {
    const { url, server } = await listen(answer('{"result":true}'))
    let connections = 0
    server.on('connection', () => (connections += 1))
    const { opa } = ask(url)
    for (let i = 0; i < 20; i += 1) await opa.authorize(put)
    // A client reads a reply a moment before its connection is free again.
    expect(connections).toBeLessThan(5)
  })

  /** Closes the connection at the questions with these numbers. */
  async function listenAndCut(cut: (nth: number) => boolean) {
    let requests = 0
    const { url } = await listen((request, response) => {
      requests += 1
      if (cut(requests)) request.socket.destroy()
      else answer('{"result":true}')(request, response)
    })
    return { ...ask(url), count: () => requests }
  }

  it('a question is asked again if OPA closed its connection while it was idle', async () => {
    const { opa, count } = await listenAndCut((nth) => nth === 2)
    await opa.authorize(put)
    expect((await opa.authorize(put)).isAllowed).toBe(true)
    expect(count()).toBe(3)
  })

  it('a question is asked at most twice: if the connection closes again, the request is denied', async () => {
    const { opa, count } = await listenAndCut((nth) => nth > 1)
    await opa.authorize(put)
    expect((await opa.authorize(put)).isAllowed).toBe(false)
    expect(count()).toBe(3)
  })
})

/** Returns one question as OPA receives it. */
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

describe('questions to OPA', () => {
  it('a question to OPA is MinIO’s document', async () => {
    expect((await record(put))?.body).toEqual({
      input: {
        account: 'ABCDEFGHIJ0123456789',
        groups: null,
        action: 's3:PutObject',
        bucket: 'my-bucketname',
        conditions: {
          SourceIp: ['127.0.0.1'],
          sub: ['alice'],
          azp: ['my-app'],
          accessKey: ['ABCDEFGHIJ0123456789'],
          accesskey: ['ABCDEFGHIJ0123456789'],
          userid: ['ABCDEFGHIJ0123456789'],
          username: ['ABCDEFGHIJ0123456789'],
        },
        owner: false,
        object: 'my-objectname',
        claims: { sub: 'alice', azp: 'my-app', accessKey: 'ABCDEFGHIJ0123456789' },
        denyOnly: false,
      },
    })
  })

  it('OPA is asked about a bucket’s HEAD by MinIO’s two actions, and either yes allows it', async () => {
    for (const allowed of ['s3:HeadBucket', 's3:ListBucket', 'none']) {
      const asked: unknown[] = []
      const postJson = async (_url: string, body: unknown): Promise<unknown> => {
        const { action } = (body as { input: { action: string } }).input
        asked.push(action)
        return { result: action === allowed }
      }
      const opa = createOpaAuthorizer({ form: 'opa', url: 'http://opa/', postJson, log: silentLog })
      const head = makeRequest({ action: 's3:ListBucket', at: 'bucket' })
      const { isAllowed } = await opa.authorize({ ...head, otherAction: 's3:HeadBucket' })
      expect(isAllowed).toBe(allowed !== 'none')
      const both = ['s3:HeadBucket', 's3:ListBucket']
      expect(asked).toEqual(allowed === 's3:HeadBucket' ? ['s3:HeadBucket'] : both)
    }
  })

  it('a question to OPA names root as the owner, without claims', async () => {
    const root: Principal = { ...session, kind: 'root', accessKey: 'minio', claims: {} }
    expect((await record({ ...put, principal: root }))?.body).toMatchObject({
      input: { account: 'minio', owner: true, claims: {} },
    })
  })

  it('a question to OPA lists the groups of the principal', async () => {
    const grouped: Principal = { ...session, groups: ['staff'] }
    expect((await record({ ...put, principal: grouped }))?.body).toMatchObject({
      input: { groups: ['staff'] },
    })
  })

  it('a question to OPA carries MINIO_POLICY_OPA_AUTH_TOKEN unchanged', async () => {
    expect((await record(put, 'Bearer of-the-operator'))?.authorization).toBe(
      'Bearer of-the-operator',
    )
    expect((await record(put))?.authorization).toBeUndefined()
  })
})
