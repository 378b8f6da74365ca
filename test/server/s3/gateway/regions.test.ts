import type { LookupAddress } from 'node:dns'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openHarness, region, type Harness } from '../../../support/server/s3-harness.ts'
import {
  errorXml,
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

// The names of AWS resolve to this machine here.
vi.mock('node:dns', () => ({
  lookup: (_host: string, _options: object, found: (error: null, all: LookupAddress[]) => void) =>
    found(null, [{ address: '127.0.0.1', family: 4 }]),
}))

const scopeOf = (headers: Readonly<Record<string, string>>): string =>
  /\/([\w-]*)\/s3\//.exec(headers['authorization'] ?? '')?.[1] ?? ''

describe('regions', () => {
  it('the gateway detects the region of its upstream at start, and tells clients its own region', async () => {
    const upstream = await startUpstream()
    const scopes: string[] = []
    upstream.answer = ({ headers }, response) => {
      const scope = /\/(\w[\w-]*)\/s3\//.exec(headers['authorization'] ?? '')?.[1] ?? ''
      scopes.push(scope)
      if (scope === 'eu-west-9') {
        response.setHeader('x-amz-bucket-region', 'eu-west-9')
        response.end('<LocationConstraint>eu-west-9</LocationConstraint>')
        return
      }
      response.statusCode = 400
      response.end(errorXml('AuthorizationHeaderMalformed', 'wrong', '<Region>eu-west-9</Region>'))
    }
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
    onTestFinished(() => s3.close())
    expect(scopes).toEqual(['us-east-1', 'eu-west-9'])

    const located = await s3.send('GET', '/photos?location')
    expect(located.text).toMatch(/<LocationConstraint xmlns="[^"]*"><\/LocationConstraint>$/)
    expect((await s3.send('HEAD', '/photos')).headers['x-amz-bucket-region']).toBe(region)
    await s3.send('PUT', '/new-bucket')
    expect(upstream.seen.at(-1)?.body.toString()).toContain(
      '<LocationConstraint>eu-west-9</LocationConstraint>',
    )
  })
})

describe('an answer whose body is not used', () => {
  it('the gateway reuses the connection after an answer whose body it does not use', async () => {
    const upstream = await startUpstream()
    upstream.answer = (_, response) => {
      // without a length, like AWS's documents
      response.write('<LocationConstraint>')
      response.end('</LocationConstraint>')
    }
    const limits = { maxConnections: 1 }
    const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys, limits } })
    onTestFinished(() => s3.close())
    for (let i = 0; i < 3; i += 1)
      expect((await s3.send('GET', '/photos?location')).status).toBe(200)
    expect(await s3.checkReady()).toBe(true)
  })
})

describe('AWS, with many regions under one name', () => {
  /** Opens a gateway to AWS: the bucket `far` is in eu-west-9, all others are in us-east-1. */
  async function openAws(host = 's3.amazonaws.com'): Promise<{
    s3: Harness
    upstream: ScriptedUpstream
    hops: () => string[]
  }> {
    const upstream = await startUpstream()
    upstream.answer = ({ headers, url, method }, response) => {
      const home = url.startsWith('/far') ? 'eu-west-9' : 'us-east-1'
      response.setHeader('x-amz-bucket-region', home)
      if (scopeOf(headers) === home) return response.end()
      response.statusCode = method === 'HEAD' ? 301 : 400
      return response.end(errorXml('AuthorizationHeaderMalformed', 'elsewhere'))
    }
    const url = new URL(`http://${host}:${upstream.url.port}`)
    const s3 = await openHarness({ upstream: { url, credentials: keys } })
    onTestFinished(() => s3.close())
    const hops = (): string[] =>
      upstream.seen.map(({ method, headers }) => {
        return `${method} ${(headers['host'] ?? '').split(':')[0]} ${scopeOf(headers)}`
      })
    return { s3, upstream, hops }
  }

  it('the gateway follows AWS to the region of a bucket and caches it', async () => {
    const { s3, hops } = await openAws()
    expect((await s3.send('GET', '/far/a')).status).toBe(200)
    expect((await s3.send('GET', '/far/b')).status).toBe(200)
    expect((await s3.send('GET', '/near/a')).status).toBe(200)
    expect(hops()).toEqual([
      'GET s3.amazonaws.com us-east-1',
      'GET s3.eu-west-9.amazonaws.com eu-west-9',
      'GET s3.eu-west-9.amazonaws.com eu-west-9',
      'GET s3.amazonaws.com us-east-1',
    ])
  })

  it('the gateway asks for the region of a bucket before it sends a stream, which it cannot send twice', async () => {
    const { s3, upstream, hops } = await openAws()
    const body = Buffer.alloc(1_000_000, 'x')
    expect((await s3.send('PUT', '/far/a', { body })).status).toBe(200)
    expect((await s3.send('PUT', '/far/b', { body })).status).toBe(200)
    expect(hops()).toEqual([
      'HEAD s3.amazonaws.com us-east-1',
      'PUT s3.eu-west-9.amazonaws.com eu-west-9',
      'PUT s3.eu-west-9.amazonaws.com eu-west-9',
    ])
    expect(upstream.seen[1]?.body.equals(body)).toBe(true)
  })

  it('the gateway starts with the region in the name of the AWS endpoint', async () => {
    const { s3, hops } = await openAws('s3.eu-west-9.amazonaws.com')
    await s3.send('GET', '/far/a')
    expect(hops()).toEqual(['GET s3.eu-west-9.amazonaws.com eu-west-9'])
  })

  it('the gateway does not follow a region that is not a valid region name', async () => {
    const { s3, upstream } = await openAws()
    upstream.answer = (_, response) => {
      response.writeHead(301, { 'x-amz-bucket-region': 'evil.example/' })
      response.end()
    }
    expect((await s3.send('GET', '/far/a')).status).toBe(503)
    expect(upstream.seen).toHaveLength(1)
  })
})
