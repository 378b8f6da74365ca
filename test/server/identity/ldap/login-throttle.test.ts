import { describe, expect, it } from 'vitest'
import { createLoginThrottle } from '../../../../src/server/identity/ldap/login-throttle.ts'

function open() {
  const clock = { nowMs: 0 }
  const waited: number[] = []
  const throttle = createLoginThrottle({
    nowMs: () => clock.nowMs,
    wait: async (delayMs) => {
      waited.push(delayMs)
      clock.nowMs += delayMs
    },
  })
  const fail = (username = 'alice', address = '10.0.0.1') =>
    throttle.run({ username, address }, async () => undefined)
  const succeed = (username = 'alice', address = '10.0.0.1') =>
    throttle.run({ username, address }, async () => 'in')
  const repeat = async (times: number, attempt: (index: number) => Promise<unknown>) => {
    for (let index = 0; index < times; index += 1) await attempt(index)
  }
  return { clock, waited, throttle, fail, succeed, repeat }
}

describe('the login throttle', () => {
  it('the login throttle allows three failures, then doubles the delay up to four seconds', async () => {
    const { fail, waited, repeat } = open()
    await repeat(9, () => fail())
    expect(waited).toEqual([250, 500, 1000, 2000, 4000, 4000])
  })

  it('the login throttle calls onHold before it delays an attempt, so that the caller can free resources', async () => {
    const { throttle } = open()
    const held: string[] = []
    const fail = () => {
      const who = { username: 'alice', address: '10.0.0.1', onHold: () => void held.push('held') }
      return throttle.run(who, async () => undefined)
    }
    for (let i = 0; i < 3; i += 1) await fail()
    expect(held).toEqual([])
    await fail()
    expect(held).toEqual(['held'])
  })

  it('the login throttle does not delay a user who already waited between attempts', async () => {
    const { fail, waited, clock, repeat } = open()
    await repeat(9, async () => {
      await fail()
      clock.nowMs += 5000
    })
    expect(waited).toEqual([])
  })

  it('the login throttle counts all spellings of a user name together', async () => {
    const { fail, waited } = open()
    for (const name of ['alice', 'ALICE', ' alice ', 'Ａlice']) await fail(name)
    expect(waited).toEqual([250])
  })

  it('the login throttle delays a user for failures from other addresses only after ten of them', async () => {
    const { fail, succeed, waited, repeat } = open()
    await repeat(9, (index) => fail('alice', `10.0.1.${index}`))
    await succeed('alice', '10.0.0.9')
    expect(waited).toEqual([])
    await fail('alice', '10.0.2.1')
    await succeed('alice', '10.0.0.9')
    expect(waited).toEqual([250])
  })

  it('the login throttle delays one address that tries many names by at most 250 ms', async () => {
    const { fail, waited, repeat } = open()
    await repeat(40, (index) => fail(`user${index}`))
    expect(waited).toEqual(Array.from({ length: 10 }, () => 250))
  })

  it('the login throttle resets a user’s failures from an address after a success, and all failures after 15 minutes', async () => {
    const { fail, succeed, waited, clock, repeat } = open()
    await repeat(2, () => fail())
    await succeed()
    await repeat(3, () => fail())
    expect(waited).toEqual([])
    clock.nowMs += 15 * 60 * 1000
    await repeat(3, () => fail())
    expect(waited).toEqual([])
  })

  it('the right password is accepted after at most four seconds, however many wrong ones came before', async () => {
    const { fail, succeed, waited, repeat } = open()
    await repeat(200, () => fail())
    waited.length = 0
    expect(await succeed()).toBe('in')
    expect(waited).toEqual([4000])
  })

  it('the right password is accepted while others guess at the same time, from this and from other addresses', async () => {
    const { clock, throttle, fail, repeat } = open()
    await repeat(40, (index) => fail('alice', `10.0.${index}.1`))
    await repeat(40, () => fail())
    const guesses = Array.from({ length: 7 }, () => fail())
    const startedAtMs = clock.nowMs
    expect(await throttle.run({ username: 'alice', address: '10.0.0.1' }, async () => 'in')).toBe(
      'in',
    )
    expect(await throttle.run({ username: 'alice', address: '10.9.9.9' }, async () => 'in')).toBe(
      'in',
    )
    // The clock of the test adds up the delays.
    expect(clock.nowMs - startedAtMs).toBeLessThanOrEqual(9 * 4000)
    await Promise.all(guesses)
  })

  it('the login throttle runs eight attempts of a user at once, and does not count one that throws', async () => {
    const { throttle, waited, repeat } = open()
    const who = { username: 'alice', address: '10.0.0.1' }
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    const running = Array.from({ length: 8 }, () => throttle.run(who, () => gate.then(() => 'in')))
    await expect(throttle.run(who, async () => 'in')).rejects.toMatchObject({
      code: 'SlowDown',
      headers: { 'retry-after': '4' },
    })
    release()
    expect(await Promise.all(running)).toHaveLength(8)
    await repeat(9, () =>
      throttle.run(who, () => Promise.reject(new Error('down'))).catch(() => undefined),
    )
    expect(await throttle.run(who, async () => 'in')).toBe('in')
    expect(waited).toEqual([])
  })
})
