import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toCanonicalArn } from '../../../src/server/identity/principal-names.ts'
import { findRoleByArn, isByClaimArn } from '../../../src/server/identity/role-arn.ts'
import { listDocumentArns } from '../../../src/server/open/role-arns.ts'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'

/** Returns a role's ARNs with the role, as the server has them. */
function register(name: string): Map<string, string> {
  const trust = {
    issuer: 'https://idp.example',
    audience: 'a',
    conditions: { StringEquals: { sub: 's' } },
  }
  const document = parseRoleDocument(
    JSON.stringify({ name, policies: ['readonly'], trust }),
    'role',
  )
  return new Map(listDocumentArns('eu-west-1', document).map((arn) => [arn, name]))
}

const names = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,63}$/)
  .filter((name) => name !== 'by-claim')
const accounts = fc.stringMatching(/^\d{12}$/)

describe('the ARN of a role', () => {
  it('every account’s ARN of a role names it, and all of its ARNs are one principal', () => {
    fc.assert(
      fc.property(names, accounts, (name, account) => {
        const roles = register(name)
        expect(findRoleByArn(`arn:aws:iam::${account}:role/${name}`, roles)).toBe(name)
        expect(new Set([...roles.keys()].map((arn) => toCanonicalArn(arn))).size).toBe(1)
        expect([...roles.keys()].some((arn) => isByClaimArn(arn))).toBe(false)
      }),
    )
  })

  it('no other text names a role or the token’s claim', () => {
    const changes = fc.oneof(
      fc.tuple(fc.nat(60), fc.string({ minLength: 1, maxLength: 2 })).map(
        ([at, text]) =>
          (arn: string) =>
            arn.slice(0, at) + text + arn.slice(at),
      ),
      fc.nat(60).map((at) => (arn: string) => arn.slice(0, at) + arn.slice(at + 1)),
      fc.nat(60).map((at) => (arn: string) => arn.slice(0, at) + arn.slice(at).toUpperCase()),
    )
    fc.assert(
      fc.property(names, accounts, changes, (name, account, change) => {
        const roles = register(name)
        for (const asked of [name, 'by-claim']) {
          const changed = change(`arn:aws:iam::${account}:role/${asked}`)
          const [, named] = /^arn:aws:iam::\d{12}:role\/([^]+)$/.exec(changed) ?? []
          if (named !== asked) expect(findRoleByArn(changed, roles)).toBeUndefined()
        }
      }),
    )
  })

  it('an ARN that is registered as it is names its role before any other', () => {
    const own = 'arn:aws:iam::123456789012:role/deploy'
    const roles = new Map([...register('deploy'), [own, 'other']])
    expect(findRoleByArn(own, roles)).toBe('other')
    expect(findRoleByArn('arn:aws:iam::000000000000:role/deploy', roles)).toBe('deploy')
  })
})
