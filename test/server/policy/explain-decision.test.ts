/** Explanations of decisions: every policy that was asked, what failed, and a statement that really allows the request. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { parseBucketPolicy } from '../../../src/server/policy/bucket-policy.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { explainDecision, type Explanation } from '../../../src/server/policy/explain-decision.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { refusedByTrust } from '../../../src/server/policy/role-principals.ts'
import { makeRequest, session } from '../../support/server/policy-requests.ts'

type Statement = Readonly<Record<string, unknown>>

const write = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })

const get = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' }

interface Case {
  readonly identity?: readonly Statement[]
  readonly session?: readonly Statement[]
  readonly bucket?: readonly Statement[]
  readonly request?: Parameters<typeof makeRequest>[0]
}

function open({ identity = [], bucket, request = {}, ...given }: Case) {
  const policies = new Map([['team', parsePolicyDocument(write(identity), 'team')]])
  const policy = bucket && parseBucketPolicy(write(bucket), 'bucket')
  const findBucketPolicy = (name: string) =>
    policy && name === 'bucket' ? { policy, isRestricted: false } : undefined
  const principal = {
    ...session,
    policyNames: ['team'],
    sessionPolicy: given.session && write(given.session),
  }
  const question: AuthorizationRequest = makeRequest({ principal, ...request })
  const authorizer = combinePolicies(createIamAuthorizer({ policies }), findBucketPolicy)
  return { question, authorizer, sources: { policies, findBucketPolicy } }
}

async function explain(given: Case): Promise<Explanation> {
  const { question, authorizer, sources } = open(given)
  return explainDecision(question, await authorizer.authorize(question), sources)
}

describe('the explanation of a decision', () => {
  it('names the policy and the statement that allowed a request, and no remedy', async () => {
    const explanation = await explain({ identity: [get] })
    expect(explanation).toMatchObject({ isAllowed: true, reason: 'allowed by team #0' })
    expect(explanation.policies).toMatchObject([
      { kind: 'identity', name: 'team', effect: 'Allow', statements: [{ applies: true }] },
    ])
    expect(explanation.remedy).toBeUndefined()
  })

  it('of an action about a role has a statement about that role, which helps', async () => {
    const roleArn = 'arn:aws:iam::000000000000:role/reader'
    const ask = async (identity: readonly Statement[]): Promise<Explanation> => {
      const { question, authorizer, sources } = open({ identity })
      const asked = { ...question, action: 'sts:AssumeRole', bucket: '', object: '', roleArn }
      return explainDecision(asked, await authorizer.authorize(asked), sources)
    }
    const { remedy } = await ask([get])
    const statement = { Effect: 'Allow', Action: ['sts:AssumeRole'], Resource: [roleArn] }
    expect(remedy?.statement).toEqual(statement)
    expect(await ask([statement])).toMatchObject({ isAllowed: true })
  })

  it('of a refusal by the trust of a role has no statement, because none helps', async () => {
    const { question, sources } = open({})
    const reason = `${refusedByTrust} arn:minio:iam:us-east-1::role/reader`
    const { remedy } = await explainDecision(question, { isAllowed: false, reason }, sources)
    expect(remedy).toEqual({ advice: expect.stringMatching(/^change the trust/) as string })
  })

  it('shows both values of a condition that failed, with the variables of the statement filled in', async () => {
    const condition = { StringEquals: { 'aws:UserAgent': 'agent of ${aws:username}' } }
    const { policies } = await explain({
      identity: [{ ...get, Condition: condition }],
      request: { conditions: { UserAgent: 'curl' } },
    })
    expect(policies[0]?.statements[0]).toMatchObject({
      isResourceNamed: true,
      applies: false,
      conditions: [
        {
          operator: 'StringEquals',
          key: 'aws:UserAgent',
          wanted: ['agent of alice'],
          actual: ['curl'],
          holds: false,
        },
      ],
    })
  })

  it('shows that a request has no value for a key', async () => {
    const { policies } = await explain({
      identity: [{ ...get, Condition: { StringLike: { 's3:prefix': 'a/*' } } }],
    })
    expect(policies[0]?.statements[0]?.conditions[0]?.actual).toEqual([])
  })

  it('says of an explicit deny that it must be changed, and suggests no statement', async () => {
    const deny = { ...get, Sid: 'NoSecrets', Effect: 'Deny' }
    const { remedy } = await explain({ identity: [get, deny] })
    expect(remedy?.advice).toContain('the Deny NoSecrets of team')
    expect(remedy?.statement).toBeUndefined()
  })

  it('says of a session policy that only new credentials widen it', async () => {
    const other = { ...get, Resource: 'arn:aws:s3:::bucket/public/*' }
    const { remedy, policies } = await explain({ identity: [get], session: [other] })
    expect(policies.map(({ kind, effect }) => [kind, effect])).toEqual([
      ['identity', 'Allow'],
      ['session', 'none'],
    ])
    expect(remedy?.advice).toContain('session policy')
  })

  it('shows the policy of the bucket where it is about the caller', async () => {
    const bucket = [{ ...get, Sid: 'Open', Principal: '*' }]
    const { policies, isAllowed } = await explain({ bucket })
    expect(isAllowed).toBe(true)
    expect(policies).toMatchObject([
      { kind: 'bucket', effect: 'Allow', statements: [{ label: 'Open' }] },
    ])
  })

  it('names a policy that the server does not have', async () => {
    const principal = { ...session, policyNames: ['gone'] }
    const { policies, remedy } = await explain({ request: { principal } })
    expect(policies).toMatchObject([{ name: 'gone', effect: 'none', statements: [] }])
    expect(policies[0]?.problem).toContain('no policy of this name')
    expect(remedy?.advice).toContain('no policy that this server knows')
  })

  it('suggests nothing about documents where another engine decides', async () => {
    const { question } = open({})
    const decision = { isAllowed: false, reason: 'opa: false' }
    const { remedy, policies } = await explainDecision(question, decision, {
      policies: new Map(),
      isEngineExternal: true,
    })
    expect(policies).toEqual([])
    expect(remedy).toEqual({ advice: expect.stringContaining('external policy engine') as string })
  })

  it('suggests a statement that allows the request, whatever its key is, and not the key beside it', async () => {
    const part = fc.constantFrom('a', '*', '?', '$', '${', '}', 'ü', ' ', '"', '\\')
    const key = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
    const action = fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:DeleteObject')
    await fc.assert(
      fc.asyncProperty(key, action, async (name, asked) => {
        const request = { action: asked, at: `bucket/${name}` }
        const { remedy } = await explain({ request })
        const identity = [remedy?.statement as Statement]
        const allowed = open({ identity, request })
        expect((await allowed.authorizer.authorize(allowed.question)).isAllowed).toBe(true)
        const other = open({ identity, request: { ...request, at: `bucket/${name}x` } })
        expect((await other.authorizer.authorize(other.question)).isAllowed).toBe(false)
      }),
    )
  })
})
