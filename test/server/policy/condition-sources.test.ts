/**
 * `?prefix=secret/&prefix=home/` was allowed by a condition on the second while the first was listed; `?X-Amz-Storage-Class=STANDARD`
 * answered for a header that was not sent; `?versionid=x` for the parameter `versionId`; a badly escaped value was read in one way
 * by the condition and in another by the operation.
 */
import { describe, expect, it } from 'vitest'
import { evaluateDocument } from '../../../src/server/policy/evaluate-document.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { buildConditions } from '../../../src/server/policy/request-conditions.ts'
import { allowAll, makeRequest, session, write } from '../../support/server/policy-requests.ts'
import { parseQuery } from '../../../src/protocol/query.ts'

function isAllowed(rawQuery: string, Condition: object): boolean {
  const request = {
    query: parseQuery(rawQuery),
    headers: new Map<string, string>(),
    remoteAddress: '127.0.0.1',
    isTls: false,
    receivedAtMs: 0,
  }
  const conditions = buildConditions(request, { principal: session })
  const document = parsePolicyDocument(write({ ...allowAll, Condition }), 'x')
  return evaluateDocument(document, { ...makeRequest(), conditions }).effect === 'Allow'
}

describe('the sources of condition values', () => {
  it('a condition uses the first of two parameters with the same name', () => {
    const home = { StringLike: { 's3:prefix': 'home/*' } }
    expect(isAllowed('prefix=secret/&prefix=home/x', home)).toBe(false)
    expect(isAllowed('prefix=home/x&prefix=secret/', home)).toBe(true)
  })

  it('a condition uses a query parameter only in its exact spelling', () => {
    const home = { StringLike: { 's3:prefix': 'home/*' } }
    for (const query of ['Prefix=home/x', 'PREFIX=home/x', 'prefix%20=home/x'])
      expect(isAllowed(query, home)).toBe(false)
    expect(isAllowed('%70refix=home/x', home)).toBe(true)
    expect(isAllowed('versionid=7', { StringEquals: { 's3:versionid': '7' } })).toBe(false)
    expect(isAllowed('versionId=7', { StringEquals: { 's3:versionid': '7' } })).toBe(true)
  })

  it('a condition on a header does not read a query parameter with the same name', () => {
    for (const [key, name] of [
      ['s3:x-amz-storage-class', 'X-Amz-Storage-Class'],
      ['s3:x-amz-server-side-encryption', 'X-Amz-Server-Side-Encryption'],
      ['s3:LocationConstraint', 'LocationConstraint'],
    ] as const)
      expect(isAllowed(`${name}=x`, { StringEquals: { [key]: 'x' } })).toBe(false)
  })

  it('a condition decodes percent-encoding in the same way as the operation', () => {
    const notSecret = { StringNotLike: { 's3:prefix': 'secret/*' } }
    // One that is malformed refuses the request before a policy is asked.
    expect(isAllowed('%70refix=%73ecret/', notSecret)).toBe(false)
  })
})
