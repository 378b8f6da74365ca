/** The roles that a statement of the STS names in `Resource`. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toLocalArn } from '../../../src/server/identity/principal-names.ts'
import { evaluateDocument } from '../../../src/server/policy/evaluate-document.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { makeRequest } from '../../support/server/policy-requests.ts'

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,11}$/)
const account = fc.stringMatching(/^\d{12}$/)

/** Returns the effect of one statement on assuming a role. */
function decide(role: string, statement: object, action = 'sts:AssumeRole'): string {
  const Statement = [{ Effect: 'Allow', Action: 'sts:AssumeRole', ...statement }]
  const document = parsePolicyDocument(JSON.stringify({ Version: '2012-10-17', Statement }), 'p')
  const roleArn = toLocalArn(`arn:aws:iam::000000000000:role/${role}`)
  return evaluateDocument(document, { ...makeRequest({ action, at: '' }), roleArn }).effect
}

describe('a statement about a role', () => {
  it('is about the roles that it names, in each form of their ARN, and about no other', () => {
    fc.assert(
      fc.property(name, name, account, (role, other, digits) => {
        for (const Resource of [
          `arn:aws:iam::${digits}:role/${role}`,
          `arn:aws-cn:iam::${digits}:role/${role}`,
          `arn:minio:iam:::role/${role}`,
          `arn:minio:iam:us-east-1::role/${role}`,
        ]) {
          expect(decide(role, { Resource })).toBe('Allow')
          expect(decide(role, { Resource, Effect: 'Deny' })).toBe('Deny')
          expect(decide(other, { Resource })).toBe(role === other ? 'Allow' : 'none')
          expect(decide(other, { NotResource: Resource })).toBe(role === other ? 'none' : 'Allow')
        }
      }),
    )
  })

  it('is about no role if it names buckets, however they are named', () => {
    fc.assert(
      fc.property(name, name, (role, bucket) => {
        const Action = ['sts:AssumeRole', 's3:GetObject']
        for (const Resource of [
          `arn:aws:s3:::${bucket}`,
          `arn:aws:s3:::${role}/*`,
          'arn:aws:s3:::*',
        ])
          expect(decide(role, { Action, Resource })).toBe('none')
      }),
    )
  })

  it('is about every role if it has no resource, or all of them', () => {
    fc.assert(
      fc.property(name, (role) => {
        for (const statement of [
          {},
          { Resource: '*' },
          { Resource: 'arn:aws:s3:::*' },
          { Action: '*', Resource: '*' },
          { Action: 'sts:*', Resource: 'arn:aws:iam::*:role/*' },
        ])
          expect(decide(role, statement)).toBe('Allow')
      }),
    )
  })

  it('writes an ARN in one form only', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          name.map((role) => `arn:minio:iam:::user/${role}`),
        ),
        (arn) => {
          expect(toLocalArn(toLocalArn(arn))).toBe(toLocalArn(arn))
        },
      ),
    )
  })
})
