import { describe, expect, it } from 'vitest'
import { findUsable, renewalMarginMs } from '../../src/client/find-usable.ts'
import type { IssuedCredentials } from '../../src/protocol/credentials.ts'
import { startMs } from '../support/commands/harness.ts'

function makeIssued(over: Partial<IssuedCredentials> = {}): IssuedCredentials {
  return {
    accessKeyId: 'AKEY',
    secretAccessKey: 'secret',
    sessionToken: 'token',
    issuedAtMs: startMs,
    expiresAtMs: startMs + 3_600_000,
    expirationText: '2026-11-23T17:00:00Z',
    stsEndpoint: 'http://127.0.0.1:9000',
    ...over,
  }
}

describe('the time to renew', () => {
  it.each([
    [3600, 720],
    [900, 180],
    [300, 60],
    [120, 60],
    [100, 50],
    [60, 30],
    [15, 7.5],
    [1, 0.5],
    [86_400, 900],
  ])('credentials for %s s are renewed when %s s are left', (lifeSeconds, margin) => {
    const value = makeIssued({ expiresAtMs: startMs + lifeSeconds * 1000 })
    expect(renewalMarginMs(value)).toBe(margin * 1000)
    const end = value.expiresAtMs
    expect(findUsable(value, end - margin * 1000)).toBeUndefined()
    expect(findUsable(value, end - margin * 1000 - 1)).toBeDefined()
  })

  it('a given minimum lifetime replaces the default renewal margin', () => {
    const value = makeIssued()
    expect(findUsable(value, value.expiresAtMs - 10_000, 9)).toBeDefined()
    expect(findUsable(value, value.expiresAtMs - 10_000, 10)).toBeUndefined()
    expect(findUsable(value, startMs, 0)).toBeDefined()
    expect(findUsable(value, value.expiresAtMs, 0)).toBeUndefined()
  })

  it('cached credentials count as expired when the clock was set back before their issue', () => {
    expect(findUsable(makeIssued(), startMs - 300_000)).toBeDefined()
    expect(findUsable(makeIssued(), startMs - 300_001)).toBeUndefined()
  })
})
