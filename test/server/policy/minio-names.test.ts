import { describe, expect, it } from 'vitest'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { minioActions, minioConditionKeys } from '../../../src/server/policy/minio-names.ts'
import { allowAll, decide, holds, refusalOf, write } from '../../support/server/policy-requests.ts'

describe('the names of MinIO', () => {
  it.each(minioConditionKeys)('a policy may use the condition key %s of MinIO', (key) => {
    expect(refusalOf(write({ ...allowAll, Condition: { Null: { [key]: 'true' } } }))).toBe(
      'accepted',
    )
  })

  it.each(minioActions)('a policy may use the action %s of MinIO', (Action) => {
    expect(refusalOf(write({ Effect: 'Allow', Action, Resource: '*' }))).toBe('accepted')
  })

  it('the lists have what each generation of MinIO added', () => {
    expect(minioActions).toEqual(
      expect.arrayContaining([
        's3:GetObject',
        's3:PutObjectFanOut',
        'admin:SiteReplicationAdd',
        'kms:ListKeys',
        'sts:AssumeRoleWithWebIdentity',
      ]),
    )
    expect(minioConditionKeys).toEqual(
      expect.arrayContaining(['s3:ExistingObjectTag', 'svc:DurationSeconds', 'jwt:client_id']),
    )
    expect(minioActions.length).toBeGreaterThan(150)
  })

  it('the canned policies of MinIO are there', () => {
    expect([...cannedPolicies.keys()]).toEqual(
      expect.arrayContaining(['readwrite', 'readonly', 'writeonly', 'diagnostics', 'consoleAdmin']),
    )
  })
})

describe('keys whose value is sent or set by the server', () => {
  const conditions = {
    'X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id': 'k',
    'X-Amz-Server-Side-Encryption-Customer-Algorithm': 'AES256',
    signatureAge: '600001',
    RequestObjectTagKeys: ['a', 'B'],
    'RequestObjectTag/B': '1',
    'ExistingObjectTag/C': '2',
    'Object-Lock-Mode': 'GOVERNANCE',
    'object-lock-remaining-retention-days': '31',
    DurationSeconds: '3600',
  }
  it.each([
    { StringEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'k' } },
    { StringEquals: { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' } },
    { NumericGreaterThan: { 's3:signatureAge': '600000' } },
    { 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['a', 'B'] } },
    { StringEquals: { 's3:RequestObjectTag/B': '1' } },
    { StringEquals: { 'S3:requestobjecttag/B': '1' } },
    { StringEquals: { 's3:object-lock-mode': 'GOVERNANCE' } },
    { NumericLessThan: { 's3:object-lock-remaining-retention-days': '32' } },
    { NumericEquals: { 'sts:DurationSeconds': '3600' } },
  ])('the condition %j holds for the value of the request', (condition) => {
    const question = { action: 's3:PutObject', conditions }
    expect(holds(condition, question)).toBe(true)
    expect(holds(condition, { action: 's3:PutObject' })).toBe(
      Object.keys(condition)[0] === 'ForAllValues:StringEquals',
    )
  })

  it('the name of a tag is case-sensitive', () => {
    const question = { action: 's3:PutObject', conditions }
    expect(holds({ StringEquals: { 's3:RequestObjectTag/b': '1' } }, question)).toBe(false)
  })
})

describe('keys whose value the server may not know', () => {
  const unknown: readonly (readonly [string, string])[] = [
    ['s3:GetObject', 's3:ExistingObjectTag/team'],
    ['s3:PutObjectTagging', 's3:RequestObjectTag/team'],
    ['s3:PutObjectTagging', 's3:RequestObjectTagKeys'],
    ['s3:PutObjectRetention', 's3:object-lock-mode'],
    ['s3:PutObjectRetention', 's3:object-lock-remaining-retention-days'],
    ['s3:PutObjectLegalHold', 's3:object-lock-legal-hold'],
    ['s3:BypassGovernanceRetention', 's3:object-lock-retain-until-date'],
  ]
  const blocks = (key: string): object[] => [
    { StringEquals: { [key]: 'x' } },
    { StringNotEquals: { [key]: 'x' } },
    { StringEqualsIfExists: { [key]: 'x' } },
    { 'ForAllValues:StringLike': { [key]: 'x' } },
    { 'ForAnyValue:StringNotLike': { [key]: 'x' } },
    { Null: { [key]: 'true' } },
    { Null: { [key]: 'false' } },
  ]
  it.each(unknown)(
    'on %s no condition on %s allows, and every one denies, while the value is not known',
    (action, key) => {
      for (const Condition of blocks(key)) {
        expect(decide({ ...allowAll, Condition }, { action })).toBe('none')
        expect(decide([allowAll, { ...allowAll, Effect: 'Deny', Condition }], { action })).toBe(
          'Deny',
        )
      }
    },
  )

  it.each(unknown)('on an action that cannot have it, %s’s key %s is absent', (_action, key) => {
    const question = { action: 's3:ListBucket', at: 'bucket' }
    expect(holds({ StringEquals: { [key]: 'x' } }, question)).toBe(false)
    expect(holds({ StringEqualsIfExists: { [key]: 'x' } }, question)).toBe(true)
    expect(holds({ Null: { [key]: 'true' } }, question)).toBe(true)
  })

  it('the location of a new bucket is not known while the body is not read', () => {
    const Condition = { StringEquals: { 's3:LocationConstraint': 'eu-west-1' } }
    const create = { action: 's3:CreateBucket', at: 'bucket' }
    const withBody = { ...create, conditions: { 'Content-Length': '100' } }
    const deny = [allowAll, { ...allowAll, Effect: 'Deny', Condition }]
    expect(decide(deny, withBody)).toBe('Deny')
    expect(decide(deny, { ...create, conditions: { 'Content-Length': '0' } })).toBe('Allow')
    expect(decide({ ...allowAll, Condition }, withBody)).toBe('none')
  })

  it.each(unknown)('a variable cannot stand for what %s may not know: ${%s}', (_action, key) => {
    const Resource = `arn:aws:s3:::bucket/\${${key}}/*`
    expect(refusalOf(write({ ...allowAll, Resource }))).toBe(
      `the policy statement 0: the variable \${${key}} is not supported`,
    )
  })
})
