import { describe, expect, it } from 'vitest'
import type { Authorizer } from '../../../src/server/policy/authorizer.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import {
  parsePolicyDocument,
  type PolicyDocument,
} from '../../../src/server/policy/policy-document.ts'
import { parseSessionPolicy } from '../../../src/server/policy/session-policy.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import {
  allowAll,
  makeRequest,
  root,
  session,
  write,
  type Question,
  listWords,
} from '../../support/server/policy-requests.ts'

const own = (name: string, ...statements: Parameters<typeof write>): [string, PolicyDocument] => [
  name,
  parsePolicyDocument(write(...statements), name),
]
const policies = new Map([
  ...cannedPolicies,
  own('no-secrets', {
    ...allowAll,
    Sid: 'secrets',
    Effect: 'Deny',
    Resource: 'arn:aws:s3:::*/secret',
  }),
  own('public', { ...allowAll, Resource: 'arn:aws:s3:::public/*' }),
])
const iam = createIamAuthorizer({ policies })

const named = (...policyNames: string[]): Question => {
  return { principal: { ...session, policyNames } }
}
const ask = (question: Question, authorizer: Authorizer = iam): Promise<unknown> =>
  authorizer.authorize(makeRequest(question))

describe('the canned policies', () => {
  const actions =
    listWords(`s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:GetBucketLocation
    s3:CreateBucket s3:ListAllMyBuckets admin:ServerInfo admin:CreateUser kms:Status`)
  it.each([
    ['readwrite', actions.filter((action) => action.startsWith('s3:'))],
    // MinIO's policy of this name does not allow ListBucket either.
    ['readonly', ['s3:GetObject', 's3:GetBucketLocation']],
    ['writeonly', ['s3:PutObject']],
    ['diagnostics', ['admin:ServerInfo']],
    ['consoleAdmin', actions],
  ])('the canned policy %s allows %j', async (name, allowed) => {
    const answers = await Promise.all(
      actions.map(async (action) => {
        const { isAllowed } = await iam.authorize(makeRequest({ ...named(name), action }))
        return isAllowed ? [action] : []
      }),
    )
    expect(answers.flat()).toEqual(allowed)
  })
})

describe('IAM documents', () => {
  it('root may do everything', async () => {
    expect(await ask({ principal: root, action: 's3:DeleteBucket' })).toEqual({
      isAllowed: true,
      reason: 'root',
    })
  })

  it('a request is allowed if any policy of the principal allows it, and the reason names that policy', async () => {
    expect(await ask(named('writeonly', 'readonly'))).toEqual({
      isAllowed: true,
      reason: 'allowed by readonly #0',
    })
  })

  it('a request is denied if any policy of the principal denies it, before or after an allow', async () => {
    for (const names of [
      ['readwrite', 'no-secrets'],
      ['no-secrets', 'readwrite'],
    ])
      expect(await ask({ ...named(...names), at: 'bucket/secret' })).toEqual({
        isAllowed: false,
        isExplicit: true,
        reason: 'denied by no-secrets secrets',
      })
  })

  it('a request that no policy allows is denied, and the reason names the policies', async () => {
    expect(await ask({ ...named('readonly', 'public'), action: 's3:PutObject' })).toEqual({
      isAllowed: false,
      reason: 'no statement allows s3:PutObject (policies: readonly, public)',
    })
    expect(await ask(named())).toEqual({
      isAllowed: false,
      reason: 'no statement allows s3:GetObject (policies: none)',
    })
  })

  it('a policy is evaluated once, however often a claim names it', async () => {
    let reads = 0
    const counted = new Map(policies)
    counted.get = (name) => {
      reads += 1
      return policies.get(name)
    }
    const names = Array.from({ length: 4000 }, () => 'readonly')
    const authorizer = createIamAuthorizer({ policies: counted })
    expect(await ask(named(...names, 'writeonly'), authorizer)).toMatchObject({ isAllowed: true })
    expect(reads).toBe(2)
  })

  it('unknown policy names are ignored, also names that every JavaScript object has', async () => {
    for (const name of ['gone', 'constructor', '__proto__'])
      expect(await ask(named(name))).toMatchObject({ isAllowed: false })
    expect(await ask(named('gone', 'readonly'))).toMatchObject({ isAllowed: true })
  })
})

