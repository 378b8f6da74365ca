import { describe, expect, it } from 'vitest'
import type { HttpOutcome, HttpRequest } from '../../../src/server/http/http-message.ts'
import { createRouter } from '../../../src/server/http/router.ts'
import { makeHttpRequest, toHandler } from '../../support/server/make-request.ts'

type Facts = Partial<Pick<HttpRequest, 'method' | 'rawPath' | 'rawQuery' | 'remoteAddress'>> & {
  headers?: Readonly<Record<string, string>>
}

async function route(facts: Facts, options: { isReady?: boolean } = {}): Promise<string> {
  const { status, body } = (await ask(facts, options)).reply
  return typeof body === 'string' ? body : String(status)
}

function ask(facts: Facts, { isReady = true } = {}): Promise<HttpOutcome> {
  const answer = (name: string) => toHandler(async () => ({ status: 200, body: name }))
  const router = createRouter({
    sts: answer('sts'),
    s3: answer('s3'),
    admin: answer('admin'),
    awsLogin: answer('login'),
    checkReady: async () => isReady,
    metrics: async () => 'metrics',
    mayReadMetrics: (authorization) => authorization === 'Bearer good',
    isBucketHost: (host) => host === 'photos.localhost',
  })
  const headers = new Map(Object.entries(facts.headers ?? {}))
  return router(makeHttpRequest({ ...facts, headers }))
}

const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

describe('STS requests', () => {
  it.each<[string, Facts]>([
    ['a form posted to the root', { headers: form }],
    ['the query form of 2018', { rawQuery: 'Action=AssumeRoleWithClientGrants&Token=x' }],
    ['an action among other parameters', { rawQuery: 'Token=x&Action=y', headers: form }],
    ['an empty POST', {}],
  ])('the STS handles %s', async (_what, facts) => {
    expect(await route({ method: 'POST', ...facts })).toBe('sts')
  })

  it.each<[string, Facts]>([
    ['a form posted to a bucket', { method: 'POST', rawPath: '/b', headers: form }],
    ['a multi-delete', { method: 'POST', rawPath: '/b', rawQuery: 'delete=' }],
    ['an upload form', { method: 'POST', headers: { 'content-type': 'multipart/form-data' } }],
    ['a GET with an action', { rawQuery: 'Action=AssumeRole' }],
    ['a POST with the parameter x-Action', { method: 'POST', rawQuery: 'x-Action=y' }],
    ['the list of buckets', {}],
  ])('S3 handles %s', async (_what, facts) => {
    expect(await route(facts)).toBe('s3')
  })
})

describe('bucket host names', () => {
  it.each(['/minio/health/live', '/minio/health/other', '/minio/admin/v3/info', '/metrics'])(
    'the path %s is an object key at the host name of a bucket',
    async (rawPath) => {
      const headers = { host: 'photos.localhost' }
      for (const method of ['GET', 'PUT']) {
        expect(await route({ method, rawPath, headers })).toBe('s3')
      }
    },
  )

  it('the STS handles its requests also at the host name of a bucket', async () => {
    const headers = { ...form, host: 'photos.localhost' }
    expect(await route({ method: 'POST', headers })).toBe('sts')
  })
})

describe('health checks', () => {
  it.each([
    ['live', false, '200'],
    ['ready', true, '200'],
    ['ready', false, '503'],
    ['cluster', false, '503'],
    ['other', true, '404'],
  ])('/minio/health/%s with readiness %s answers %s', async (name, isReady, status) => {
    for (const method of ['GET', 'HEAD'])
      expect(await route({ method, rawPath: `/minio/health/${name}` }, { isReady })).toBe(status)
  })

  it('a PUT of a health check gets the status 405', async () => {
    expect(await route({ method: 'PUT', rawPath: '/minio/health/live' })).toBe('405')
  })
})

describe('metrics', () => {
  const metrics = { rawPath: '/metrics' }

  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
    'metrics are allowed for the client address %s',
    async (address) => {
      expect(await route({ ...metrics, remoteAddress: address })).toBe('metrics')
    },
  )

  it.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '::11', '1127.0.0.1', ''])(
    'metrics are refused for the client address %s',
    async (address) => {
      expect(await route({ ...metrics, remoteAddress: address })).toBe('403')
    },
  )

  it('metrics are allowed with a valid token from any address', async () => {
    const remoteAddress = '192.0.2.1'
    const show = (authorization: string): Promise<string> =>
      route({ ...metrics, remoteAddress, headers: { authorization } })
    expect(await show('Bearer good')).toBe('metrics')
    expect(await show('Bearer other')).toBe('403')
    expect(await show('Bearer')).toBe('403')
    expect(await route({ ...metrics, headers: { authorization: 'Bearer other' } })).toBe('metrics')
  })

  it.each<[string, Facts]>([
    ['a signed one', { headers: { authorization: 'AWS4-HMAC-SHA256 …' } }],
    ['a presigned one', { rawQuery: 'X-Amz-Signature=x' }],
    ['a PUT', { method: 'PUT' }],
  ])('a request to a bucket named metrics goes to S3: %s', async (_what, facts) => {
    expect(await route({ ...metrics, ...facts })).toBe('s3')
  })
})

describe('the operation of health checks and metrics', () => {
  it.each(['/minio/health/live', '/minio/health/ready', '/minio/health/anything'])(
    'the operation of %s is health',
    async (rawPath) => {
      expect((await ask({ rawPath })).facts).toMatchObject({ operation: 'health' })
    },
  )

  it('the operation of /metrics is metrics, also if the request is refused', async () => {
    expect((await ask({ rawPath: '/metrics' })).facts.operation).toBe('metrics')
    const { facts } = await ask({ rawPath: '/metrics', remoteAddress: '192.0.2.1' })
    expect(facts).toMatchObject({ operation: 'metrics', refusal: { code: 'AccessDenied' } })
  })
})

describe('admin requests', () => {
  it.each(['/minio/admin/v3/revoke-tokens/openid', '/minio/admin/'])(
    'the admin API handles %s',
    async (rawPath) => {
      expect(await route({ method: 'POST', rawPath })).toBe('admin')
    },
  )

  it('the admin API does not handle an object with a similar path', async () => {
    expect(await route({ method: 'POST', rawPath: '/minio/administration' })).toBe('s3')
  })
})
