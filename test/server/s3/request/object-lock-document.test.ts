import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requireChangeable } from '../../../../src/server/s3/operations/object-lock.ts'
import { readLockHeaders } from '../../../../src/server/s3/request/lock-headers.ts'
import type { Retention } from '../../../../src/server/s3/request/object-lock.ts'
import {
  describeBucketLock,
  readBucketLock,
  readLegalHold,
  readRetention,
  toRetention,
} from '../../../../src/server/s3/request/object-lock-document.ts'

const nowMs = Date.UTC(2026, 1, 28)

function codeOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

describe('the lock configuration of a bucket', () => {
  const wrap = (content: string): string =>
    `<ObjectLockConfiguration>${content}</ObjectLockConfiguration>`
  const enabled = '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'
  const rule = (content: string): string =>
    wrap(`${enabled}<Rule><DefaultRetention>${content}</DefaultRetention></Rule>`)
  const mode = '<Mode>GOVERNANCE</Mode>'

  it.each([
    [wrap(enabled), {}],
    [rule(`${mode}<Days>1</Days>`), { mode: 'GOVERNANCE', days: 1 }],
    [rule('<Mode>COMPLIANCE</Mode><Years>100</Years>'), { mode: 'COMPLIANCE', years: 100 }],
  ])('%s is understood, and returned as it was sent', (text, defaultRetention) => {
    const lock = readBucketLock(text)
    expect(lock.defaultRetention ?? {}).toMatchObject(defaultRetention)
    expect(wrap(describeBucketLock(lock).xml)).toBe(text)
  })

  it.each([
    ['<Other/>', 'MalformedXML'],
    [wrap(''), 'MalformedXML'],
    [wrap('<ObjectLockEnabled>Disabled</ObjectLockEnabled>'), 'MalformedXML'],
    [wrap(`${enabled}<Rule/>`), 'MalformedXML'],
    [wrap(`${enabled}<More/>`), 'MalformedXML'],
    [rule(''), 'MalformedXML'],
    [rule(mode), 'MalformedXML'],
    [rule('<Days>1</Days>'), 'MalformedXML'],
    [rule('<Mode>governance</Mode><Days>1</Days>'), 'MalformedXML'],
    [rule('<Mode>abc</Mode><Years>1</Years>'), 'MalformedXML'],
    [rule(`${mode}<Days>1</Days><Years>1</Years>`), 'MalformedXML'],
    [rule(`${mode}<Days>one</Days>`), 'MalformedXML'],
    [rule(`${mode}<Days>0</Days>`), 'InvalidRetentionPeriod'],
    [rule(`${mode}<Years>-1</Years>`), 'InvalidRetentionPeriod'],
    [rule(`${mode}<Days>36501</Days>`), 'InvalidRetentionPeriod'],
    [rule(`${mode}<Years>101</Years>`), 'InvalidRetentionPeriod'],
  ])('%s is refused with %s', (text, code) => {
    expect(codeOf(() => readBucketLock(text))).toBe(code)
  })

  it('days are 24 hours, and years are those of the calendar', () => {
    const until = (days?: number, years?: number): string =>
      new Date(toRetention({ mode: 'GOVERNANCE', days, years }, nowMs).retainUntilMs).toISOString()
    expect(until(2)).toBe('2026-03-02T00:00:00.000Z')
    expect(until(undefined, 2)).toBe('2028-02-28T00:00:00.000Z')
  })
})

describe('the lock of a version', () => {
  it.each([
    ['<Retention/>', undefined],
    [
      '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2140-01-01T00:00:00Z</RetainUntilDate></Retention>',
      { mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2140, 0, 1) },
    ],
    ['<Retention><Mode>COMPLIANCE</Mode></Retention>', 'MalformedXML'],
    [
      '<Retention><Mode>abc</Mode><RetainUntilDate>2140-01-01T00:00:00Z</RetainUntilDate></Retention>',
      'MalformedXML',
    ],
    [
      '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>tomorrow</RetainUntilDate></Retention>',
      'MalformedXML',
    ],
    [
      '<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-02-28T00:00:00Z</RetainUntilDate></Retention>',
      'InvalidArgument',
    ],
    ['<Other/>', 'MalformedXML'],
  ])('the retention %s is %j', (text, result) => {
    expect(codeOf(() => readRetention(text, nowMs))).toEqual(result)
  })

  it.each([
    ['<LegalHold><Status>ON</Status></LegalHold>', true],
    ['<LegalHold><Status>OFF</Status></LegalHold>', false],
    ['<LegalHold><Status>abc</Status></LegalHold>', 'MalformedXML'],
    ['<LegalHold/>', 'MalformedXML'],
  ])('the legal hold %s is %j', (text, result) => {
    expect(codeOf(() => readLegalHold(text))).toBe(result)
  })

  const untilMs = Date.UTC(2030, 0, 1)
  const date = '2030-01-01T01:00:00+01:00'
  it.each([
    [{}, undefined],
    [{ 'legal-hold': 'ON' }, { hasLegalHold: true }],
    [
      { mode: 'GOVERNANCE', 'retain-until-date': date, 'legal-hold': 'OFF' },
      { retention: { mode: 'GOVERNANCE', retainUntilMs: untilMs }, hasLegalHold: false },
    ],
    [{ mode: 'GOVERNANCE' }, 'InvalidArgument'],
    [{ 'retain-until-date': date }, 'InvalidArgument'],
    [{ mode: 'governance', 'retain-until-date': date }, 'InvalidArgument'],
    [{ mode: 'GOVERNANCE', 'retain-until-date': '2030-01-01' }, 'InvalidArgument'],
    [{ mode: 'GOVERNANCE', 'retain-until-date': '2020-01-01T00:00:00Z' }, 'InvalidArgument'],
    [{ 'legal-hold': 'on' }, 'InvalidArgument'],
  ])('the headers %j are %j', (headers, result) => {
    const entries = Object.entries(headers).map(
      ([name, value]) => [`x-amz-object-lock-${name}`, value] as const,
    )
    expect(codeOf(() => readLockHeaders(new Map(entries), nowMs))).toEqual(result)
  })

  it('a retention that has not ended is never weakened, except in governance mode by who may bypass it', () => {
    const anyRetention: fc.Arbitrary<Retention | undefined> = fc.option(
      fc.record({
        mode: fc.constantFrom('GOVERNANCE' as const, 'COMPLIANCE' as const),
        retainUntilMs: fc.integer({ min: 0, max: 9 }),
      }),
      { nil: undefined },
    )
    fc.assert(
      fc.property(
        anyRetention,
        anyRetention,
        fc.nat(9),
        fc.boolean(),
        (current, wanted, at, may) => {
          const code = codeOf(() =>
            requireChangeable(current, wanted, { nowMs: at, mayBypassGovernance: may }),
          )
          const isFree = current === undefined || current.retainUntilMs <= at
          const isStronger =
            current?.mode === wanted?.mode &&
            (wanted?.retainUntilMs ?? 0) >= (current?.retainUntilMs ?? 0)
          const isBypassed = may && current?.mode === 'GOVERNANCE'
          expect(code).toBe(isFree || isStronger || isBypassed ? undefined : 'AccessDenied')
        },
      ),
    )
  })
})
