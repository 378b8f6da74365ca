import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chooseUserName,
  findNameAttributes,
} from '../../../../src/server/identity/ldap/user-name.ts'

const typesOf = (filter: string): string[] => findNameAttributes(filter).map(({ type }) => type)

function nameOf(
  filter: string,
  entry: { readonly dn?: string; readonly attributes?: Record<string, readonly string[]> },
  typed = 'typed',
): string {
  const { dn = 'cn=Ivan,dc=example', attributes = {} } = entry
  return chooseUserName({ dn, attributes }, findNameAttributes(filter), typed)
}

describe('the name attributes of a user filter', () => {
  it.each([
    ['(uid=%s)', ['uid']],
    ['( uid = %s )', ['uid']],
    ['(&(objectClass=person)(sAMAccountName=%s))', ['sAMAccountName']],
    ['(|(uid=%s)(mail=%s)(UID=%s))', ['uid', 'mail']],
    ['(uid:caseIgnoreMatch:=%s)', ['uid']],
    ['(uid;lang-en~=%s)', ['uid']],
    ['(0.9.2342.19200300.100.1.1=%s)', ['0.9.2342.19200300.100.1.1']],
    ['(userPrincipalName=%s@example.com)', ['userPrincipalName']],
    ['(&(uid=%s)(!(lockedName=%s)))', ['uid']],
    ['(:caseExactMatch:=%s)', []],
    ['(objectClass=person)', []],
  ])('the name attributes of the filter %s are %j', (filter, types) => {
    expect(typesOf(filter)).toEqual(types)
  })
})

describe('the user name of an entry', () => {
  const several = { UID: ['ivan', 'i.ivanov'] }

  it.each<[string, string, Parameters<typeof nameOf>[1], string]>([
    ['is the value of the filter attribute', '(uid=%s)', { attributes: { uid: ['a'] } }, 'a'],
    ['is found in any case', '(uid=%s)', { attributes: { Uid: ['a'] } }, 'a'],
    ['is the first attribute', '(|(x=%s)(uid=%s))', { attributes: { uid: ['a'], x: ['b'] } }, 'b'],
    [
      'is the next attribute if the first is missing',
      '(|(x=%s)(uid=%s))',
      { attributes: { uid: ['a'] } },
      'a',
    ],
    ['is one of several values', '(uid=%s)', { attributes: several }, 'i.ivanov'],
    ['is the one in its DN', '(uid=%s)', { dn: 'uid=Ivan+cn=x,dc=y', attributes: several }, 'ivan'],
    [
      'is the attribute in its DN',
      '(|(x=%s)(uid=%s))',
      { dn: 'UID=a,dc=y', attributes: { x: ['b'] } },
      'a',
    ],
    ['is read from its DN', '(uid=%s)', { dn: 'uid=\\ A\\2cb\\ ,dc=y' }, ' A,b '],
    [
      'is not of an attribute without values',
      '(|(x=%s)(uid=%s))',
      { attributes: { x: [], uid: ['a'] } },
      'a',
    ],
    ['is never blank', '(uid=%s)', { attributes: { uid: [' ', 'a'] } }, 'a'],
    [
      'does not include the suffix in the filter',
      '(m=%s@b.c)',
      { attributes: { m: ['A@B.c'] } },
      'A',
    ],
    [
      'does not include the prefix in the filter',
      '(m=D\\5c%s)',
      { attributes: { m: ['d\\a'] } },
      'a',
    ],
    [
      'is unchanged if the filter has a wildcard',
      '(m=%s@*)',
      { attributes: { m: ['a@b.c'] } },
      'a@b.c',
    ],
    ['is found by an alias', '(userid=%s)', { attributes: { uid: ['a'] } }, 'a'],
  ])('the user name of an entry %s', (_what, filter, entry, name) => {
    expect(nameOf(filter, entry)).toBe(name)
  })

  it('the user name is the normalized typed one if the entry shows none', () => {
    for (const typed of [
      'i.ivanov',
      ' I.Ivanov ',
      'ｉ.ivanov',
      'i.\u200bivanov',
      'i.iva\0nov',
      'i\u00ad.ivanov',
    ])
      expect(nameOf('(uid=%s)', {}, typed)).toBe('i.ivanov')
  })

  it('the user name does not depend on the typed name or on the order of the values', () => {
    const value = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text.trim() !== '')
    const entry = fc.record({
      uid: fc.uniqueArray(value, { minLength: 1, maxLength: 4 }),
      mail: fc.uniqueArray(value, { maxLength: 3 }),
    })
    fc.assert(
      fc.property(entry, fc.string(), fc.string(), ({ uid, mail }, one, other) => {
        const filter = '(|(mail=%s)(uid=%s))'
        const name = nameOf(filter, { attributes: { uid, mail } }, one)
        const turned = { mail: mail.toReversed(), uid: uid.toReversed() }
        expect(nameOf(filter, { attributes: turned }, other)).toBe(name)
        expect([...uid, ...mail]).toContain(name)
      }),
    )
  })
})
