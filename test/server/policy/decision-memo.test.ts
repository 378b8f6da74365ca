import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDecisionMemo } from '../../../src/server/policy/decision-memo.ts'
import {
  evaluateAnyResource,
  evaluateDocument,
} from '../../../src/server/policy/evaluate-document.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { allowAll, makeRequest, session, write } from '../../support/server/policy-requests.ts'

/** The conditions of a request, which count how often they are read. */
class CountedConditions extends Map<string, readonly string[]> {
  looks = 0

  override get(name: string): readonly string[] | undefined {
    this.looks += 1
    return super.get(name)
  }
}

const agent = { Condition: { StringLike: { 'aws:UserAgent': ['*b*', '${aws:Referer}*'] } } }

describe('many questions of one request', () => {
  it('a condition that does not depend on the key is evaluated once per request', async () => {
    const conditions = new CountedConditions([['UserAgent', ['abc']]])
    const sessionPolicy = write({ ...allowAll, ...agent })
    const policies = new Map([
      ['own', parsePolicyDocument(write({ ...allowAll, ...agent }), 'own')],
    ])
    const authorizer = combinePolicies(createIamAuthorizer({ policies }))
    const principal = { ...session, policyNames: ['own'], sessionPolicy }
    const memo = createDecisionMemo()
    for (let key = 0; key < 1000; key += 1) {
      const request = { ...makeRequest({ principal, at: `bucket/${key}` }), conditions, memo }
      expect(await authorizer.authorize(request)).toMatchObject({ isAllowed: true })
    }
    // The user agent and the variable are each read once in each of the two documents.
    expect(conditions.looks).toBe(4)
  })

  it('the variables of a resource are substituted once per request', () => {
    const conditions = new CountedConditions([['SourceIp', ['127.0.0.1']]])
    const resource = { ...allowAll, Resource: 'arn:aws:s3:::by-${aws:SourceIp}/*' }
    const document = parsePolicyDocument(write(resource), 'own')
    const memo = createDecisionMemo()
    for (let key = 0; key < 1000; key += 1) {
      const request = { ...makeRequest({ at: `by-127.0.0.1/${key}` }), conditions, memo }
      expect(evaluateDocument(document, request).effect).toBe('Allow')
    }
    expect(conditions.looks).toBe(1)
  })

  it('the answers with a memo equal those without one, for every action and key', () => {
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.constantFrom('s3:*', 's3:GetObject', 's3:Delete*'),
      Resource: fc.constantFrom('*', 'arn:aws:s3:::bucket/a*', 'arn:aws:s3:::${jwt:sub}/*'),
      Condition: fc.constantFrom(
        {},
        { StringEquals: { 's3:prefix': 'x' } },
        { StringNotEquals: { 's3:prefix': 'x' } },
      ),
    })
    const question = fc.record({
      action: fc.constantFrom('s3:GetObject', 's3:DeleteObject', 's3:ListBucket'),
      at: fc.constantFrom('bucket/a', 'bucket/b', 'bucket', 'alice/x', ''),
    })
    fc.assert(
      fc.property(
        fc.array(statement, { maxLength: 4 }),
        fc.array(question, { maxLength: 8 }),
        (statements, questions) => {
          const document = parsePolicyDocument(write(...statements), 'own')
          const memo = createDecisionMemo()
          for (const one of questions) {
            const request = makeRequest({ ...one, conditions: { prefix: 'x' } })
            expect(evaluateDocument(document, { ...request, memo })).toEqual(
              evaluateDocument(document, request),
            )
          }
        },
      ),
    )
  })
})

