import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { findConditionValues } from '../../../src/server/policy/condition-keys.ts'

const principal: Principal = {
  kind: 'session',
  accessKey: 'A'.repeat(20),
  subject: 'uid=alice,dc=x',
  claims: { ldapUser: 'uid=alice,dc=x', ldapUsername: 'alice' },
  policyNames: [],
  sessionPolicy: undefined,
  groups: ['cn=ops,dc=x'],
  expiresAtMs: undefined,
  issuedAtMs: undefined,
}
// The server ignores a parameter that a client sends under such a name.
const conditions = new Map([['user', ['uid=root,dc=x']]])

function find(
  key: string,
  claims: Principal['claims'] = principal.claims,
): readonly string[] | undefined {
  const request = { action: 's3:GetObject', bucket: 'b', object: 'o', conditions }
  return findConditionValues(key, { ...request, principal: { ...principal, claims } })
}

describe('the LDAP condition keys', () => {
  it('the LDAP condition keys have the values of the session', () => {
    expect(find('ldap:user')).toEqual(['uid=alice,dc=x'])
    expect(find('LDAP:Username')).toEqual(['alice'])
    expect(find('ldap:groups')).toEqual(['cn=ops,dc=x'])
    expect(find('ldap:other')).toEqual([])
  })

  it('the LDAP condition keys have no value in a session without LDAP', () => {
    for (const key of ['ldap:user', 'ldap:username', 'ldap:groups'])
      expect(find(key, { sub: 'alice' })).toEqual([])
  })
})
