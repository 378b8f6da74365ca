/** Actions are compared without case, as in AWS (IAM User Guide, "IAM JSON policy elements: Action"). */
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { minioActions } from '../../../src/server/policy/minio-names.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { allowAll, decide, write } from '../../support/server/policy-requests.ts'
import { openHarness } from '../../support/server/s3-harness.ts'

/** An action that the server asks for, and the same in any case. */
const spelledAction = fc
  .tuple(fc.constantFrom(...minioActions), fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }))
  .map(([action, isUpper]) => {
    const letters = [...action].map((letter, at) => {
      return isUpper[at] ? letter.toUpperCase() : letter.toLowerCase()
    })
    return { action, spelled: letters.join('') }
  })

describe('the case of actions', () => {
  it('a statement is for its action in whatever case it is written, and so is an exclusion', () => {
    fc.assert(
      fc.property(spelledAction, ({ action, spelled }) => {
        const deny = { Effect: 'Deny', Action: spelled, Resource: '*' }
        expect(decide([allowAll, deny], { action })).toBe('Deny')
        const exclude = { Effect: 'Deny', NotAction: spelled, Resource: '*' }
        expect(decide([exclude], { action })).toBe('none')
      }),
    )
  })

  it.each(['s3:putBUCKETcors', 'S3:Put*Cors', 's3:PutBucketCOR?', 's3:PUT*'])(
    'a Deny of %s denies PutBucketCors',
    (Action) => {
      const deny = { Effect: 'Deny', Action, Resource: '*' }
      expect(decide([allowAll, deny], { action: 's3:PutBucketCors' })).toBe('Deny')
    },
  )

  it('a statement for S3 in capitals names resources of S3 only', () => {
    const text = write({ Effect: 'Deny', Action: 'S3:GetObject', Resource: 'arn:aws:kms:::key/1' })
    expect(() => parsePolicyDocument(text, 'p')).toThrow('must begin with arn:aws:s3:::')
  })

  it('the removal of CORS rules is asked for by the actions of AWS and of MinIO', async () => {
    const s3 = await openHarness()
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/bucket')
    await s3.send('DELETE', '/bucket?cors')
    expect(s3.asked.at(-1)).toMatchObject({
      action: 's3:PutBucketCors',
      otherAction: 's3:DeleteBucketCors',
    })
  })
})
