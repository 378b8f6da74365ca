/** The policy under observation decides nothing; the record says what it would have denied. */
import { expect, it, onTestFinished } from 'vitest'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { observePolicy } from '../../../src/server/policy/observe-policy.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { startServer } from '../../../src/server/start-server.ts'
import { makeRequest, root, session } from '../../support/server/policy-requests.ts'

const statements = [
  { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: 'arn:aws:s3:::bucket/*' },
  { Sid: 'Archive', Effect: 'Deny', Action: 's3:PutObject', Resource: 'arn:aws:s3:::bucket/old/*' },
]
const document = parsePolicyDocument(
  JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  'next',
)
const authorizer = observePolicy(createIamAuthorizer({ policies: cannedPolicies }), {
  name: 'next',
  document,
})

it.each([
  ['s3:GetObject', 'bucket/a', undefined],
  ['s3:PutObject', 'bucket/old/a', 'denied by next Archive'],
  ['s3:DeleteObject', 'bucket/a', 'no statement of next allows s3:DeleteObject'],
])('of %s on %s, which is allowed, the observed policy says: %s', async (action, at, wouldDeny) => {
  const decision = await authorizer.authorize(makeRequest({ action, at }))
  expect(decision).toMatchObject({ isAllowed: true })
  expect(decision.wouldDeny).toBe(wouldDeny)
})

it('a denial stays one, and root is not observed', async () => {
  const principal = { ...session, policyNames: ['readonly'] }
  const denied = await authorizer.authorize(makeRequest({ action: 's3:PutObject', principal }))
  expect(denied.isAllowed).toBe(false)
  const question = makeRequest({ action: 's3:DeleteObject', principal: root })
  expect(await authorizer.authorize(question)).toEqual({ isAllowed: true, reason: 'root' })
})

it('a server refuses to observe a policy that it does not know', async () => {
  const started = startServer({ observedPolicy: 'unknown' })
  onTestFinished(async () => void (await started.catch(() => undefined))?.stop())
  await expect(started).rejects.toMatchObject({ reason: 'server-policy-unknown' })
})
