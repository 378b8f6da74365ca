import { describe, expect, it } from 'vitest'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { makeRequest } from '../../support/server/policy-requests.ts'

const inline = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::bucket/a*' }],
})
const noDelete = parsePolicyDocument(
  JSON.stringify({ Statement: [{ Effect: 'Deny', Action: 's3:DeleteObject', Resource: '*' }] }),
  'no-delete',
)
const policies = new Map([...cannedPolicies, ['no-delete', noDelete] as const])
const authorizer = combinePolicies(createIamAuthorizer({ policies }), undefined, policies)

async function isAllowed(
  limits: Partial<Principal>,
  action: string,
  object: string,
  by = authorizer,
): Promise<boolean> {
  const request = makeRequest({ action })
  const principal = { ...request.principal, policyNames: ['readwrite'], ...limits }
  const question = { ...request, principal, bucket: 'bucket', object }
  return (await by.authorize(question)).isAllowed
}

describe('a session that is limited by the policies of PolicyArns', () => {
  it('may do what one of them allows and none denies', async () => {
    const sessionPolicyNames = ['readonly', 'writeonly', 'no-delete']
    expect(await isAllowed({ sessionPolicyNames }, 's3:GetObject', 'b')).toBe(true)
    expect(await isAllowed({ sessionPolicyNames }, 's3:PutObject', 'b')).toBe(true)
    expect(await isAllowed({ sessionPolicyNames }, 's3:DeleteObject', 'b')).toBe(false)
    const readonly = { sessionPolicyNames: ['readonly'] }
    expect(await isAllowed(readonly, 's3:GetObject', 'b')).toBe(true)
    expect(await isAllowed(readonly, 's3:PutObject', 'b')).toBe(false)
  })

  it('may do with a session policy besides only what both allow', async () => {
    const limits = { sessionPolicyNames: ['readonly'], sessionPolicy: inline }
    expect(await isAllowed(limits, 's3:GetObject', 'a1')).toBe(true)
    expect(await isAllowed(limits, 's3:GetObject', 'b')).toBe(false)
    expect(await isAllowed(limits, 's3:PutObject', 'a1')).toBe(false)
  })

  it('may do nothing if one of them is not there any more', async () => {
    const limits = { sessionPolicyNames: ['readonly', 'gone'] }
    expect(await isAllowed(limits, 's3:GetObject', 'b')).toBe(false)
    const bare = combinePolicies(createIamAuthorizer({ policies }))
    expect(await isAllowed({ sessionPolicyNames: ['readonly'] }, 's3:GetObject', 'b', bare)).toBe(
      false,
    )
  })

  it('may do no more than its own policies allow', async () => {
    const limits = { sessionPolicyNames: ['readwrite'], policyNames: ['readonly'] }
    expect(await isAllowed(limits, 's3:PutObject', 'b')).toBe(false)
  })
})
