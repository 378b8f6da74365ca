import { describe, expect, it } from 'vitest'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { withCouldAllow } from '../../../src/server/policy/with-could-allow.ts'
import { withSessionPolicy } from '../../../src/server/policy/with-session-policy.ts'
import { root, session } from '../../support/server/policy-requests.ts'

function statement(more: Readonly<Record<string, unknown>>): string {
  const whole = { Effect: 'Allow', Resource: 'arn:aws:s3:::photos/*', ...more }
  return JSON.stringify({ Version: '2012-10-17', Statement: [whole] })
}

const policies = new Map(
  Object.entries({
    get: statement({ Action: 's3:GetObject' }),
    list: statement({ Action: ['s3:GetObject', 's3:List*'] }),
    others: statement({ NotAction: 's3:Get*' }),
    none: statement({ NotAction: 's3:*' }),
    deny: statement({ Effect: 'Deny', Action: 's3:*' }),
  }).map(([name, text]) => [name, parsePolicyDocument(text, name)]),
)
const authorizer = withCouldAllow(withSessionPolicy(createIamAuthorizer({ policies })), policies)

async function couldList(policyNames: string[], sessionPolicy?: string): Promise<unknown> {
  return authorizer.couldAllow?.({ ...session, policyNames, sessionPolicy }, 's3:ListBucket')
}

describe('could-allow for s3:ListBucket', () => {
  it.each<[string[], boolean]>([
    [['get'], false],
    [['list'], true],
    [['others'], true],
    [['none'], false],
    [['deny'], false],
    [['unknown'], false],
    [[], false],
    [['get', 'list'], true],
  ])('a caller with the policies %j could list a bucket: %s', async (names, expected) => {
    expect(await couldList(names)).toBe(expected)
  })

  it('a session policy must also allow it before a caller could list a bucket', async () => {
    expect(await couldList(['list'], statement({ Action: 's3:GetObject' }))).toBe(false)
    expect(await couldList(['list'], statement({ Action: 's3:ListBucket' }))).toBe(true)
    expect(await couldList(['list'], 'not a policy')).toBe(false)
  })

  it('root, and a caller whose policies only the policy engine knows, could list a bucket', async () => {
    expect(await authorizer.couldAllow?.(root, 's3:ListBucket')).toBe(true)
    const engine = withCouldAllow(authorizer, undefined)
    const known = { ...session, policyNames: [] }
    expect(await engine.couldAllow?.(known, 's3:ListBucket')).toBe(true)
    const bound = { ...known, sessionPolicy: statement({ Action: 's3:GetObject' }) }
    expect(await engine.couldAllow?.(bound, 's3:ListBucket')).toBe(false)
  })
})
