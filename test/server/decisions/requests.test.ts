/** The record of decided requests of a whole server: who may read it, what it tells, and that no secret is in it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isObject } from '../../../src/base/parse.ts'
import type { Credentials } from '../../../src/protocol/credentials.ts'
import { emptySha256 } from '../../../src/protocol/sigv4/canonical-request.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../../src/server/start-server.ts'

const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::photos/*'] }
const policies = {
  reader: { Version: '2012-10-17', Statement: [statement] },
  tracer: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'admin:ServerTrace' }] },
}
const requestsPath = '/minio/admin/v3/sts-cli/requests'

let server: StartedServer
let root: Credentials
const secrets: string[] = []

async function exchange(policy: string): Promise<Credentials> {
  const token = await server.issueToken({ sub: `${policy}-user`, policy, aud: 'x' })
  const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
  const answer = await fetch(server.url, {
    method: 'POST',
    body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  const xml = await answer.text()
  const read = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? ''
  const issued = {
    accessKeyId: read('AccessKeyId'),
    secretAccessKey: read('SecretAccessKey'),
    sessionToken: read('SessionToken'),
  }
  secrets.push(token, issued.secretAccessKey, issued.sessionToken)
  return issued
}

async function ask(
  path: string,
  credentials: Credentials,
  method = 'GET',
): Promise<{ status: number; id: string; text: string }> {
  const url = new URL(path, server.url)
  const unsigned = { method, url, headers: {}, payloadHash: emptySha256 }
  const options = { region: 'us-east-1', service: 's3' as const, nowMs: Date.now() }
  const headers = signRequest(unsigned, credentials, options)
  secrets.push(/Signature=(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? '')
  const answer = await fetch(url, {
    method,
    headers: { ...headers, cookie: 'session=cookie-secret' },
  })
  const id = answer.headers.get('x-amz-request-id') ?? ''
  return { status: answer.status, id, text: await answer.text() }
}

async function list(query = ''): Promise<readonly Record<string, unknown>[]> {
  const { text } = await ask(`${requestsPath}${query}`, root)
  const json = JSON.parse(text) as { requests: unknown[] }
  return json.requests.filter(isObject)
}

beforeAll(async () => {
  server = await startServer({ buckets: ['photos'], policies, observedPolicy: 'reader' })
  root = { accessKeyId: server.rootAccessKeyId, secretAccessKey: server.rootSecretAccessKey }
  secrets.push(root.secretAccessKey, server.clientSecret, 'cookie-secret')
})
afterAll(() => server.stop())

it('root reads who asked for what, and how it was decided', async () => {
  const reader = await exchange('reader')
  const denied = await ask('/photos/2026/a.jpg?x-id=PutObject', reader, 'PUT')
  expect(denied.status).toBe(403)
  const requests = await list()
  expect(requests.find(({ id }) => id === denied.id)).toMatchObject({
    operation: 'PutObject',
    method: 'PUT',
    path: '/photos/2026/a.jpg',
    status: 403,
    principal: 'reader-user',
    accessKeyId: reader.accessKeyId,
    source: '127.0.0.1',
    error: 'AccessDenied',
    decisions: [
      {
        action: 's3:PutObject',
        bucket: 'photos',
        key: '2026/a.jpg',
        decision: 'deny',
        rule: 'no statement allows s3:PutObject (policies: reader)',
      },
    ],
    denied: 1,
  })
  expect(requests.some(({ issuedAccessKeyId: id }) => id === reader.accessKeyId)).toBe(true)
})

it('one request is told with its conditions, its policies and a remedy', async () => {
  const reader = await exchange('reader')
  const { id } = await ask('/photos/b.jpg', reader, 'DELETE')
  const { text, status } = await ask(`${requestsPath}/${id.toLowerCase()}`, root)
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({
    request: { id, operation: 'DeleteObject' },
    conditions: { SourceIp: ['127.0.0.1'], username: ['reader-user'] },
    explanations: [
      {
        action: 's3:DeleteObject',
        isAllowed: false,
        policies: [{ kind: 'identity', name: 'reader', effect: 'none' }],
        remedy: {
          statement: { Action: ['s3:DeleteObject'], Resource: ['arn:aws:s3:::photos/b.jpg'] },
        },
      },
    ],
  })
})

it('the list is filtered by caller, action, bucket, denial, time and number', async () => {
  const reader = await exchange('reader')
  await ask('/photos/c.jpg', reader, 'PUT')
  await ask('/photos/c.jpg', reader)
  const actionsOf = async (query: string): Promise<unknown[]> =>
    (await list(query)).map(({ operation }) => operation)
  const own = `principal=${reader.accessKeyId}`
  expect(await actionsOf(`?${own}`)).toEqual(['PutObject', 'GetObject'])
  expect(await actionsOf(`?${own}&denied=true`)).toEqual(['PutObject'])
  expect(await actionsOf(`?${own}&action=S3:get*`)).toEqual(['GetObject'])
  expect(await actionsOf(`?${own}&bucket=other`)).toEqual([])
  expect(await actionsOf(`?${own}&limit=1`)).toEqual(['GetObject'])
  expect(await actionsOf(`?${own}&since=${Date.now() + 60_000}`)).toEqual([])
})

it.each(['denied=perhaps', 'limit=x', 'limit=10001', 'since=-1', 'Since=1'])(
  'the list refuses the parameter %s',
  async (query) => {
    const { status, text } = await ask(`${requestsPath}?${query}`, root)
    expect(status).toBe(400)
    expect(text).toContain('InvalidArgument')
  },
)

it('only root, and who may admin:ServerTrace, reads the requests', async () => {
  const { id } = await ask('/photos/d.jpg', root)
  for (const path of [requestsPath, `${requestsPath}/${id}`]) {
    expect((await ask(path, await exchange('readwrite'))).status).toBe(403)
    expect((await ask(path, await exchange('tracer'))).status).toBe(200)
    expect((await fetch(new URL(path, server.url))).status).toBe(403)
    const url = presignUrl({ method: 'GET', url: new URL(path, server.url) }, root, {
      region: 'us-east-1',
      service: 's3',
      nowMs: Date.now(),
      expiresSeconds: 60,
    })
    expect((await fetch(url)).status).toBe(403)
    expect((await ask(path, root, 'POST')).status).toBe(405)
  }
})

it('the list tells what the observed policy would have denied, and only that if it is asked for', async () => {
  const writer = await exchange('readwrite')
  expect((await ask('/photos/g.jpg', writer, 'PUT')).status).toBe(200)
  expect((await ask('/photos/g.jpg', writer)).status).toBe(200)
  const found = await list(`?would-be-denied=true&principal=${writer.accessKeyId}`)
  expect(found.map(({ operation, decisions }) => ({ operation, decisions }))).toMatchObject([
    {
      operation: 'PutObject',
      decisions: [{ decision: 'allow', wouldDeny: 'no statement of reader allows s3:PutObject' }],
    },
  ])
})

it('a request that is not kept is not found', async () => {
  const { status, text } = await ask(`${requestsPath}/ABCDEF0123456789`, root)
  expect(status).toBe(404)
  expect(text).toContain('too long ago')
})

it('no secret of any request is in what is told of it', async () => {
  const reader = await exchange('reader')
  const presigned = presignUrl({ method: 'GET', url: new URL('/photos/e', server.url) }, reader, {
    region: 'us-east-1',
    service: 's3',
    nowMs: Date.now(),
    expiresSeconds: 60,
  })
  secrets.push(presigned.searchParams.get('X-Amz-Signature') ?? '')
  await fetch(presigned, {
    headers: { 'x-amz-server-side-encryption-customer-key': 'customer-secret' },
  })
  secrets.push('customer-secret')
  await ask('/photos/f', reader)
  const requests = await list()
  const texts = [JSON.stringify(requests)]
  for (const { id } of requests) texts.push((await ask(`${requestsPath}/${String(id)}`, root)).text)
  const all = texts.join('\n')
  expect(requests.length).toBeGreaterThan(10)
  expect(secrets.filter((secret) => secret === '' || all.includes(secret))).toEqual([])
})
