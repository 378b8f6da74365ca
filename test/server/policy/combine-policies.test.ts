/** Identity, session and bucket policies together decide as AWS's flow chart does (IAM User Guide, "Policy evaluation logic"). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Authorizer } from '../../../src/server/policy/authorizer.ts'
import { parseBucketPolicy } from '../../../src/server/policy/bucket-policy.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import {
  combinePolicies,
  type FindBucketPolicy,
} from '../../../src/server/policy/combine-policies.ts'
import { createDecisionMemo } from '../../../src/server/policy/decision-memo.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { anonymousPrincipal } from '../../../src/server/identity/anonymous.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { makeRequest, root, session, type Question } from '../../support/server/policy-requests.ts'

const account = 'arn:aws:iam::000000000000:root'
const userArn = 'arn:aws:iam::000000000000:user/alice'
const userSessionArn = 'arn:aws:sts::000000000000:assumed-role/sts-cli/alice'
const roleArn = 'arn:aws:iam::000000000000:role/builders'
const roleSessionArn = 'arn:aws:sts::000000000000:assumed-role/builders/ci'
const roleSession: Principal = {
  ...session,
  claims: { sub: 'bob', roleArn: 'arn:minio:iam:us-east-1::role/builders' },
  subject: 'bob',
  roleSessionName: 'ci',
}

type Statement = Readonly<Record<string, unknown>>

function write(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

interface Policies {
  readonly bucket?: readonly Statement[] | undefined
  readonly isRestricted?: boolean
  readonly engine?: Authorizer
}

function makeAuthorizer({ bucket, isRestricted = false, engine }: Policies): Authorizer {
  const policy = bucket && parseBucketPolicy(write(bucket), 'bucket')
  const find: FindBucketPolicy = (name) =>
    policy === undefined || name !== 'bucket' ? undefined : { policy, isRestricted }
  return combinePolicies(engine ?? createIamAuthorizer({ policies: cannedPolicies }), find)
}

async function isAllowed(policies: Policies, question: Question): Promise<boolean> {
  return (await makeAuthorizer(policies).authorize(makeRequest(question))).isAllowed
}

const open = {
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:*',
  Resource: ['arn:aws:s3:::bucket', 'arn:aws:s3:::bucket/*'],
}
const nobody = { ...session, policyNames: [] }

describe('the decision of all policies together', () => {
  const actions = ['s3:GetObject', 's3:PutObject', 's3:ListBucket'] as const
  const arnsOf: Readonly<Record<string, string | undefined>> = {
    anyone: '*',
    account,
    user: userArn,
    userSession: userSessionArn,
    role: roleArn,
    roleSession: roleSessionArn,
    stranger: 'arn:aws:iam::000000000000:user/mallory',
  }
  const principals = {
    root,
    user: session,
    role: roleSession,
    anonymous: anonymousPrincipal,
  } as const
  type Kind = keyof typeof principals
  /** Which names apply to whom, written out by hand. */
  const granted: Readonly<Record<Kind, readonly string[]>> = {
    root: [],
    user: ['anyone', 'user', 'userSession'],
    role: ['anyone', 'role', 'roleSession'],
    anonymous: ['anyone'],
  }
  const denied: Readonly<Record<Kind, readonly string[]>> = {
    root: ['anyone', 'account'],
    user: ['anyone', 'account', 'user', 'userSession'],
    role: ['anyone', 'account', 'role', 'roleSession'],
    anonymous: ['anyone'],
  }
  interface Rule {
    readonly effect: 'Allow' | 'Deny'
    readonly action: (typeof actions)[number]
    readonly who: string
  }
  const anyRule = fc.record<Rule>({
    effect: fc.constantFrom('Allow', 'Deny'),
    action: fc.constantFrom(...actions),
    who: fc.constantFrom(...Object.keys(arnsOf)),
  })
  const anyRules = fc.array(anyRule, { minLength: 1, maxLength: 5 })
  const resourceOf = (action: string): string =>
    action === 's3:ListBucket' ? 'arn:aws:s3:::bucket' : 'arn:aws:s3:::bucket/*'
  const toStatements = (rules: readonly Rule[], hasPrincipal: boolean): Statement[] =>
    rules.map(({ effect, action, who }) => ({
      Effect: effect,
      Action: action,
      Resource: resourceOf(action),
      ...(hasPrincipal && { Principal: { AWS: arnsOf[who] } }),
    }))

  interface Case {
    readonly identity: readonly Rule[]
    readonly session: readonly Rule[] | undefined
    readonly bucket: readonly Rule[] | undefined
    readonly kind: Kind
    readonly action: string
  }

  /** AWS's flow chart for one account, step by step. */
  function decideByFlowChart({
    identity,
    session: limit,
    bucket = [],
    kind,
    action,
  }: Case): boolean {
    const of = (rules: readonly Rule[], effect: string): readonly Rule[] =>
      rules.filter((rule) => rule.effect === effect && rule.action === action)
    if (of(bucket, 'Deny').some(({ who }) => denied[kind].includes(who))) return false
    if (kind === 'root') return true
    const isSigned = kind !== 'anonymous'
    if (isSigned && of(identity, 'Deny').length > 0) return false
    if (isSigned && limit && of(limit, 'Deny').length > 0) return false
    const grants = of(bucket, 'Allow').filter(({ who }) => granted[kind].includes(who))
    if (grants.some(({ who }) => who.endsWith('Session'))) return true
    const isLimited = isSigned && limit !== undefined && of(limit, 'Allow').length === 0
    if (isLimited) return false
    return grants.length > 0 || (isSigned && of(identity, 'Allow').length > 0)
  }

  it('equals the flow chart of AWS, whatever the policies, the caller and the action are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record<Case>({
          identity: anyRules,
          session: fc.option(anyRules, { nil: undefined }),
          bucket: fc.option(anyRules, { nil: undefined }),
          kind: fc.constantFrom<Kind>('root', 'user', 'role', 'anonymous'),
          action: fc.constantFrom(...actions),
        }),
        async (given) => {
          const identity = write(toStatements(given.identity, false))
          const policies = new Map([['own', parsePolicyDocument(identity, 'own')]])
          const engine = createIamAuthorizer({ policies })
          const bucket = given.bucket && toStatements(given.bucket, true)
          const isSession = given.kind === 'user' || given.kind === 'role'
          const principal = {
            ...principals[given.kind],
            ...(isSession && {
              policyNames: ['own'],
              sessionPolicy: given.session && write(toStatements(given.session, false)),
            }),
          }
          const at = given.action === 's3:ListBucket' ? 'bucket' : 'bucket/key'
          const question = makeRequest({ principal, action: given.action, at })
          const authorizer = makeAuthorizer({ bucket, engine })
          const { isAllowed: is } = await authorizer.authorize({
            ...question,
            memo: createDecisionMemo(),
          })
          expect(is).toBe(decideByFlowChart(given))
          // A no about every key is certain.
          const couldAllow = await authorizer.couldAllow?.(question)
          if (is && question.object !== '') expect(couldAllow?.isAllowed).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('whom a bucket policy is about', () => {
  const grant = (AWS: string): Policies => ({ bucket: [{ ...open, Principal: { AWS } }] })
  const withoutPolicies = { ...roleSession, policyNames: [] }

  it.each([
    ['arn:minio:iam:::role/builders', true],
    ['arn:minio:iam:eu-west-1::role/builders', true],
    ['arn:aws:iam::000000000000:role/builders', true],
    ['arn:aws:iam::123456789012:role/builders', false],
    ['arn:aws:iam::000000000000:role/build', false],
    ['arn:aws:sts::000000000000:assumed-role/builders/ci', true],
    ['arn:aws:sts::000000000000:assumed-role/builders/other', false],
    ['arn:aws:iam::000000000000:user/bob', false],
  ])('an Allow for %s gives a session of a role access: %s', async (name, expected) => {
    expect(await isAllowed(grant(name), { principal: withoutPolicies })).toBe(expected)
  })

  it('a name that a caller chose gives a session without a role nothing, and a Deny of it counts', async () => {
    const chosen = { ...nobody, subject: 'mallory', roleSessionName: 'alice' }
    const named = { ...nobody, subject: 'mallory', claims: { preferred_username: 'alice' } }
    const shortened = { ...nobody, subject: 'al/ice' }
    for (const principal of [chosen, named]) {
      expect(await isAllowed(grant(userSessionArn), { principal })).toBe(false)
      expect(await isAllowed(grant(userArn), { principal })).toBe(false)
      const deny = { bucket: [{ ...open, Effect: 'Deny', Principal: { AWS: userSessionArn } }] }
      expect(
        await isAllowed(deny, { principal: { ...principal, policyNames: ['readwrite'] } }),
      ).toBe(false)
    }
    const cleaned = 'arn:aws:sts::000000000000:assumed-role/sts-cli/al_ice'
    expect(await isAllowed(grant(cleaned), { principal: shortened })).toBe(false)
    expect(await isAllowed(grant(userArn), { principal: nobody })).toBe(true)
  })

  it('the account alone gives its sessions nothing that their own policies do not', async () => {
    for (const name of [account, '000000000000'])
      expect(await isAllowed(grant(name), { principal: nobody })).toBe(false)
  })

  it('a Deny for everybody but some spares only those who are named themselves', async () => {
    const spare = (AWS: readonly string[]): Policies => {
      const { Principal: _, ...rest } = open
      return { bucket: [{ ...rest, Effect: 'Deny', NotPrincipal: { AWS } }] }
    }
    expect(await isAllowed(spare([userArn]), { principal: session })).toBe(true)
    expect(await isAllowed(spare([account]), { principal: session })).toBe(false)
    expect(await isAllowed(spare([account]), { principal: root })).toBe(true)
    expect(await isAllowed(spare([userArn]), { principal: root })).toBe(false)
    expect(await isAllowed(spare([roleSessionArn]), { principal: roleSession })).toBe(true)
  })
})

describe('what a bucket policy never does', () => {
  it.each([
    ['s3:ListAllMyBuckets', ''],
    ['s3:CreateBucket', 'bucket'],
    ['s3:GetObject', 'other/key'],
    ['s3:PutBucketPolicy', 'other'],
    ['admin:ServerInfo', ''],
    ['admin:*', 'bucket'],
    ['sts:AssumeRole', ''],
    ['sts:AssumeRoleWithWebIdentity', 'bucket/key'],
    ['kms:Status', ''],
  ])('a bucket policy does not give %s on %j', async (action, at) => {
    const everything = { ...open, Action: '*' }
    for (const principal of [nobody, anonymousPrincipal])
      expect(await isAllowed({ bucket: [everything] }, { principal, action, at })).toBe(false)
  })

  it.each([
    's3:GetBucketPolicy',
    's3:PutBucketPolicy',
    's3:DeleteBucketPolicy',
    's3:GetBucketPolicyStatus',
    's3:PutBucketPublicAccessBlock',
    's3:PutBucketOwnershipControls',
    's3:PutBucketAcl',
    's3:PutBucketCors',
    's3:PutBucketVersioning',
    's3:PutLifecycleConfiguration',
    's3:DeleteBucket',
    's3:ForceDeleteBucket',
  ])('a bucket policy gives %s to no caller who did not sign', async (action) => {
    const question = { action, at: 'bucket' }
    expect(
      await isAllowed({ bucket: [open] }, { ...question, principal: anonymousPrincipal }),
    ).toBe(false)
    expect(await isAllowed({ bucket: [open] }, { ...question, principal: nobody })).toBe(true)
  })

  it.each(['s3:BypassGovernanceRetention', 's3:PutObjectRetention', 's3:PutObjectLegalHold'])(
    'a bucket policy gives %s to no caller who did not sign',
    async (action) => {
      expect(await isAllowed({ bucket: [open] }, { action, principal: anonymousPrincipal })).toBe(
        false,
      )
    },
  )

  it('keys are not the bucket: what is given on all keys does not list them', async () => {
    const keys = { ...open, Resource: 'arn:aws:s3:::bucket/*' }
    const list = { action: 's3:ListBucket', at: 'bucket', principal: anonymousPrincipal }
    expect(await isAllowed({ bucket: [keys] }, list)).toBe(false)
    expect(await isAllowed({ bucket: [open] }, list)).toBe(true)
  })

  it('a bucket policy does not lock root out of the policy, and denies root everything else that it denies', async () => {
    const closed = [{ ...open, Effect: 'Deny' }]
    for (const [action, expected] of [
      ['s3:GetBucketPolicy', true],
      ['s3:PutBucketPolicy', true],
      ['s3:DeleteBucketPolicy', true],
      ['s3:ListBucket', false],
      ['s3:PutBucketPublicAccessBlock', false],
    ] as const)
      expect(await isAllowed({ bucket: closed }, { action, at: 'bucket', principal: root })).toBe(
        expected,
      )
    expect(
      await isAllowed(
        { bucket: closed },
        { action: 's3:PutBucketPolicy', at: 'bucket', principal: session },
      ),
    ).toBe(false)
  })
})

describe('callers who did not sign', () => {
  const ask = (statement: Statement, question: Question = {}): Promise<boolean> =>
    isAllowed(
      { bucket: [{ ...open, ...statement }] },
      { principal: anonymousPrincipal, ...question },
    )

  it('never count by the policies of an identity', async () => {
    const yes: Authorizer = { authorize: async () => ({ isAllowed: true, reason: 'yes' }) }
    expect(await isAllowed({ engine: yes }, { principal: anonymousPrincipal })).toBe(false)
    const bare = combinePolicies(yes)
    expect((await bare.authorize(makeRequest({ principal: anonymousPrincipal }))).isAllowed).toBe(
      false,
    )
  })

  it('have the type Anonymous, the user id anonymous, and neither name, ARN nor account', async () => {
    const under = (Condition: object): Promise<boolean> => ask({ Condition })
    expect(await under({ StringEquals: { 'aws:PrincipalType': 'Anonymous' } })).toBe(true)
    expect(await under({ StringEquals: { 'aws:userid': 'anonymous' } })).toBe(true)
    for (const key of 'aws:username aws:PrincipalArn aws:PrincipalAccount aws:groups jwt:sub'.split(
      ' ',
    ))
      expect(await under({ Null: { [key]: 'true' } })).toBe(true)
    expect(await under({ StringLike: { 'aws:username': '*' } })).toBe(false)
  })

  it('are not given what a public access block withholds, while those who signed are', async () => {
    const bucket = [open]
    expect(await isAllowed({ bucket, isRestricted: true }, { principal: anonymousPrincipal })).toBe(
      false,
    )
    expect(await isAllowed({ bucket, isRestricted: true }, { principal: nobody })).toBe(true)
  })

  it('are told the same about every denial', async () => {
    const reasons = await Promise.all(
      [
        [open, { ...open, Effect: 'Deny' }],
        [{ ...open, Action: 's3:ListBucket', Resource: 'arn:aws:s3:::bucket' }],
        undefined,
      ].map(async (bucket) => {
        const question = makeRequest({ principal: anonymousPrincipal })
        return (await makeAuthorizer({ bucket }).authorize(question)).reason
      }),
    )
    expect(new Set(reasons).size).toBe(1)
  })
})

describe('an engine that decides alone', () => {
  const says = (is: boolean): Authorizer => ({
    isFinal: true,
    authorize: async () => ({ isAllowed: is, reason: 'the engine' }),
  })

  it('is not overruled by an Allow for a caller who signed, and is by a Deny', async () => {
    expect(await isAllowed({ bucket: [open], engine: says(false) }, {})).toBe(false)
    expect(await isAllowed({ bucket: [open], engine: says(true) }, {})).toBe(true)
    const closed = [{ ...open, Effect: 'Deny' }]
    expect(await isAllowed({ bucket: closed, engine: says(true) }, {})).toBe(false)
    expect(await isAllowed({ bucket: closed, engine: says(true) }, { principal: root })).toBe(false)
    const anonymous = { principal: anonymousPrincipal }
    expect(await isAllowed({ bucket: [open], engine: says(false) }, anonymous)).toBe(true)
    expect(await isAllowed({ engine: says(true) }, anonymous)).toBe(false)
  })
})

describe('the tags of a session', () => {
  it('are compared as aws:PrincipalTag, in both forms of the claim', async () => {
    const Condition = { StringEquals: { 'aws:PrincipalTag/team': 'blue' } }
    const policies = { bucket: [{ ...open, Condition }] }
    const principal = nobody
    const claim = 'https://aws.amazon.com/tags'
    for (const claims of [
      { [`${claim}/principal_tags/team`]: ['blue'] },
      { [`${claim}/principal_tags/team`]: 'blue' },
      { [claim]: { principal_tags: { team: ['blue'] } } },
    ])
      expect(await isAllowed(policies, { principal, claims })).toBe(true)
    for (const claims of [{}, { team: 'blue' }, { [`${claim}/principal_tags/team`]: ['red'] }])
      expect(await isAllowed(policies, { principal, claims })).toBe(false)
    expect(await isAllowed(policies, { principal: anonymousPrincipal })).toBe(false)
  })
})

describe('a bucket policy that cannot be read', () => {
  it('allows nothing, but root may replace it', async () => {
    const find: FindBucketPolicy = () => ({ policy: undefined, isRestricted: false })
    const authorizer = combinePolicies(createIamAuthorizer({ policies: cannedPolicies }), find)
    const ask = async (question: Question): Promise<boolean> =>
      (await authorizer.authorize(makeRequest(question))).isAllowed
    expect(await ask({})).toBe(false)
    expect(await ask({ principal: root })).toBe(false)
    expect(await ask({ principal: root, action: 's3:DeleteBucketPolicy', at: 'bucket' })).toBe(true)
  })
})
