/** Pages of other origins at a whole server, over sockets. */
import { createHash } from 'node:crypto'
import { onTestFinished, describe, expect, it } from 'vitest'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'

const page = 'https://app.example'

async function open(): Promise<StartedServer> {
  const server = await startServer({ buckets: ['photos'] })
  onTestFinished(() => server.stop())
  return server
}

function preflight(url: string, method = 'PUT', origin = page): Promise<Response> {
  const headers = { origin, 'access-control-request-method': method }
  return fetch(url, { method: 'OPTIONS', headers })
}

/** Sends a request that root signed, with an Origin, as a page does. */
async function sign(
  server: StartedServer,
  method: string,
  path: string,
  text = '',
): Promise<Response> {
  const url = new URL(path, server.url)
  const headers = {
    'content-md5': createHash('md5').update(text).digest('base64'),
  }
  const payloadHash = createHash('sha256').update(text).digest('hex')
  const credentials = {
    accessKeyId: server.rootAccessKeyId,
    secretAccessKey: server.rootSecretAccessKey,
  }
  const options = { region: 'us-east-1', service: 's3', nowMs: Date.now() } as const
  const { host: _, ...signed } = signRequest(
    { method, url, headers, payloadHash },
    credentials,
    options,
  )
  const body = text === '' ? null : text
  return fetch(url, { method, headers: { ...signed, origin: page }, body })
}

describe('pages of other origins', () => {
  it('a preflight needs no signature at the STS, at S3 and for the health of the server', async () => {
    const { url } = await open()
    for (const path of [
      '/',
      '/photos',
      '/photos/a?uploads',
      '/nothing-here/a',
      '/minio/health/live',
    ]) {
      const answer = await preflight(url + path, 'POST')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('access-control-allow-origin')).toBe(page)
    }
  })

  it('a page reads why the STS or S3 refused it', async () => {
    const { url } = await open()
    const form = new URLSearchParams({ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15' })
    const refused = [
      await fetch(url, { method: 'POST', body: form, headers: { origin: page } }),
      await fetch(`${url}/photos/a`, { headers: { origin: page } }),
    ]
    for (const answer of refused) {
      expect(answer.ok).toBe(false)
      expect(answer.headers.get('access-control-allow-origin')).toBe(page)
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-amz-request-id')
      expect(await answer.text()).toContain('<Code>')
    }
  })

  it('no page reads the metrics, which this machine reads without a token, or the admin API', async () => {
    const { url } = await open()
    for (const path of ['/metrics', '/minio/admin/v1/revoke']) {
      expect((await preflight(url + path)).headers.get('access-control-allow-origin')).toBeNull()
      const answer = await fetch(url + path, { headers: { origin: page } })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('the rules of a bucket decide about that bucket, and about no other', async () => {
    const server = await open()
    const rule =
      '<CORSRule><AllowedOrigin>https://other.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'
    const text = `<CORSConfiguration>${rule}</CORSConfiguration>`
    expect((await sign(server, 'PUT', '/photos?cors', text)).status).toBe(200)
    const photo = `${server.url}/photos/a`
    const refused = await preflight(photo, 'GET')
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('<Code>AccessForbidden</Code>')
    expect((await preflight(photo, 'GET', 'https://other.example')).status).toBe(200)
    const read = await sign(server, 'GET', '/photos?cors')
    expect(read.status).toBe(200)
    expect(read.headers.get('access-control-allow-origin')).toBeNull()
    expect((await preflight(`${server.url}/videos/a`, 'GET')).status).toBe(200)
    expect((await sign(server, 'DELETE', '/photos?cors')).status).toBe(204)
    expect((await preflight(photo, 'GET')).status).toBe(200)
  })
})
