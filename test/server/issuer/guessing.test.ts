import { describe, expect, it } from 'vitest'
import { createAttemptThrottle } from '../../../src/base/attempt-throttle.ts'
import { openIssuer, type Answer, type TestIssuer } from '../../support/server/issuer-harness.ts'

const alike = ({ status, headers, body }: Answer): object => {
  const { date: _date, ...rest } = headers
  return { status, headers: rest, body }
}

const logIn = (
  { ask }: TestIssuer,
  username: string,
  password: string,
  from?: string,
): Promise<Answer> =>
  ask({
    path: '/oauth2/token',
    form: { grant_type: 'password', client_id: 'sts-cli', username, password },
    ...(from === undefined ? {} : { from }),
  })

describe('passwords at the embedded identity provider', () => {
  it('the right password is accepted after any number of wrong ones, with a delay of at most four seconds', async () => {
    const issuer = await openIssuer()
    for (let i = 0; i < 40; i += 1) expect((await logIn(issuer, 'ann', `${i}`)).status).toBe(400)
    expect((await logIn(issuer, 'ann', 'right')).status).toBe(200)
    expect(issuer.waited.length).toBeGreaterThan(30)
    expect(Math.max(...issuer.waited)).toBeLessThanOrEqual(4000)
  })

  it('the right password is accepted while others guess for the same user', async () => {
    const issuer = await openIssuer()
    const guesses = Array.from({ length: 20 }, (_, i) => logIn(issuer, 'ann', `${i}`))
    expect((await logIn(issuer, 'ann', 'right')).status).toBe(200)
    expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(Array(20).fill(400))
  })

  it('existing and unknown users get the same answers and delays, at every count of failures', async () => {
    const [known, unknown] = await Promise.all([openIssuer(), openIssuer()])
    for (let i = 0; i < 15; i += 1) {
      const answers = [await logIn(known, 'ann', 'x'), await logIn(unknown, 'eve', 'x')]
      expect(alike(answers[0] as Answer)).toEqual(alike(answers[1] as Answer))
    }
    expect(known.waited.length).toBe(unknown.waited.length)
  })

  it('failures from one address do not delay a login from another', async () => {
    const issuer = await openIssuer()
    for (let i = 0; i < 9; i += 1) await logIn(issuer, 'ann', 'x')
    issuer.waited.length = 0
    expect((await logIn(issuer, 'ann', 'right', '127.0.0.2')).status).toBe(200)
    expect(issuer.waited).toEqual([])
  })
})

