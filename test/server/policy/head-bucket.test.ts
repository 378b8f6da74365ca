/** HEAD of a bucket: MinIO has an action of its own for it, AWS has `s3:ListBucket`. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { allowAll, makeRequest, session, write } from '../../support/server/policy-requests.ts'
import { openHarness } from '../../support/server/s3-harness.ts'

const allow = (Action: string) => ({ ...allowAll, Action })
const head = {
  ...makeRequest({ action: 's3:ListBucket', at: 'bucket' }),
  otherAction: 's3:HeadBucket',
}

async function isAllowed(statements: object[], sessionStatement?: object): Promise<boolean> {
  const document = parsePolicyDocument(write(...statements.map((one) => ({ ...one }))), 'p')
  const authorizer = combinePolicies(createIamAuthorizer({ policies: new Map([['p', document]]) }))
  const sessionPolicy = sessionStatement && write({ ...sessionStatement })
  const principal = { ...session, policyNames: ['p'], sessionPolicy }
  return (await authorizer.authorize({ ...head, principal })).isAllowed
}

describe('HEAD of a bucket', () => {
  it('a policy allows HEAD of a bucket by either action', async () => {
    expect(await isAllowed([allow('s3:ListBucket')])).toBe(true)
    expect(await isAllowed([allow('s3:HeadBucket')])).toBe(true)
    expect(await isAllowed([allow('s3:GetObject')])).toBe(false)
    expect(await isAllowed([allowAll], allow('s3:HeadBucket'))).toBe(true)
    expect(await isAllowed([allowAll], allow('s3:GetObject'))).toBe(false)
  })

  it('a policy that denies s3:ListBucket denies HEAD of a bucket, as at AWS', async () => {
    const deny = { ...allow('s3:ListBucket'), Effect: 'Deny' }
    expect(await isAllowed([allowAll, deny])).toBe(false)
    const both = { Version: '2012-10-17', Statement: [allowAll, deny] }
    const principal = { ...session, policyNames: ['p'], sessionPolicy: JSON.stringify(both) }
    const policies = new Map([['p', parsePolicyDocument(write(allowAll), 'p')]])
    const authorizer = combinePolicies(createIamAuthorizer({ policies }))
    expect(await authorizer.authorize({ ...head, principal })).toMatchObject({ isAllowed: false })
  })

  it('a policy that denies s3:HeadBucket denies HEAD of a bucket, whatever allows it', async () => {
    const deny = { ...allow('s3:HeadBucket'), Effect: 'Deny' }
    expect(await isAllowed([allowAll, deny])).toBe(false)
    const both = { Version: '2012-10-17', Statement: [allowAll, deny] }
    const principal = { ...session, policyNames: ['p'], sessionPolicy: JSON.stringify(both) }
    const policies = new Map([['p', parsePolicyDocument(write(allowAll), 'p')]])
    const authorizer = combinePolicies(createIamAuthorizer({ policies }))
    expect(await authorizer.authorize({ ...head, principal })).toMatchObject({ isAllowed: false })
  })

  it('only HEAD of a bucket has the second action', async () => {
    const s3 = await openHarness()
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/bucket')
    await s3.send('HEAD', '/bucket')
    expect(s3.asked.at(-1)).toMatchObject({ action: 's3:ListBucket', otherAction: 's3:HeadBucket' })
    await s3.send('GET', '/bucket')
    expect(s3.asked.at(-1)?.otherAction).toBeUndefined()
  })
})
