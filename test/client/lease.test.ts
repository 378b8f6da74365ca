import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { IssuedCredentials } from '../../src/protocol/credentials.ts'
import { type Lease, openLease } from '../../src/client/lease.ts'
import { startMs } from '../support/commands/harness.ts'

const hourMs = 3_600_000

/** Returns credentials issued at a time and named after it. */
function issue(atMs: number, lifeMs = hourMs): IssuedCredentials {
  return {
    accessKeyId: `KEY${(atMs - startMs) / 1000}`,
    secretAccessKey: 'secret',
    sessionToken: 'token',
    issuedAtMs: atMs,
    expiresAtMs: atMs + lifeMs,
    expirationText: '',
    stsEndpoint: 'http://127.0.0.1:9000',
  }
}

let wallMs: number
let monotonicMs: number
let lifeMs: number
let renewals: number[]
let failure: Error | undefined
let reported: [string, number][]
let lease: Lease

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  wallMs = startMs
  monotonicMs = 50
  lifeMs = hourMs
  renewals = []
  failure = undefined
  reported = []
})
afterEach(() => {
  lease.stop()
  vi.useRealTimers()
})

function open(): void {
  lease = openLease({
    first: issue(startMs, lifeMs),
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    report: (error, leftMs) => reported.push([(error as Error).message, leftMs]),
    renew: async (minTtlSeconds) => {
      renewals.push(minTtlSeconds)
      if (failure !== undefined) throw failure
      return issue(wallMs, lifeMs)
    },
  })
}

/** Advances both clocks and the timers. */
async function pass(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 1000) {
    wallMs += Math.min(1000, leftMs)
    monotonicMs += Math.min(1000, leftMs)
    await vi.advanceTimersByTimeAsync(Math.min(1000, leftMs))
  }
}

/** Puts the machine to sleep: only the wall clock advances. */
function sleep(ms: number): void {
  wallMs += ms
}

const current = async (): Promise<string> => (await lease.current()).accessKeyId

describe('lease', () => {
  it('a lease renews when a fifth of the lifetime is left, and not before', async () => {
    open()
    await pass(0.8 * hourMs - 1000)
    expect([await current(), renewals]).toEqual(['KEY0', []])
    await pass(1000)
    expect([await current(), renewals]).toEqual(['KEY2880', [720]])
  })

  it('a lease renews long-lived credentials fifteen minutes before they expire', async () => {
    lifeMs = 24 * hourMs
    open()
    await pass(lifeMs - 900_000 - 1000)
    expect(renewals).toEqual([])
    await pass(1000)
    expect(renewals).toEqual([900])
  })

  it('a lease never returns expired credentials, however short their lifetime', async () => {
    lifeMs = 3000
    open()
    for (let turn = 0; turn < 40; turn += 1) {
      await pass(250)
      const { expiresAtMs } = await lease.current()
      expect(expiresAtMs).toBeGreaterThan(wallMs)
    }
    // Ten seconds are longer than three lifetimes.
    expect(renewals.length).toBeGreaterThanOrEqual(3)
  })

  it('a lease renews once for many simultaneous callers', async () => {
    open()
    sleep(2 * hourMs)
    const all = await Promise.all(Array.from({ length: 20 }, current))
    expect([new Set(all).size, renewals.length]).toEqual([1, 1])
  })

  it('a lease waits for new credentials after the machine slept past their expiry', async () => {
    open()
    sleep(9 * hourMs)
    expect(await current()).toBe('KEY32400')
  })

  it('a lease notices a sleep of the machine within a minute without a caller', async () => {
    open()
    sleep(0.9 * hourMs)
    await pass(60_000)
    expect(renewals).toHaveLength(1)
  })

  it('a lease renews in time even if the clock is set back', async () => {
    open()
    await pass(1800_000)
    wallMs -= 5 * hourMs
    await pass(0.3 * hourMs)
    expect(renewals).toHaveLength(1)
  })

  it('a lease returns valid credentials while a renewal is running', async () => {
    open()
    let finish: (value: IssuedCredentials) => void = () => {}
    const slow = new Promise<IssuedCredentials>((resolve) => (finish = resolve))
    lease.stop()
    lease = openLease({
      first: issue(startMs),
      nowMs: () => wallMs,
      monotonicMs: () => monotonicMs,
      report: () => {},
      renew: () => slow,
    })
    sleep(0.9 * hourMs)
    expect(await current()).toBe('KEY0')
    finish(issue(wallMs))
    await slow
    expect(await current()).toBe('KEY3240')
  })
})

describe('lease with failing renewals', () => {
  beforeEach(() => {
    open()
    failure = new Error('the provider is away')
  })

  it('a lease keeps valid credentials when a renewal fails, and reports it once', async () => {
    await pass(0.9 * hourMs)
    expect(await current()).toBe('KEY0')
    expect(reported).toEqual([['the provider is away', 720_000]])
  })

  it('a lease retries with delays that grow to half a minute', async () => {
    await pass(0.8 * hourMs + 120_000)
    // At 0, 1, 3, 7, 15, 31, 61 and 91 seconds.
    expect(renewals).toHaveLength(8)
  })

  it('a lease fails when its credentials have expired, without more retries than allowed', async () => {
    await pass(hourMs)
    const before = renewals.length
    for (let turn = 0; turn < 5; turn += 1) await expect(current()).rejects.toThrow('is away')
    expect(renewals.length - before).toBeLessThanOrEqual(1)
  })

  it('a lease recovers after failed renewals', async () => {
    await pass(2 * hourMs)
    failure = undefined
    await pass(30_000)
    expect(await current()).toMatch(/^KEY72\d\d$/)
    failure = new Error('away again')
    await pass(0.9 * hourMs)
    expect(reported.map(([message]) => message)).toEqual(['the provider is away', 'away again'])
  })
})

describe('stopped lease', () => {
  it('a stopped lease has no timer and starts no renewal', async () => {
    open()
    lease.stop()
    expect(vi.getTimerCount()).toBe(0)
    sleep(0.9 * hourMs)
    expect(await current()).toBe('KEY0')
    expect(renewals).toEqual([])
  })
})