describe('client secrets at the embedded identity provider', () => {
  const endpoints = ['/oauth2/token', '/oauth2/device_authorization', '/request']
  const prove = ({ ask }: TestIssuer, endpoint: string, auth: string, from?: string) =>
    ask({
      path: endpoint,
      auth,
      form: { grant_type: 'client_credentials' },
      ...(from === undefined ? {} : { from }),
    })

  it('the right client secret is accepted after failures, and then no attempt is delayed', async () => {
    const issuer = await openIssuer()
    for (let i = 0; i < 8; i += 1)
      expect((await prove(issuer, '/oauth2/token', `app:${i}`)).status).toBe(401)
    expect(issuer.waited.length).toBe(5)
    expect((await prove(issuer, '/oauth2/token', 'app:app-secret')).status).toBe(200)
    issuer.waited.length = 0
    expect((await prove(issuer, '/oauth2/token', 'app:app-secret')).status).toBe(200)
    expect(issuer.waited).toEqual([])
  })

  it.each(endpoints)('a client secret is delayed after failures at %s', async (endpoint) => {
    const issuer = await openIssuer()
    for (let i = 0; i < 6; i += 1)
      expect((await prove(issuer, endpoint, `app:${i}`)).status).toBe(401)
    expect(issuer.waited.length).toBe(3)
  })

  it('a client secret in the form is delayed too', async () => {
    const issuer = await openIssuer()
    const form = { grant_type: 'client_credentials', client_id: 'app', client_secret: 'x' }
    for (let i = 0; i < 6; i += 1) await issuer.ask({ path: '/oauth2/token', form })
    expect(issuer.waited.length).toBeGreaterThan(1)
  })

  it.each(endpoints)(
    'existing and unknown clients get the same answers at %s',
    async (endpoint) => {
      const [known, unknown] = await Promise.all([openIssuer(), openIssuer()])
      for (let i = 0; i < 8; i += 1) {
        const answers = [
          await prove(known, endpoint, 'app:x'),
          await prove(unknown, endpoint, 'nobody:x'),
        ] as const
        const [a, b] = answers.map((answer) => JSON.stringify(alike(answer)))
        expect(a?.replaceAll(known.issuer, '')).toBe(b?.replaceAll(unknown.issuer, ''))
      }
      expect(known.waited.length).toBe(unknown.waited.length)
    },
  )

  it('failures of a client from one address do not delay it from another', async () => {
    const issuer = await openIssuer()
    for (let i = 0; i < 9; i += 1) await prove(issuer, '/oauth2/token', 'app:x')
    issuer.waited.length = 0
    expect((await prove(issuer, '/oauth2/token', 'app:app-secret', '127.0.0.2')).status).toBe(200)
    expect(issuer.waited).toEqual([])
  })

  it('a request without a client secret does not reset the failures', async () => {
    const issuer = await openIssuer()
    for (let i = 0; i < 5; i += 1) await prove(issuer, '/oauth2/token', 'app:x')
    const headers = { 'oauth-client-attestation': 'x', 'oauth-client-attestation-pop': 'x' }
    const form = { grant_type: 'client_credentials', client_id: 'app' }
    await issuer.ask({ path: '/oauth2/token', form, headers })
    issuer.waited.length = 0
    await prove(issuer, '/oauth2/token', 'app:x')
    expect(issuer.waited.length).toBe(1)
  })

  it('a client without a secret is never delayed', async () => {
    const issuer = await openIssuer()
    const form = { client_id: 'sts-cli', client_secret: 'guess' }
    for (let i = 0; i < 9; i += 1) await issuer.ask({ path: '/oauth2/device_authorization', form })
    expect(issuer.waited).toEqual([])
  })
})

describe('the attempt throttle', () => {
  it('the attempt throttle refuses only attempts beyond its limit, and accepts the next when one has ended', async () => {
    const who = { name: 'ann', address: '10.0.0.1' }
    const throttle = createAttemptThrottle({ nowMs: () => 0, wait: async () => {}, maxAtOnce: 2 })
    const settle = await throttle.enter(who)
    await throttle.enter(who)
    await expect(throttle.enter(who)).rejects.toThrow('too many attempts at once')
    settle('wrong')
    await throttle.enter(who)
  })

  it('the attempt throttle delays a bounded number of attempts, whatever their names are', async () => {
    const never = new Promise<void>(() => {})
    const throttle = createAttemptThrottle({ nowMs: () => 0, wait: () => never, maxAtOnce: 8 })
    const address = '10.0.0.1'
    for (let i = 0; i < 30; i += 1) (await throttle.enter({ name: `${i}`, address }))('wrong')
    for (let i = 0; i < 512; i += 1) void throttle.enter({ name: `held ${i}`, address })
    await expect(throttle.enter({ name: 'one more', address })).rejects.toThrow('too many')
    await throttle.enter({ name: 'elsewhere', address: '10.0.0.2' })
  })

  it('the attempt throttle counts running attempts after a failure, so that parallel guesses are delayed too', async () => {
    const waited: number[] = []
    const who = { name: 'ann', address: '10.0.0.1' }
    const wait = async (delayMs: number) => void waited.push(delayMs)
    const throttle = createAttemptThrottle({ nowMs: () => 0, wait, maxAtOnce: 32 })
    ;(await throttle.enter(who))('wrong')
    await Promise.all(Array.from({ length: 8 }, () => throttle.enter(who)))
    expect(waited).toEqual([250, 500, 1000, 2000, 4000, 4000])
  })
})
