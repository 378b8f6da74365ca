/** A policy that is made of traffic allows the same traffic again, and one action more is denied. */
import { expect, it, onTestFinished } from 'vitest'
import type { Credentials } from '../../../src/protocol/credentials.ts'
import { sha256Hex } from '../../../src/protocol/digest.ts'
import { signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../../src/server/start-server.ts'

async function start(options: Parameters<typeof startServer>[0]): Promise<StartedServer> {
  const server = await startServer(options)
  onTestFinished(() => server.stop())
  return server
}

async function exchange(server: StartedServer, policy: string): Promise<Credentials> {
  const token = await server.issueToken({ sub: 'alice', policy, aud: 'x' })
  const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const xml = await (await fetch(server.url, { method: 'POST', body: form, headers })).text()
  const read = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? ''
  return {
    accessKeyId: read('AccessKeyId'),
    secretAccessKey: read('SecretAccessKey'),
    sessionToken: read('SessionToken'),
  }
}

async function ask(
  server: StartedServer,
  credentials: Credentials,
  line: string,
  body = '',
): Promise<{ status: number; text: string }> {
  const [method = '', target = ''] = line.split(' ')
  const url = new URL(target, server.url)
  const unsigned = { method, url, headers: {}, payloadHash: sha256Hex(body) }
  const options = { region: 'us-east-1', service: 's3' as const, nowMs: Date.now() }
  const headers = signRequest(unsigned, credentials, options)
  const answer = await fetch(url, { method, headers, ...(method === 'PUT' ? { body } : {}) })
  return { status: answer.status, text: await answer.text() }
}

const battery = [
  'PUT /photos/2026/a.jpg',
  'GET /photos/2026/a.jpg',
  'HEAD /photos/2026/a.jpg',
  'PUT /photos/2026/a.jpg?tagging',
  'GET /photos/2026/a.jpg?tagging',
  'GET /photos?list-type=2&prefix=2026/',
  'GET /photos?location',
  'DELETE /photos/2026/a.jpg',
]
const tagging = '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>'

it('the battery of one policy runs under the policy of its traffic, and a further action is denied', async () => {
  const first = await start({ buckets: ['photos'] })
  const root = {
    accessKeyId: first.rootAccessKeyId,
    secretAccessKey: first.rootSecretAccessKey,
  }
  const run = async (server: StartedServer, credentials: Credentials): Promise<number[]> => {
    const statuses: number[] = []
    for (const line of battery)
      statuses.push(
        (await ask(server, credentials, line, line.includes('?tagging') ? tagging : 'x')).status,
      )
    return statuses
  }
  const expected = await run(first, await exchange(first, 'readwrite'))
  expect(expected.every((status) => status < 300)).toBe(true)

  const path = '/minio/admin/v3/sts-cli/policy?principal=alice'
  const { status, text } = await ask(first, root, `GET ${path}`)
  expect(status).toBe(200)
  const traffic = JSON.parse(text) as {
    policy: object
    checked: number
    failed: unknown[]
    unused: Record<string, string[]>
  }
  expect(traffic).toMatchObject({ requests: battery.length + 1, failed: [], missing: 0 })
  expect(traffic.checked).toBeGreaterThanOrEqual(battery.length)
  expect(traffic.unused['readwrite']).toContain('s3:PutBucketPolicy')
  expect(traffic.unused['readwrite']).not.toContain('s3:PutObject')

  // The list keeps its prefix.
  expect(JSON.stringify(traffic.policy)).toContain('"s3:prefix":["2026/"]')

  const second = await start({ buckets: ['photos'], policies: { least: traffic.policy } })
  const least = await exchange(second, 'least')
  expect(await run(second, least)).toEqual(expected)
  expect((await ask(second, least, 'GET /photos?versioning')).status).toBe(403)
  expect((await ask(second, least, 'GET /photos/2026/b.jpg')).status).toBe(403)
  expect((await ask(second, least, 'GET /photos?list-type=2&prefix=')).status).toBe(403)
})

it('requests that were denied, and would be allowed by the policy of the others, are named', async () => {
  const statement = {
    Effect: 'Allow',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::photos/*',
    Condition: { StringEquals: { 'aws:UserAgent': 'editor' } },
  }
  const policies = { editor: { Version: '2012-10-17', Statement: [statement] } }
  const server = await start({ buckets: ['photos'], policies })
  const root = { accessKeyId: server.rootAccessKeyId, secretAccessKey: server.rootSecretAccessKey }
  const editor = await exchange(server, 'editor')
  const put = async (agent: string): Promise<string> => {
    const url = new URL('/photos/a', server.url)
    const unsigned = { method: 'PUT', url, headers: {}, payloadHash: sha256Hex('x') }
    const options = { region: 'us-east-1', service: 's3' as const, nowMs: Date.now() }
    const headers = { ...signRequest(unsigned, editor, options), 'user-agent': agent }
    const answer = await fetch(url, { method: 'PUT', headers, body: 'x' })
    return answer.headers.get('x-amz-request-id') ?? ''
  }
  await put('editor')
  const denied = await put('browser')
  const { text } = await ask(server, root, 'GET /minio/admin/v3/sts-cli/policy?principal=alice')
  expect(JSON.parse(text)).toMatchObject({ failed: [], widened: [denied] })
})

it('a record without an allowed request makes no policy', async () => {
  const server = await start({ buckets: ['photos'] })
  const root = { accessKeyId: server.rootAccessKeyId, secretAccessKey: server.rootSecretAccessKey }
  const { status, text } = await ask(
    server,
    root,
    'GET /minio/admin/v3/sts-cli/policy?principal=nobody',
  )
  expect(status).toBe(404)
  expect(text).toContain('no allowed request')
})