describe('the question about a whole bucket', () => {
  const verdictOf = (...statements: object[]): string => {
    const document = parsePolicyDocument(write(...statements.map((one) => ({ ...one }))), 'own')
    return evaluateAnyResource(document, makeRequest({ action: 's3:DeleteObject', at: 'bucket' }))
      .effect
  }
  const remove = { Effect: 'Allow', Action: 's3:DeleteObject' }

  it.each<readonly [string, object[]]>([
    ['Allow', [allowAll]],
    ['Allow', [{ ...remove, Resource: 'arn:aws:s3:::bucket/only/this' }]],
    ['Allow', [{ ...remove, Resource: 'arn:aws:s3:::*.txt' }]],
    ['Allow', [{ ...remove, NotResource: 'arn:aws:s3:::bucket/a*' }]],
    ['Allow', [allowAll, { ...remove, Effect: 'Deny', Resource: 'arn:aws:s3:::bucket/a*' }]],
    ['none', [{ ...remove, Action: 's3:GetObject', Resource: '*' }]],
    ['none', [{ ...remove, Resource: 'arn:aws:s3:::bucket' }]],
    ['none', [{ ...remove, Resource: 'arn:aws:s3:::other/*' }]],
    ['none', [{ ...remove, Resource: 'arn:aws:s3:::${jwt:absent}/*' }]],
    ['none', [{ ...allowAll, Condition: { StringEquals: { 'jwt:sub': 'bob' } } }]],
    ['Deny', [allowAll, { ...remove, Effect: 'Deny', Resource: '*' }]],
    ['Deny', [allowAll, { ...remove, Effect: 'Deny', Resource: 'arn:aws:s3:::bucket/*' }]],
  ])('a bucket gets the effect %s for %j', (verdict, statements) => {
    expect(verdictOf(...statements)).toBe(verdict)
  })

  it('a whole bucket is denied only if each of its keys is denied', () => {
    const part = fc.constantFrom('*', '?', 'bucket', '/', 'a', 'b', '${jwt:sub}', '${jwt:absent}')
    const resource = fc
      .array(part, { minLength: 1, maxLength: 5 })
      .map((parts) => `arn:aws:s3:::${parts.join('').replace(/^\/+/, 'b')}`)
    const statement = fc
      .record({
        Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
        Action: fc.constantFrom('s3:*', 's3:GetObject', 's3:Delete*'),
        Condition: fc.constantFrom({}, { StringEquals: { 'jwt:sub': 'bob' } }),
        isNegated: fc.boolean(),
        resource,
      })
      .map(({ isNegated, resource: named, ...rest }) => {
        return { ...rest, [isNegated ? 'NotResource' : 'Resource']: named }
      })
    const key = fc.array(fc.constantFrom('a', 'b', '/'), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), key, (statements, parts) => {
        const document = parsePolicyDocument(write(...statements), 'own')
        const request = makeRequest({ action: 's3:DeleteObject', at: `bucket/${parts.join('')}` })
        if (evaluateDocument(document, request).effect !== 'Allow') return
        expect(evaluateAnyResource(document, request).effect).toBe('Allow')
        expect(evaluateAnyResource(document, { ...request, bucket: '' }).effect).toBe('Allow')
      }),
      { numRuns: 3000 },
    )
  })

  it('a session policy is asked about the bucket, and so is a policy engine that can answer', async () => {
    const may = { isAllowed: true, reason: 'yes' }
    const no = { isAllowed: false, reason: 'no' }
    const sessionPolicy = write({ ...allowAll, Action: 's3:GetObject' })
    const bound = makeRequest({
      action: 's3:DeleteObject',
      principal: { ...session, sessionPolicy },
    })
    const free = makeRequest({ action: 's3:DeleteObject' })
    const cannotTell = combinePolicies({ authorize: async () => no })
    expect(await cannotTell.couldAllow?.(bound)).toMatchObject({ isAllowed: false })
    expect(await cannotTell.couldAllow?.(free)).toMatchObject({ isAllowed: true })
    const tells = (answer: typeof may): unknown =>
      combinePolicies({
        authorize: async () => may,
        couldAllow: async () => answer,
      }).couldAllow?.(free)
    expect(await tells(no)).toEqual(no)
    expect(await tells(may)).toEqual(may)
  })
})
