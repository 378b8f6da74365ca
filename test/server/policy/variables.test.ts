import { describe, expect, it } from 'vitest'
import {
  allowAll,
  decide,
  holds,
  refusalOf,
  session,
  write,
} from '../../support/server/policy-requests.ts'

const home = { ...allowAll, Resource: 'arn:aws:s3:::home/${jwt:sub}/*' }
const as = (sub: unknown): { claims: { sub: unknown } } => ({ claims: { sub } })

describe('policy variables', () => {
  it('a variable has the value of the principal’s claim', () => {
    expect(decide(home, { at: 'home/alice/x' })).toBe('Allow')
    expect(decide(home, { at: 'home/bob/x' })).toBe('none')
    expect(decide(home, { at: 'home/alice2/x' })).toBe('none')
  })

  it.each<readonly [string, object]>([
    ['${aws:username}', {}],
    ['${AWS:UserName}', {}],
    ['${jwt:preferred_username}', { claims: { preferred_username: 'alice' } }],
    ['${jwt:names}', { claims: { names: ['alice', 'bob'] } }],
  ])('the variable %s has the value of the principal', (variable, question) => {
    const Resource = `arn:aws:s3:::home/${variable}/*`
    expect(decide({ ...allowAll, Resource }, { at: 'home/alice/x', ...question })).toBe('Allow')
    expect(decide({ ...allowAll, Resource }, { at: 'home/bob/x', ...question })).toBe('none')
  })

  it('a resource may contain several variables, and conditions may contain them too', () => {
    const Resource = 'arn:aws:s3:::${jwt:azp}-${jwt:sub}/*'
    expect(decide({ ...allowAll, Resource }, { at: 'my-app-alice/x' })).toBe('Allow')
    const condition = { StringLike: { 's3:prefix': ['${jwt:sub}/*', 'all/${jwt:none}'] } }
    expect(holds(condition, { conditions: { prefix: 'alice/x' } })).toBe(true)
    expect(holds(condition, { conditions: { prefix: 'bob/x' } })).toBe(false)
    expect(holds(condition, { conditions: { prefix: 'all/' } })).toBe(false)
  })

  it.each(['*', 'a*', '?????', '**', 'ali?e'])('a variable with the value %s is text', (sub) => {
    expect(decide(home, { at: 'home/alice/x', ...as(sub) })).toBe('none')
    expect(decide(home, { at: `home/${sub}/x`, ...as(sub) })).toBe('Allow')
    const like = { StringLike: { 's3:prefix': '${jwt:sub}/*' } }
    expect(holds(like, { conditions: { prefix: 'alice/x' }, ...as(sub) })).toBe(false)
    expect(holds(like, { conditions: { prefix: `${sub}/x` }, ...as(sub) })).toBe(true)
    const arn = { ArnLike: { 'jwt:arn': 'arn:aws:sts::1:${jwt:sub}' } }
    expect(holds(arn, { claims: { sub, arn: 'arn:aws:sts::1:alice' } })).toBe(false)
    expect(holds(arn, { claims: { sub, arn: `arn:aws:sts::1:${sub}` } })).toBe(true)
  })

  it('a variable whose value is ${aws:username} is text and is not substituted again', () => {
    expect(decide(home, { at: 'home/alice/x', ...as('${aws:username}') })).toBe('none')
  })

  it.each([undefined, '', null, {}, []])('a variable for the claim %j matches nothing', (sub) => {
    for (const at of ['home//x', 'home/undefined/x', 'home/${jwt:sub}/x', 'home/null/x'])
      expect(decide(home, { at, ...as(sub) })).toBe('none')
  })

  it('a variable never has a value that the client sent', () => {
    const conditions = {
      sub: 'bob',
      Sub: 'bob',
      'jwt:sub': 'bob',
      username: 'bob',
      Username: 'bob',
    }
    const byName = { ...allowAll, Resource: 'arn:aws:s3:::home/${aws:username}/*' }
    expect(decide(home, { at: 'home/bob/x', claims: {}, conditions })).toBe('none')
    expect(decide(byName, { at: 'home/bob/x', conditions })).toBe('none')
  })

  it('a variable without a closing brace is text', () => {
    const open = { ...allowAll, Resource: 'arn:aws:s3:::home/${jwt:sub}/${jwt:sub' }
    expect(decide(open, { at: 'home/alice/${jwt:sub' })).toBe('Allow')
    expect(decide(open, { at: 'home/alice/alice' })).toBe('none')
    expect(refusalOf(write({ ...allowAll, Resource: 'arn:aws:s3:::home/${a${jwt:sub}' }))).toMatch(
      'the variable ${a${jwt:sub} is not supported',
    )
  })

  it('a variable can have the value of a server condition, such as aws:SourceIp', () => {
    const byAddress = { ...allowAll, Resource: 'arn:aws:s3:::by-${aws:SourceIp}/*' }
    const conditions = { SourceIp: '127.0.0.1' }
    expect(decide(byAddress, { at: 'by-127.0.0.1/x', conditions })).toBe('Allow')
    expect(decide(byAddress, { at: 'by-127.0.0.1/x' })).toBe('none')
  })
})

