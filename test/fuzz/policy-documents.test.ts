import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, session } from '../support/server/policy-requests.ts'
import { fuzz } from './budget.ts'
import { evaluate, type Statement } from './policy-model.ts'

/** There are few words, so that documents match requests. */
const piece = fc.constantFrom(
  'a',
  'b',
  'ab',
  '*',
  '?',
  '/',
  '${aws:username}',
  '${jwt:team}',
  '${*}',
)
const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''))
const resource = fc.oneof(
  fc.constantFrom('*', 'arn:aws:s3:::*', 'arn:aws:s3:::a/*', 'arn:aws:s3:::a', 'arn:aws:s3:::a*'),
  pattern.filter((text) => !text.startsWith('/')).map((text) => `arn:aws:s3:::${text}`),
)
const action = fc.constantFrom(
  '*',
  's3:*',
  's3:Get*',
  's3:*Object',
  's3:?etObject',
  's3:GetObject',
  's3:PutObject',
  's3:ListBucket',
  's3:*t*',
  's3:ListAllMyBuckets',
)
const textKey = fc.constantFrom('aws:username', 'jwt:team', 'JWT:team', 's3:prefix', 'aws:groups')
const some = <Value>(one: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(one, { minLength: 1, maxLength: 3 })

/** Operator → its block, with string or numeric keys. */
const condition = fc
  .tuple(
    fc.constantFrom('', '', 'ForAnyValue:', 'ForAllValues:'),
    fc.constantFrom('', '', 'IfExists'),
    fc.constantFrom(
      'StringEquals',
      'StringNotEquals',
      'StringEqualsIgnoreCase',
      'StringNotEqualsIgnoreCase',
      'StringLike',
      'StringNotLike',
    ),
    textKey,
    some(fc.oneof(pattern, fc.constantFrom('alice', 'A', 'Ab', 'al*', '*'))),
  )
  .map(([quantifier, ifExists, name, key, values]) => {
    return { [`${quantifier}${name}${ifExists}`]: { [key]: values } }
  })
const ofNumbers = fc
  .tuple(
    fc.constantFrom(
      'NumericEquals',
      'NumericNotEquals',
      'NumericLessThan',
      'NumericGreaterThanEquals',
    ),
    fc.constantFrom('', 'IfExists'),
    some(fc.integer({ min: 0, max: 4 }).map(String)),
  )
  .map(([name, ifExists, values]) => ({ [`${name}${ifExists}`]: { 's3:max-keys': values } }))
const ofPresence = fc
  .tuple(textKey, fc.constantFrom('true', 'false'))
  .map(([key, value]) => ({ Null: { [key]: [value] } }))

type Condition = NonNullable<Statement['Condition']>

const statement: fc.Arbitrary<Statement> = fc
  .record({
    Effect: fc.constantFrom('Allow' as const, 'Deny' as const),
    actions: some(action),
    isNotAction: fc.boolean(),
    resources: some(resource),
    isNotResource: fc.boolean(),
    conditions: fc.array(fc.oneof(condition, condition, ofNumbers, ofPresence), { maxLength: 2 }),
  })
  .map(({ Effect, actions, isNotAction, resources, isNotResource, conditions }) => ({
    Effect,
    ...(isNotAction ? { NotAction: actions } : { Action: actions }),
    ...(isNotResource ? { NotResource: resources } : { Resource: resources }),
    ...(conditions.length > 0 && { Condition: Object.assign({}, ...conditions) as Condition }),
  }))

const word = fc.constantFrom('a', 'b', 'ab', 'alice', 'A', '*', 'a*b')
const question = fc.record({
  action: fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:ListBucket', 's3:ListAllMyBuckets'),
  at: fc.oneof(
    fc.constantFrom('', 'a', 'b', 'ab', 'a/b', 'a/alice/x', 'ab/*'),
    fc
      .array(fc.constantFrom('a', 'b', '/', '*'), { minLength: 1, maxLength: 6 })
      .map((all) => all.join('')),
  ),
  subject: fc.constantFrom('alice', 'a', 'a*', '*', '?'),
  team: fc.option(fc.oneof(word, some(word)), { nil: undefined }),
  groups: fc.array(word, { maxLength: 3 }),
  prefix: fc.option(fc.constantFrom('', 'a', 'ab', 'a/b', '*'), { nil: undefined }),
  maxKeys: fc.option(fc.integer({ min: 0, max: 4 }).map(String), { nil: undefined }),
})

describe('any policy document', () => {
  it('any policy document decides as a simple reading of IAM’s rules does', async () => {
    const input = fc.record({
      statements: fc.array(statement, { minLength: 1, maxLength: 3 }),
      question,
    })
    await fuzz(0.1, input, ({ statements, question: asked }) => {
      const { team, groups, prefix, maxKeys, subject, at } = asked
      // a request has a bucket before its key, and a key after its slash
      fc.pre(!/^\/|^[^/]*\/$/.test(at))
      const context = {
        'aws:username': [subject],
        ...(groups.length > 0 && { 'aws:groups': groups }),
        ...(team !== undefined && { 'jwt:team': [team].flat() }),
        ...(prefix !== undefined && { 's3:prefix': [prefix] }),
        ...(maxKeys !== undefined && { 's3:max-keys': [maxKeys] }),
      }
      const conditions = {
        ...(prefix !== undefined && { prefix }),
        ...(maxKeys !== undefined && { 'max-keys': maxKeys }),
      }
      const claims = team === undefined ? {} : { team }
      const principal = { ...session, subject, groups, claims }
      const actual = decide(
        statements.map((one) => ({ ...one })),
        { action: asked.action, at, principal, conditions },
      )
      const wanted = evaluate(statements, { action: asked.action, at, context })
      expect(actual, `${JSON.stringify({ statements, at, context }, undefined, 1)}`).toBe(wanted)
    })
  })
})