describe('session policies', () => {
  const bound = (sessionPolicy: string, ...policyNames: string[]): Question => {
    return { principal: { ...session, policyNames, sessionPolicy } }
  }
  const authorizer = combinePolicies(iam)
  const publicOnly = write({ ...allowAll, Resource: 'arn:aws:s3:::public/*' })

  it('a session policy and a policy of the principal must both allow a request', async () => {
    const isAllowed = async (question: Question): Promise<boolean> =>
      (await authorizer.authorize(makeRequest(question))).isAllowed
    expect(await isAllowed({ ...bound(publicOnly, 'readonly'), at: 'public/x' })).toBe(true)
    expect(await isAllowed({ ...bound(publicOnly, 'readonly'), at: 'bucket/x' })).toBe(false)
    expect(await isAllowed({ ...bound(publicOnly, 'writeonly'), at: 'public/x' })).toBe(false)
    expect(await isAllowed({ ...bound(publicOnly), at: 'public/x' })).toBe(false)
    expect(await isAllowed({ ...named('readonly'), at: 'bucket/x' })).toBe(true)
  })

  it('a denial by the session policy names it, and the policies of the principal are not asked', async () => {
    const nobody: Authorizer = { authorize: () => Promise.reject(new Error('asked')) }
    const stop = write(allowAll, { ...allowAll, Sid: 'stop', Effect: 'Deny' })
    expect(await ask(bound(stop, 'readwrite'), combinePolicies(nobody))).toEqual({
      isAllowed: false,
      isExplicit: true,
      reason: 'denied by session policy stop',
    })
    expect(await ask(bound(publicOnly, 'readwrite'), combinePolicies(nobody))).toEqual({
      isAllowed: false,
      reason: 'session policy does not allow it',
    })
  })

  it('a session policy also limits root and a session that the policy engine allows everything', async () => {
    const yes: Authorizer = { authorize: async () => ({ isAllowed: true, reason: 'yes' }) }
    expect(await ask(bound(publicOnly), combinePolicies(yes))).toMatchObject({ isAllowed: false })
  })

  it.each(['', '{}', 'x', write({ ...allowAll, Action: 's3:Nope' })])(
    'a session policy that can no longer be parsed (%j) allows nothing',
    async (text) => {
      expect(await ask(bound(text, 'readwrite'), authorizer)).toEqual({
        isAllowed: false,
        isExplicit: true,
        reason: 'session policy cannot be read',
      })
    },
  )

  it('a session policy may have at most 2048 bytes', () => {
    const pad = (bytes: number): string => {
      const text = write({ Sid: '€', ...allowAll })
      return text.replace('€', `€${'x'.repeat(bytes - Buffer.byteLength(text))}`)
    }
    expect(Buffer.byteLength(pad(2048))).toBe(2048)
    expect(parseSessionPolicy(pad(2048)).statements).toHaveLength(1)
    expect(() => parseSessionPolicy(pad(2049))).toThrow(
      expect.objectContaining({
        code: 'InvalidParameterValue',
        message: 'the session policy has 2049 bytes without white space; at most 2048 are accepted',
      }),
    )
  })

  it('a session policy may have at most ten resources with text between two stars', () => {
    const resources = (count: number, pattern: string): string =>
      write({
        ...allowAll,
        Resource: Array.from({ length: count }, () => `arn:aws:s3:::${pattern}`),
      })
    for (const text of [resources(10, '*a*'), resources(60, 'b/*'), resources(60, 'b*c')])
      expect(parseSessionPolicy(text).statements).toHaveLength(1)
    const message =
      'the session policy has 11 resources with something between two stars; at most 10 are accepted'
    expect(() => parseSessionPolicy(resources(11, 'b/*a**'))).toThrow(message)
    expect(() => parseSessionPolicy(resources(11, '*${jwt:sub}*'))).toThrow(message)
    expect(parseSessionPolicy(resources(1, `*?${'a'.repeat(31)}*`)).statements).toHaveLength(1)
    expect(() => parseSessionPolicy(resources(1, `*?${'a'.repeat(32)}*`))).toThrow(
      'the session policy has a resource with a ? among more than 32 characters between two stars',
    )
  })

  it.each([
    ['not json', 'the session policy is not a JSON object'],
    [
      JSON.stringify({ Version: '2008-10-17', Statement: allowAll }),
      'the session policy: Version must be 2012-10-17',
    ],
    [JSON.stringify({ Statement: allowAll }), 'the session policy: Version must be 2012-10-17'],
    [
      write({ ...allowAll, Action: 's3:Nope' }),
      'the session policy statement 0: the action s3:Nope is not known',
    ],
    [
      write({ ...allowAll, Resources: '*' }),
      'the session policy statement 0 has an unknown member Resources',
    ],
  ])('the session policy %s is refused when it is requested', (text, message) => {
    expect(() => parseSessionPolicy(text)).toThrow(
      expect.objectContaining({ code: 'InvalidParameterValue', status: 400, message }),
    )
  })
})
