import { describe, expect, it } from 'vitest'
import type { HttpOutcome, HttpRequest } from '../../src/server/http/http-message.ts'
import { classifyRequest, createOverload } from '../../src/server/overload.ts'
import { makeHttpRequest } from '../support/server/make-request.ts'

const form = 'application/x-www-form-urlencoded'

function makeRequest(line: string, type = ''): HttpRequest {
  const [method = '', target = ''] = line.split(' ')
  const [rawPath = '', rawQuery = ''] = target.split('?')
  const headers = new Map(type === '' ? [] : [['content-type', type]])
  return makeHttpRequest({ method, rawPath, rawQuery, headers })
}

describe('kinds of requests', () => {
  it.each([
    ['GET /minio/health/live', '', 'free'],
    ['HEAD /minio/health/ready', '', 'free'],
    ['GET /metrics', '', 'free'],
    ['PUT /metrics', '', 'data'],
    ['PUT /minio/health/live', '', 'data'],
    ['POST /', form, 'form'],
    ['POST /?Action=AssumeRole', '', 'form'],
    ['POST /minio/admin/v3/revoke-tokens/openid', '', 'document'],
    ['PUT /bkt/key', '', 'data'],
    ['PUT /bkt/key?partNumber=1&uploadId=x', '', 'data'],
    ['PUT /key?x-id=PutObject', '', 'data'],
    ['PUT /bkt/key?tagging', '', 'document'],
    ['PUT /bkt?policy=', '', 'document'],
    ['PUT /bkt/key?x=policy', '', 'data'],
    ['POST /bkt?delete', '', 'document'],
    ['POST /bkt/key?uploadId=x', '', 'document'],
    ['POST /bkt', 'multipart/form-data; boundary=x', 'upload-form'],
    ['GET /bkt/key', '', 'document'],
    ['POST /token', 'application/json', 'form'],
    ['GET /minio/aws-login/callback?code=x', '', 'form'],
    ['GET /authorize', '', 'document'],
  ])('the request %s %s counts as %s', (line, type, kind) => {
    expect(classifyRequest(makeRequest(line, type), () => false)).toBe(kind)
  })

  it.each([
    ['POST /token', 'application/json'],
    ['GET /minio/aws-login/callback', ''],
  ])('at the host name of a bucket, %s is for an object and waits for a slot', (line, type) => {
    expect(classifyRequest(makeRequest(line, type), () => true)).toBe('document')
  })
})

describe('overload errors', () => {
  const refused: HttpOutcome[] = []
  const domains: readonly string[] = []
  const objects = { kind: 'directory', directory: undefined, buckets: [] } as const
  const { limits, toRefusal } = createOverload(
    { objects, domains },
    (outcome) => void refused.push(outcome),
  )

  it('an overloaded S3 answers SlowDown with Retry-After, and the error is counted', () => {
    const { reply } = toRefusal(makeRequest('GET /bkt/key'), 'busy')
    expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(reply.body).toMatch(/<Error><Code>SlowDown<\/Code>.*18EAB9B97537B5B5/s)
    const refusal = { code: 'SlowDown', reason: 'Please reduce your request rate.' }
    expect(refused).toMatchObject([{ reply, facts: { operation: 'refused', refusal } }])
  })

  it('an overloaded STS answers SlowDown in an STS document', () => {
    const { reply } = toRefusal(makeRequest('POST /', form), 'busy')
    expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(reply.body).toMatch(/<ErrorResponse.*<Code>SlowDown<\/Code>/s)
  })

  it('the overload error for HEAD has no body', () => {
    expect(toRefusal(makeRequest('HEAD /bkt/key'), 'busy').reply.body).toBeUndefined()
  })

  it('the error for a body that arrives too slowly is RequestTimeout', () => {
    const { reply } = toRefusal(makeRequest('PUT /bkt/key'), 'slow')
    expect(reply.status).toBe(400)
    expect(reply.body).toContain('<Code>RequestTimeout</Code>')
  })

  it('the default limits accept 256 connections that ask at the same time', () => {
    expect(limits.maxRunning + limits.maxQueued).toBeGreaterThanOrEqual(256)
  })

  it('the overload limits can be configured', () => {
    const requests = { maxRunning: 7, maxWaitMs: 2000 }
    const set = createOverload({ objects, domains, requests }, () => {})
    expect(set.limits).toMatchObject({ maxRunning: 7, maxWaitMs: 2000 })
  })
})
