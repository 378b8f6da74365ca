import { describe, expect, it } from 'vitest'
import { normalizeDn } from '../../../../src/server/identity/ldap/distinguished-name.ts'

describe('a distinguished name', () => {
  it.each([
    ['cn=Ops,DC=Example', 'CN = ops , dc=EXAMPLE'],
    ['cn=a\\,b,dc=x', 'cn=a\\2Cb,dc=x'],
    ['cn=a\\+b', 'cn=a\\2bb'],
    ['cn=two  words', 'cn=Two Words'],
    ['uid=1+cn=b,dc=x', 'cn=B+UID=1,dc=x'],
    ['cn=\\c3\\a9', 'cn=é'],
    ['cn=É', 'cn=é'],
    ['cn=e\u0301', 'cn=\u00e9'],
    ['cn=ops', 'cn=ＯＰＳ'],
    ['cn=c', 'cn=ℂ'],
    ['cn=ops', 'CN=\u00a0Ops'],
    ['2.5.4.3=a', '2.5.4.3=A'],
    ['cn=a\\ ', 'cn=a\\20'],
    ['cn=a=b', 'cn=A\\3Db'],
  ])('%j and %j are the same distinguished name', (one, other) => {
    expect(normalizeDn(one)).toBeDefined()
    expect(normalizeDn(one)).toBe(normalizeDn(other))
  })

  it.each([
    ['cn=a,cn=b', 'cn=a\\,cn\\=b'],
    ['cn=a+cn=b', 'cn=a\\+cn\\=b'],
    ['cn=a\\\\,dc=x', 'cn=a\\,dc=x'],
    ['cn=a,dc=x', 'dc=x,cn=a'],
    ['cn=ab', 'cn=a b'],
  ])('%j and %j are different distinguished names', (one, other) => {
    expect(normalizeDn(one)).not.toBe(normalizeDn(other))
  })

  it.each(['', ' ', 'alice', 'cn=', '=a', 'cn=a,', ',cn=a', 'cn=a,,dc=x', 'cn=a\\', '1a=b'])(
    '%j is not a distinguished name',
    (text) => {
      expect(normalizeDn(text)).toBeUndefined()
    },
  )
})
