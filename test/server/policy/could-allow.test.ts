import { describe, expect, it } from 'vitest'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { makeRequest, root, session } from '../../support/server/policy-requests.ts'

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
    denyAll: statement({ Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::*' }),
  }).map(([name, text]) => [name, parsePolicyDocument(text, name)]),
)
const authorizer = combinePolicies(createIamAuthorizer({ policies }))

/** Asks about the list of any bucket. */
async function couldList(principal: Principal, asked = authorizer): Promise<unknown> {
  const request = { ...makeRequest({ action: 's3:ListBucket', principal }), bucket: '', object: '' }
  return (await asked.couldAllow?.(request))?.isAllowed
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
    [['list', 'deny'], true],
    [['list', 'denyAll'], false],
  ])('a caller with the policies %j could list a bucket: %s', async (policyNames, expected) => {
    expect(await couldList({ ...session, policyNames })).toBe(expected)
  })

  it('a session policy must also allow it before a caller could list a bucket', async () => {
    const bind = (sessionPolicy: string): Principal => ({
      ...session,
      policyNames: ['list'],
      sessionPolicy,
    })
    expect(await couldList(bind(statement({ Action: 's3:GetObject' })))).toBe(false)
    expect(await couldList(bind(statement({ Action: 's3:ListBucket' })))).toBe(true)
    expect(await couldList(bind('not a policy'))).toBe(false)
  })

  it('root, and a caller whose policies only the policy engine knows, could list a bucket', async () => {
    expect(await couldList(root)).toBe(true)
    const engine = combinePolicies({ authorize: async () => ({ isAllowed: false, reason: '' }) })
    const known = { ...session, policyNames: [] }
    expect(await couldList(known, engine)).toBe(true)
    const sessionPolicy = statement({ Action: 's3:GetObject' })
    expect(await couldList({ ...known, sessionPolicy }, engine)).toBe(false)
  })
})
