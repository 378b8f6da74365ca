import { describe, expect, it } from 'vitest'
import { createAttemptPacer } from '../../../../src/server/identity/ldap/attempt-pacer.ts'

function open() {
  const clock = { nowMs: 0 }
  const waited: number[] = []
  const pacer = createAttemptPacer({
    nowMs: () => clock.nowMs,
    wait: async (delayMs) => {
      waited.push(delayMs)
      clock.nowMs += delayMs
    },
  })
  const fail = (username = 'alice', address = '10.0.0.1') =>
    pacer.pace({ username, address }, async () => undefined)
  const succeed = (username = 'alice', address = '10.0.0.1') =>
    pacer.pace({ username, address }, async () => 'in')
  const repeat = async (times: number, attempt: (index: number) => Promise<unknown>) => {
    for (let index = 0; index < times; index += 1) await attempt(index)
  }
  return { clock, waited, pacer, fail, succeed, repeat }
}

describe('the pacer of attempts', () => {
  it('lets three mistakes pass, then doubles the pause up to four seconds', async () => {
    const { fail, waited, repeat } = open()
    await repeat(9, () => fail())
    expect(waited).toEqual([250, 500, 1000, 2000, 4000, 4000])
  })

  it('lets nobody wait who waited by himself', async () => {
    const { fail, waited, clock, repeat } = open()
    await repeat(9, async () => {
      await fail()
      clock.nowMs += 5000
    })
    expect(waited).toEqual([])
  })

  it('takes one user for one, however the name is spelt', async () => {
    const { fail, waited } = open()
    for (const name of ['alice', 'ALICE', ' alice ', 'Ａlice']) await fail(name)
    expect(waited).toEqual([250])
  })

  it('does not slow a user down for what comes from elsewhere, until that is much', async () => {
    const { fail, succeed, waited, repeat } = open()
    await repeat(9, (index) => fail('alice', `10.0.1.${index}`))
    await succeed('alice', '10.0.0.9')
    expect(waited).toEqual([])
    await fail('alice', '10.0.2.1')
    await succeed('alice', '10.0.0.9')
    expect(waited).toEqual([250])
  })

  it('slows one address down that tries many names, but never by more than a quarter second', async () => {
    const { fail, waited, repeat } = open()
    await repeat(40, (index) => fail(`user${index}`))
    expect(waited).toEqual(Array.from({ length: 10 }, () => 250))
  })

  it('forgets a user’s mistakes from this address after a success, and all of them in time', async () => {
    const { fail, succeed, waited, clock, repeat } = open()
    await repeat(2, () => fail())
    await succeed()
    await repeat(3, () => fail())
    expect(waited).toEqual([])
    clock.nowMs += 15 * 60 * 1000
    await repeat(3, () => fail())
    expect(waited).toEqual([])
  })

  it('sends away whoever would wait too long', async () => {
    const { clock } = open()
    const pacer = createAttemptPacer({ nowMs: () => clock.nowMs, wait: async () => {} })
    const who = { username: 'alice', address: '10.0.0.1' }
    const fail = () => pacer.pace(who, async () => undefined)
    const outcomes: string[] = []
    for (let attempt = 0; attempt < 12; attempt += 1)
      outcomes.push(
        await fail().then(
          () => 'asked',
          (error: { code: string }) => error.code,
        ),
      )
    expect(outcomes.indexOf('SlowDown')).toBeGreaterThan(3)
    expect(outcomes.at(-1)).toBe('SlowDown')
    clock.nowMs += 60_000
    expect(await pacer.pace(who, async () => 'in')).toBe('in')
  })

  it('lets eight attempts of one user run at once, and counts one that throws for nothing', async () => {
    const { pacer, waited, repeat } = open()
    const who = { username: 'alice', address: '10.0.0.1' }
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    const running = Array.from({ length: 8 }, () => pacer.pace(who, () => gate.then(() => 'in')))
    await expect(pacer.pace(who, async () => 'in')).rejects.toMatchObject({ code: 'SlowDown' })
    release()
    expect(await Promise.all(running)).toHaveLength(8)
    await repeat(9, () =>
      pacer.pace(who, () => Promise.reject(new Error('down'))).catch(() => undefined),
    )
    expect(await pacer.pace(who, async () => 'in')).toBe('in')
    expect(waited).toEqual([])
  })
})
