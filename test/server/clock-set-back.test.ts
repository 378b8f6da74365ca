/** A clock that was set back by an hour blocked for that hour everything that waits for a time span: keys, locks and delays. */
import { expect, it } from 'vitest'
import { createAttemptThrottle } from '../../src/base/attempt-throttle.ts'
import { createKeySet } from '../../src/server/identity/key-set.ts'
import { createLoginThrottle } from '../../src/server/identity/ldap/login-throttle.ts'
import { createUsers } from '../../src/server/issuer/users.ts'
import { keySet } from '../support/tokens.ts'
import { jwksUrl, makeProvider } from '../support/server/fake-provider.ts'

const hourMs = 3_600_000

it('a key set that could not be loaded is fetched again after the clock was set back', async () => {
  const provider = makeProvider({})
  const keys = createKeySet({ ...provider, findJwksUrl: async () => jwksUrl })
  await keys.refresh()
  expect(keys.canRefresh()).toBe(false)
  provider.clock.nowMs -= hourMs
  expect(keys.canRefresh()).toBe(true)
  provider.documents.set(jwksUrl, keySet)
  await keys.refresh()
  expect(keys.hasKeys()).toBe(true)
})

it('a login is not delayed longer because the clock was set back', async () => {
  let nowMs = 2 * hourMs
  const held: number[] = []
  const wait = async (delayMs: number) => void held.push(delayMs)
  const throttle = createAttemptThrottle({ nowMs: () => nowMs, wait, maxAtOnce: 8 })
  const users = createUsers([{ name: 'ann', password: 'right', policy: 'readonly' }], throttle)
  const logIn = (password: string) => users.logIn({ name: 'ann', password, address: '10.0.0.1' })
  for (let attempt = 0; attempt < 10; attempt += 1) await logIn('wrong')
  held.length = 0
  nowMs -= hourMs
  expect(await logIn('right')).toMatchObject({ name: 'ann' })
  expect(held).toEqual([])
})

it('a user with earlier failures is not refused because the clock was set back', async () => {
  let nowMs = 2 * hourMs
  const throttle = createLoginThrottle({ nowMs: () => nowMs, wait: async () => {} })
  const who = { username: 'ann', address: '10.0.0.1' }
  for (let attempt = 0; attempt < 5; attempt += 1) await throttle.run(who, async () => undefined)
  nowMs -= hourMs
  expect(await throttle.run(who, async () => 'in')).toBe('in')
})
