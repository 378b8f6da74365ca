import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { IssuedCredentials } from '../../src/protocol/credentials.ts'
import { type Lease, openLease } from '../../src/client/lease.ts'
import { startMs } from '../support/commands/harness.ts'

const hourMs = 3_600_000

/** Credentials from an instant on, named after it. */
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

/** Both clocks and the timers go on. */
async function pass(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 1000) {
    wallMs += Math.min(1000, leftMs)
    monotonicMs += Math.min(1000, leftMs)
    await vi.advanceTimersByTimeAsync(Math.min(1000, leftMs))
  }
}

/** The machine sleeps: only the wall clock knows. */
function sleep(ms: number): void {
  wallMs += ms
}

const current = async (): Promise<string> => (await lease.current()).accessKeyId

describe('a lease', () => {
  it('renews by itself when a fifth of the life is left, and not before', async () => {
    open()
    await pass(0.8 * hourMs - 1000)
    expect([await current(), renewals]).toEqual(['KEY0', []])
    await pass(1000)
    expect([await current(), renewals]).toEqual(['KEY2880', [720]])
  })

  it('renews long-lived credentials fifteen minutes before their end', async () => {
    lifeMs = 24 * hourMs
    open()
    await pass(lifeMs - 900_000 - 1000)
    expect(renewals).toEqual([])
    await pass(1000)
    expect(renewals).toEqual([900])
  })

  it('never hands out expired ones, however short their life and long the run', async () => {
    lifeMs = 3000
    open()
    for (let turn = 0; turn < 40; turn += 1) {
      await pass(250)
      const { expiresAtMs } = await lease.current()
      expect(expiresAtMs).toBeGreaterThan(wallMs)
    }
    // Ten seconds are more than three lives.
    expect(renewals.length).toBeGreaterThanOrEqual(3)
  })

  it('renews once for however many ask', async () => {
    open()
    sleep(2 * hourMs)
    const all = await Promise.all(Array.from({ length: 20 }, current))
    expect([new Set(all).size, renewals.length]).toEqual([1, 1])
  })

  it('waits for new ones after the machine slept through the end', async () => {
    open()
    sleep(9 * hourMs)
    expect(await current()).toBe('KEY32400')
  })

  it('notices a sleep within a minute, before anybody asks', async () => {
    open()
    sleep(0.9 * hourMs)
    await pass(60_000)
    expect(renewals).toHaveLength(1)
  })

  it('is not fooled by a clock that is set back', async () => {
    open()
    await pass(1800_000)
    wallMs -= 5 * hourMs
    await pass(0.3 * hourMs)
    expect(renewals).toHaveLength(1)
  })

  it('hands out what lives while a renewal takes its time', async () => {
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

describe('a lease whose renewals fail', () => {
  beforeEach(() => {
    open()
    failure = new Error('the provider is away')
  })

  it('keeps the old ones while they live, and says so once', async () => {
    await pass(0.9 * hourMs)
    expect(await current()).toBe('KEY0')
    expect(reported).toEqual([['the provider is away', 720_000]])
  })

  it('tries again in steps that grow to half a minute', async () => {
    await pass(0.8 * hourMs + 120_000)
    // At 0, 1, 3, 7, 15, 31, 61 and 91 seconds.
    expect(renewals).toHaveLength(8)
  })

  it('fails when the old ones are over, and asks no more than it may', async () => {
    await pass(hourMs)
    const before = renewals.length
    for (let turn = 0; turn < 5; turn += 1) await expect(current()).rejects.toThrow('is away')
    expect(renewals.length - before).toBeLessThanOrEqual(1)
  })

  it('gets over it', async () => {
    await pass(2 * hourMs)
    failure = undefined
    await pass(30_000)
    expect(await current()).toMatch(/^KEY72\d\d$/)
    failure = new Error('away again')
    await pass(0.9 * hourMs)
    expect(reported.map(([message]) => message)).toEqual(['the provider is away', 'away again'])
  })
})

describe('a lease that is stopped', () => {
  it('leaves no timer and begins no renewal', async () => {
    open()
    lease.stop()
    expect(vi.getTimerCount()).toBe(0)
    sleep(0.9 * hourMs)
    expect(await current()).toBe('KEY0')
    expect(renewals).toEqual([])
  })
})
