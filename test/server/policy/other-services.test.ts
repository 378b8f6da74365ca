/** Data catalogs (Unity Catalog, Polaris, Lakekeeper, Nessie) send one policy for S3 and for the services around it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObject } from '../../../src/base/parse.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { parseSessionPolicy } from '../../../src/server/policy/session-policy.ts'
import {
  allowAll,
  decide,
  listWords,
  refusalOf,
  write,
} from '../../support/server/policy-requests.ts'

const object = 'arn:aws:s3:::bucket/*'
const key = 'arn:aws:kms:us-east-1:111122223333:key/1a2b'
const table = 'arn:aws:glue:us-east-1:111122223333:table/db/*'
const at0 = 'the policy statement 0'

const otherActions = fc.constantFrom(
  ...listWords(
    'kms:Decrypt kms:GenerateDataKey* glue:* dynamodb:GetItem s3express:CreateSession s3-object-lambda:Get* sts:TagSession logs:?* KMS:decrypt',
  ),
)
const otherResources = fc.constantFrom(
  key,
  table,
  'arn:aws-cn:sqs:cn-north-1:1:q',
  'arn:minio:kms:::k',
)
const effects = fc.constantFrom('Allow', 'Deny')
const otherStatements = fc.record(
  {
    Sid: fc.constantFrom('a', 'b'),
    Effect: effects,
    Action: fc.array(otherActions, { minLength: 1, maxLength: 4 }),
    Resource: fc.oneof(
      fc.constant('*'),
      fc.constant(object),
      fc.array(otherResources, { minLength: 1, maxLength: 3 }),
    ),
    Condition: fc.constantFrom(
      { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
      { 'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': ['o-1/*'] } },
    ),
  },
  { requiredKeys: ['Effect', 'Action', 'Resource'] },
)
const ownStatements = fc.record({
  Effect: effects,
  Action: fc.constantFrom('s3:GetObject', 's3:PutObject', ['s3:Get*', 's3:List*'], 's3:*', '*'),
  Resource: fc.constantFrom('*', object, 'arn:aws:s3:::other/*', ['arn:aws:s3:::bucket', object]),
})
const questions = fc.record({
  action: fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:ListBucket'),
  at: fc.constantFrom('bucket/key', 'bucket', 'other/key'),
})

describe('statements for other services', () => {
  it('a document grants and denies the same with any statements for other services in it', () => {
    fc.assert(
      fc.property(
        fc.array(ownStatements, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(4), otherStatements), { maxLength: 4 }),
        questions,
        (own, others, question) => {
          const mixed: object[] = [...own]
          for (const [index, statement] of others) mixed.splice(index, 0, statement)
          const statements = mixed.filter((item) => isObject(item))
          expect(decide(statements, question)).toBe(decide(own, question))
        },
      ),
    )
  })

  it('a statement grants and denies the same with actions and resources of other services in it', () => {
    fc.assert(
      fc.property(
        fc.array(ownStatements, { minLength: 1, maxLength: 3 }),
        fc.array(otherActions, { minLength: 1, maxLength: 3 }),
        fc.array(otherResources, { maxLength: 3 }),
        questions,
        (own, actions, resources, question) => {
          const mixed = own.map((statement) => ({
            ...statement,
            Action: [...actions, ...[statement.Action].flat()],
            Resource: [...resources, ...[statement.Resource].flat()],
          }))
          expect(decide(mixed, question)).toBe(decide(own, question))
        },
      ),
    )
  })

  it('a session policy with nothing for S3 allows nothing', () => {
    const text = write({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' })
    expect(parseSessionPolicy(text).statements).toEqual([])
    expect(decide({ Effect: 'Allow', Action: ['kms:*', 'glue:*'], Resource: '*' })).toBe('none')
  })

  it('a statement whose resources are all of other services applies to nothing of S3', () => {
    const statement = { Action: ['s3:GetObject', 'kms:Decrypt'], Resource: [key, table] }
    expect(decide({ ...statement, Effect: 'Allow' })).toBe('none')
    expect(decide([allowAll, { ...statement, Effect: 'Deny' }])).toBe('Allow')
    expect(decide([allowAll, { Effect: 'Deny', Action: '*', Resource: key }])).toBe('Allow')
  })

  it('exclusions of other services exclude nothing of S3', () => {
    const deny = { Effect: 'Deny', NotAction: ['kms:*', 'glue:GetTable'], Resource: '*' }
    expect(decide([allowAll, deny])).toBe('Deny')
    const keys = { Effect: 'Deny', Action: ['s3:*', 'kms:*'], NotResource: key }
    expect(decide([allowAll, keys])).toBe('Deny')
    const list = { Effect: 'Deny', NotAction: ['kms:*', 's3:GetObject'], Resource: [key, object] }
    expect(decide([allowAll, list])).toBe('Allow')
    expect(decide([allowAll, list], { action: 's3:PutObject' })).toBe('Deny')
  })

  it('a request to this server does not have the condition keys of other services', () => {
    const mixed = { ...allowAll, Action: ['s3:*', 'kms:*'] }
    const via = { 'kms:ViaService': 's3.us-east-1.amazonaws.com' }
    expect(decide({ ...mixed, Condition: { StringEquals: via } })).toBe('none')
    expect(decide({ ...mixed, Condition: { StringEqualsIfExists: via } })).toBe('Allow')
    expect(refusalOf(write({ ...allowAll, Condition: { StringEquals: via } }))).toBe(
      `${at0}: the condition key kms:ViaService is not supported`,
    )
    expect(
      refusalOf(write({ ...mixed, Condition: { StringEquals: { 'aws:ResourceTag/a': 'b' } } })),
    ).toBe(`${at0}: the condition key aws:ResourceTag/a is not supported`)
  })

  it.each([
    's3:GetObjct',
    'S3:GetObjct',
    's4:*',
    's:GetObject',
    'admin:Nope',
    'kms',
    'kms.Decrypt',
    ':Decrypt',
    'kms:',
    'k*s:Decrypt',
    'kms:Decrypt ',
    'kms::Decrypt',
  ])('the action %j is refused: it may be a misspelt one', (action) => {
    for (const Effect of ['Allow', 'Deny'])
      expect(refusalOf(write({ Effect, Action: ['glue:*', action], Resource: '*' }))).toBe(
        `${at0}: the action ${action} is not known`,
      )
  })

  it.each([
    'arn:aws:s3::bucket/*',
    'arn:aws:S3:::bucket/*',
    'arn:aws:*:::bucket/*',
    'arn:*',
    'arn:aws-cn:s3:::bucket/*',
    'key',
  ])('the resource %j is refused beside those of other services', (resource) => {
    const statement = { Effect: 'Deny', Action: ['s3:*', 'kms:*'], Resource: [key, resource] }
    expect(refusalOf(write(statement))).toContain(`the resource ${resource} must begin with`)
  })

  it('a statement for S3 with a resource of another service is refused, as at MinIO', () => {
    expect(refusalOf(write({ ...allowAll, Resource: [object, key] }))).toBe(
      `${at0}: the resource ${key} must begin with arn:aws:s3:::`,
    )
  })

  it('policies of AWS and of data catalogs are accepted', () => {
    const polaris = [
      { Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: object },
      {
        Effect: 'Allow',
        Action: ['kms:GenerateDataKeyWithoutPlaintext', 'kms:DescribeKey', 'kms:Decrypt'],
        Resource: 'arn:aws:kms:us-east-1:111122223333:key/*',
        Condition: { StringEquals: { 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::bucket' } },
      },
    ]
    const unity = {
      Effect: 'Allow',
      Action: ['s3:GetO*', 's3:PutO*', 's3:DeleteO*', 's3:*Multipart*'],
      Resource: object,
    }
    const readOnly = {
      Effect: 'Allow',
      Action: ['s3:Get*', 's3:List*', 's3:Describe*', 's3-object-lambda:Get*'],
      Resource: '*',
    }
    for (const statements of [polaris, [unity], [readOnly]])
      expect(decide(statements)).toBe('Allow')
  })

  it('a policy may leave its version out, as at MinIO, but a session policy may not', () => {
    for (const version of [{}, { Version: '' }]) {
      const text = JSON.stringify({ ...version, Statement: [allowAll] })
      expect(parsePolicyDocument(text, 'the policy').statements).toHaveLength(1)
      expect(() => parseSessionPolicy(text)).toThrow('Version must be 2012-10-17')
    }
  })
})
