/** Settings of buckets through the gateway: the upstream's, and the same actions as of our own store. */
import { describe, expect, it } from 'vitest'
import { passAnswerHeaders } from '../../../../src/server/s3/gateway/gateway-headers.ts'
import { createGatewayBackend } from '../../../../src/server/s3/gateway/gateway-backend.ts'
import type { Upstream } from '../../../../src/server/s3/gateway/open-upstream.ts'
import { unsetSettings } from '../../../../src/server/s3/operations/unset-settings.ts'
import { ask, codeOf } from '../../../support/server/recorded-pass.ts'

const cases: readonly [string, string, string][] = [
  ...unsetSettings.map(({ method, query, operation }): [string, string, string] => [
    method,
    `/photos?${query}`,
    operation.action ?? '',
  ]),
  ['GET', '/photos?cors', 's3:GetBucketCors'],
  ['PUT', '/photos?cors', 's3:PutBucketCors'],
  ['DELETE', '/photos?cors', 's3:PutBucketCors'],
  ['GET', '/photos?acl', 's3:GetBucketAcl'],
  ['GET', '/photos/a?acl', 's3:GetObjectAcl'],
  ['GET', '/photos?versions', 's3:ListBucketVersions'],
  ['GET', '/photos/a?retention', 's3:GetObjectRetention'],
  ['GET', '/photos/a?legal-hold', 's3:GetObjectLegalHold'],
]

describe('settings of an upstream’s bucket', () => {
  it.each(cases)('%s %s is sent on only when %s is allowed', async (method, target, action) => {
    const body = method === 'PUT' ? '<CORSConfiguration/>' : ''
    const passed = await ask(method, target, { body })
    expect(passed.allowed.map((need) => need.action)).toEqual([action])
    expect(passed.answeredBefore).toEqual([1])
    expect(passed.sent[0]?.path).toContain(target.split('?')[1])
    const isAllowed = (question: { action: string }): boolean => question.action !== action
    const refused = await ask(method, target, { body, isAllowed })
    expect(codeOf(refused)).toBe('AccessDenied')
    expect(refused.sent).toEqual([])
  })

  it('pages of other origins are this server’s to allow: nothing that the upstream says of them is passed on', () => {
    const headers = new Map([
      ['access-control-allow-origin', '*'],
      ['access-control-expose-headers', 'etag'],
      ['vary', 'Origin'],
      ['etag', '"x"'],
    ])
    expect(passAnswerHeaders(headers, 'us-east-1')).toEqual({ etag: '"x"' })
  })

  it('a preflight, which nobody signed, is never a question to the upstream', () => {
    const backend = createGatewayBackend({ style: 'path' } as Upstream)
    expect(backend.findCorsRules).toBeUndefined()
  })
})
