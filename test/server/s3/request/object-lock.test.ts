import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ObjectLock, requireRemovable } from '../../../../src/server/s3/request/object-lock.ts'

const locks: fc.Arbitrary<ObjectLock> = fc.record({
  retention: fc.option(
    fc.record({
      mode: fc.constantFrom('GOVERNANCE' as const, 'COMPLIANCE' as const),
      retainUntilMs: fc.integer({ min: 0, max: 20 }),
    }),
    { nil: undefined },
  ),
  hasLegalHold: fc.option(fc.boolean(), { nil: undefined }),
})

function isRemovable(lock: ObjectLock | undefined, nowMs: number, mayBypass = false): boolean {
  try {
    requireRemovable(lock, { nowMs, mayBypassGovernance: mayBypass })
    return true
  } catch {
    return false
  }
}

it('A version is removable exactly if it has no legal hold and its retention has ended or is a governance that the caller may bypass', () => {
  const check = (lock: ObjectLock, nowMs: number, mayBypass: boolean): void => {
    const { retention, hasLegalHold = false } = lock
    const isRetained = retention !== undefined && nowMs < retention.retainUntilMs
    const isBypassed = mayBypass && retention?.mode === 'GOVERNANCE'
    expect(isRemovable(lock, nowMs, mayBypass)).toBe(!hasLegalHold && (!isRetained || isBypassed))
  }
  fc.assert(fc.property(locks, fc.integer({ min: 0, max: 20 }), fc.boolean(), check))
})

it('A version without a lock is removable', () => {
  expect(isRemovable(undefined, 0)).toBe(true)
  expect(isRemovable({}, 0)).toBe(true)
})

it("The refusal is AccessDenied with AWS's sentence, and names the retention", () => {
  const retention = { mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2030, 0, 1) } as const
  const refuse = (): void =>
    requireRemovable({ retention }, { nowMs: 0, mayBypassGovernance: true })
  expect(refuse).toThrow(
    expect.objectContaining({
      code: 'AccessDenied',
      status: 403,
      sentence: 'Access Denied because object protected by object lock.',
      message: 'it is retained in COMPLIANCE mode until 2030-01-01T00:00:00.000Z',
    }),
  )
})
