/** The policy of the traffic allows everything that was used, and by its rule little else. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateDocument } from '../../../src/server/policy/evaluate-document.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { makeTrafficPolicy, maxNames, type Use } from '../../../src/server/policy/traffic-policy.ts'
import { makeRequest } from '../../support/server/policy-requests.ts'

function isAllowed(uses: readonly Use[], { action, bucket, key }: Use): boolean {
  const document = parsePolicyDocument(JSON.stringify(makeTrafficPolicy(uses)), 'traffic')
  const at = key === '' ? bucket : `${bucket}/${key}`
  return evaluateDocument(document, makeRequest({ action, at })).effect === 'Allow'
}

const get = (key: string, bucket = 'photos'): Use => ({ action: 's3:GetObject', bucket, key })
const resourcesOf = (uses: readonly Use[]): unknown =>
  makeTrafficPolicy(uses).Statement.map(({ Resource }) => Resource)

describe('the policy of the traffic', () => {
  it('every use is allowed, whatever the keys are', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', '$', '${x}', 'ü', ' ', '/', '//', '"')
    const key = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    const use = fc.record({
      action: fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:DeleteObject'),
      bucket: fc.constantFrom('photos', 'logs'),
      key: key.filter((text) => text !== ''),
    })
    fc.assert(
      fc.property(fc.array(use, { minLength: 1, maxLength: 60 }), (uses) => {
        for (const each of uses) expect(isAllowed(uses, each)).toBe(true)
        expect(isAllowed(uses, { action: 's3:GetObject', bucket: 'other', key: 'a' })).toBe(false)
        expect(isAllowed(uses, { action: 's3:PutBucketPolicy', bucket: 'photos', key: '' })).toBe(
          false,
        )
      }),
    )
  })

  it('a few keys are named one by one, and nothing beside them is allowed', () => {
    const uses = [get('a/1'), get('a/2'), get('b')]
    expect(resourcesOf(uses)).toEqual([
      ['arn:aws:s3:::photos/a/1', 'arn:aws:s3:::photos/a/2', 'arn:aws:s3:::photos/b'],
    ])
    expect(isAllowed(uses, get('a/3'))).toBe(false)
  })

  it('many keys of one folder become the folder, and many folders the one above them', () => {
    const many = Array.from({ length: maxNames + 1 }, (_, at) => String(at))
    expect(resourcesOf(many.map((name) => get(`a/b/${name}`)))).toEqual([
      ['arn:aws:s3:::photos/a/b/*'],
    ])
    expect(resourcesOf(many.map((name) => get(`a/${name}/x`)))).toEqual([
      ['arn:aws:s3:::photos/a/*'],
    ])
  })

  it('lists keep their prefixes, if each of the bucket had one', () => {
    const list = (prefix?: string): Use => ({
      action: 's3:ListBucket',
      bucket: 'photos',
      key: '',
      prefix,
    })
    const conditionOf = (uses: readonly Use[]): unknown =>
      makeTrafficPolicy(uses).Statement[0]?.Condition
    expect(conditionOf([list('team/'), list('x*')])).toEqual({
      StringLike: { 's3:prefix': ['team/', 'x${*}'] },
    })
    expect(conditionOf([list('team/'), list()])).toBeUndefined()
  })

  it('actions with the same resources share a statement, and each action keeps its own', () => {
    const uses: Use[] = [
      get('a'),
      { ...get('a'), action: 's3:PutObject' },
      { action: 's3:ListBucket', bucket: 'photos', key: '' },
      { action: 's3:ListAllMyBuckets', bucket: '', key: '' },
      { action: 'admin:ServerTrace', bucket: '', key: '' },
    ]
    expect(makeTrafficPolicy(uses).Statement).toEqual([
      { Effect: 'Allow', Action: ['admin:ServerTrace'] },
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: ['arn:aws:s3:::photos/a'],
      },
      { Effect: 'Allow', Action: ['s3:ListAllMyBuckets'], Resource: ['arn:aws:s3:::*'] },
      { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::photos'] },
    ])
  })
})
