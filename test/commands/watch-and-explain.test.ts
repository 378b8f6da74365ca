/** `watch` and `explain` against a server of ours in this process. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../../src/main.ts'
import { emptySha256 } from '../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'
import { createIo, makeFolder } from '../support/commands/harness.ts'

let server: StartedServer

beforeAll(async () => {
  server = await startServer({ buckets: ['photos'] })
})
afterAll(() => server.stop())

async function ask(path: string, secretAccessKey = server.rootSecretAccessKey): Promise<string> {
  const url = new URL(path, server.url)
  const credentials = { accessKeyId: server.rootAccessKeyId, secretAccessKey }
  const unsigned = { method: 'GET', url, headers: {}, payloadHash: emptySha256 }
  const options = { region: 'us-east-1', service: 's3' as const, nowMs: Date.now() }
  const answer = await fetch(url, { headers: signRequest(unsigned, credentials, options) })
  await answer.text()
  return answer.headers.get('x-amz-request-id') ?? ''
}

async function cli(
  argv: readonly string[],
  changes: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const env = {
    HOME: await makeFolder(),
    MINIO_ROOT_USER: server.rootAccessKeyId,
    MINIO_ROOT_PASSWORD: server.rootSecretAccessKey,
    STS_CLI_STS_ENDPOINT: server.url,
    ...changes,
  }
  const io = createIo({ env })
  io.now = Date.now()
  const code = await run(argv, io)
  return { code, out: io.out.join(''), err: io.err.join('') }
}

it('watch --once prints a line for each request, with its caller and its id', async () => {
  const id = await ask('/photos/missing')
  const { code, out } = await cli(['watch', '--once'])
  expect(code).toBe(0)
  const line = out.split('\n').find((each) => each.endsWith(id)) ?? ''
  expect(line).toContain('404  GetObject  photos/missing  by root')
})

it('watch does not print the questions of watch', async () => {
  await cli(['watch', '--once'])
  expect((await cli(['watch', '--once'])).out).not.toContain('ListRequests')
})

it('watch --json prints an object a line, of the requests that the filters name', async () => {
  const id = await ask('/photos/json')
  const { out } = await cli([
    'watch',
    '--once',
    '--json',
    '--action',
    's3:GetObject',
    '--bucket',
    'photos',
  ])
  const requests = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string })
  expect(requests.map((each) => each.id)).toContain(id)
  expect((await cli(['watch', '--once', '--denied'])).out).not.toContain(id)
})

it('explain says which rule allowed a request', async () => {
  const id = await ask('/photos/a')
  const { code, out } = await cli(['explain', id])
  expect(code).toBe(0)
  expect(out).toContain('allowed s3:GetObject on photos/a: root')
})

it('explain tells of a request that no policy was asked about', async () => {
  const id = await ask('/photos/a', 'another secret of some length')
  const { out } = await cli(['explain', id])
  expect(out).toContain('SignatureDoesNotMatch')
  expect(out).toContain('no policy was asked')
})

it.each([[[]], [['xyz']], [['AB', 'CD']]])(
  'explain takes one id of a request, and not %j',
  async (ids) => {
    const { code, err } = await cli(['explain', ...ids])
    expect(code).toBe(64)
    expect(err).toContain('x-amz-request-id')
  },
)

it('explain ends with 1 for a request that the server does not know', async () => {
  const { code, err } = await cli(['explain', 'ABC'])
  expect(code).toBe(1)
  expect(err).toContain('no request of this id is kept')
})

it('watch is refused with other keys than those of root', async () => {
  const { code, err } = await cli(['watch'], {
    MINIO_ROOT_PASSWORD: 'another secret of some length',
  })
  expect(code).toBe(77)
  expect(err).toContain('does not tell its requests')
})