describe('exclusions with a variable that has no value', () => {
  const absent = 'arn:aws:s3:::home/${jwt:absent}/*'
  const unlike = { StringNotEquals: { 'jwt:sub': '${jwt:absent}' } }
  const other = { ...session, claims: { sub: 'alice' } }

  it('an allow excludes everything if a variable in its exclusion has no value', () => {
    const { Resource: _resource, ...rest } = allowAll
    expect(decide({ ...rest, NotResource: absent })).toBe('none')
    expect(decide({ ...rest, NotResource: ['arn:aws:s3:::x/*', absent] })).toBe('none')
    expect(holds(unlike, { principal: other })).toBe(false)
    expect(holds({ 'ForAnyValue:StringNotEquals': unlike.StringNotEquals })).toBe(false)
  })

  it('an allow excludes everything if the values in its exclusion are too long for any key', () => {
    const { Resource: _resource, ...rest } = allowAll
    const twice = { ...rest, NotResource: 'arn:aws:s3:::x/${aws:UserAgent}${aws:UserAgent}' }
    const sent = (chars: number): object => ({ conditions: { UserAgent: '*'.repeat(chars) } })
    expect(decide(twice, sent(4096))).toBe('Allow')
    expect(decide(twice, sent(4097))).toBe('none')
    expect(decide([allowAll, { ...twice, Effect: 'Deny' }], sent(4097))).toBe('Deny')
    expect(decide([allowAll, { ...allowAll, Effect: 'Deny', Resource: twice.NotResource }])).toBe(
      'Allow',
    )
  })

  it('a deny excludes nothing if a variable in its exclusion has no value', () => {
    const { Resource: _resource, ...rest } = allowAll
    expect(decide([allowAll, { ...rest, Effect: 'Deny', NotResource: absent }])).toBe('Deny')
    expect(decide([allowAll, { ...allowAll, Effect: 'Deny', Condition: unlike }])).toBe('Deny')
  })
})

describe('${*}, ${?} and ${$}', () => {
  it('${*}, ${?} and ${$} stand for the characters themselves', () => {
    const Resource = 'arn:aws:s3:::bucket/${*}-${?}-${$}/*'
    expect(decide({ ...allowAll, Resource }, { at: 'bucket/*-?-$/x' })).toBe('Allow')
    expect(decide({ ...allowAll, Resource }, { at: 'bucket/a-b-$/x' })).toBe('none')
    const condition = { StringEquals: { 's3:prefix': 'a${*}' } }
    expect(holds(condition, { conditions: { prefix: 'a*' } })).toBe(true)
    expect(holds(condition, { conditions: { prefix: 'a${*}' } })).toBe(false)
  })
})

describe('a variable with a default value', () => {
  const team = "arn:aws:s3:::home/${jwt:team, 'everybody'}/*"

  it('a variable with a default has the value of the claim, or the default if there is none', () => {
    const statement = { ...allowAll, Resource: team }
    const red = { claims: { team: 'red' } }
    expect(decide(statement, { at: 'home/red/x', ...red })).toBe('Allow')
    expect(decide(statement, { at: 'home/everybody/x', ...red })).toBe('none')
    for (const claims of [{}, { team: '' }, { team: [] }]) {
      expect(decide(statement, { at: 'home/everybody/x', claims })).toBe('Allow')
      expect(decide(statement, { at: 'home/red/x', claims })).toBe('none')
    }
  })

  it('a variable with a default works in conditions and in a deny', () => {
    const condition = { StringEquals: { 's3:prefix': "${aws:Referer,'no page'}" } }
    expect(holds(condition, { conditions: { prefix: 'no page' } })).toBe(true)
    expect(holds(condition, { conditions: { prefix: 'x', Referer: 'x' } })).toBe(true)
    const but = { ...allowAll, Effect: 'Deny', Resource: team }
    expect(decide([allowAll, but], { at: 'home/everybody/x', claims: {} })).toBe('Deny')
  })

  it.each([
    "${jwt:x, 'a*'}",
    "${jwt:x, 'a?'}",
    "${jwt:x, ''}",
    '${jwt:x, default}',
    '${jwt:x, "default"}',
    "${jwt:x, 'a', 'b'}",
    "${jwt:x, 'it's'}",
    "${aws:user, 'x'}",
    "${*, 'x'}",
    '${jwt:a,b}',
  ])('an invalid default value is refused: %s', (variable) => {
    const Condition = { StringLike: { 's3:prefix': variable } }
    for (const changed of [{ Condition }, { Resource: `arn:aws:s3:::home/${variable}` }])
      expect(refusalOf(write({ ...allowAll, ...changed }))).toBe(
        `the policy statement 0: the variable ${variable} is not supported`,
      )
  })
})
