/** The provider's library is loaded after the start: what that must not change. */
import { describe, expect, it } from 'vitest'
import { startServer } from '../../../src/server/start-server.ts'
import { openIssuer } from '../../support/server/issuer-harness.ts'

const ask = {
  path: '/oauth2/token',
  form: { grant_type: 'client_credentials' },
  auth: 'app:app-secret',
}

describe('an embedded provider that was not loaded before its first requests', () => {
  it('answers all of those that come at once', async () => {
    const issuer = await openIssuer()
    const answers = await Promise.all([
      issuer.ask(ask),
      issuer.ask({ ...ask, auth: 'app:wrong' }),
      issuer.ask({ path: '/oauth2/jwks' }),
      issuer.ask({ path: '/.well-known/openid-configuration' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 200])
  })

  it('publishes the keys that the server in its process verifies with', async () => {
    const issuer = await openIssuer()
    const { keys } = await issuer.readKeys()
    const published = JSON.parse((await issuer.ask({ path: '/oauth2/jwks' })).body) as {
      keys: { kid: string; n: string }[]
    }
    expect(published.keys.map(({ kid, n }) => ({ kid, n }))).toEqual(
      keys.map(({ kid, n }) => ({ kid, n })),
    )
  })

  it('signs a token for a test before it was asked for anything', async () => {
    const issuer = await openIssuer()
    expect((await issuer.issueToken({ sub: 'ann' })).split('.')).toHaveLength(3)
  })

  it('is loaded once, however often it is told to', async () => {
    const issuer = await openIssuer()
    await Promise.all([issuer.load(), issuer.load(), issuer.ask(ask)])
    expect((await issuer.ask(ask)).status).toBe(200)
  })
})

describe('clients that the library would refuse', () => {
  const app = { id: 'app', secret: 'app-secret', policy: 'readwrite' }

  it('two with one id stop the start with their name', async () => {
    await expect(openIssuer({ clients: [app, { ...app, secret: 'other' }] })).rejects.toMatchObject(
      {
        reason: 'account-duplicate',
        message: 'there are two clients "app"',
      },
    )
    await expect(startServer({ clients: [app, app] })).rejects.toMatchObject({
      reason: 'account-duplicate',
    })
  })

  it('one without an id stops the start', async () => {
    await expect(openIssuer({ clients: [{ ...app, id: '' }] })).rejects.toMatchObject({
      reason: 'account-invalid',
    })
  })
})
